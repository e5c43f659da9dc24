//! Compares Seriatim with other event sourcing libraries, and with bare statements, on one PostgreSQL in one run;
//! `cargo xtask bench peers` runs it.

mod budget;
mod chart;
mod contender;
mod contenders;
mod database;
mod domain;
mod ground;
mod report;
mod run;
mod streams;
mod trial;
mod window;
mod workload;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use seriatim_bench::machine;

use crate::report::Report;
use crate::workload::Workload;

/// It takes less time than the allocator of the system, see docs/performance.md.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The result of a measurement, or the reason why it could not be made.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", max_term_width = 110)]
struct Program {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Measures all contenders in turn, on one PostgreSQL, in one run; about a quarter of an hour
    Peers(Args),
    /// Draws what was measured last
    Chart,
}

#[derive(Debug, clap::Args)]
struct Args {
    /// Few workloads, one short round: whether it works, not how fast anything is
    #[arg(long)]
    quick: bool,
    /// The report as JSON on stdout, instead of tables
    #[arg(long)]
    json: bool,
    /// The number of times that everything is measured
    #[arg(long, value_parser = clap::value_parser!(usize))]
    rounds: Option<usize>,
    /// The length of each window, in seconds
    #[arg(long)]
    seconds: Option<f64>,
    /// Only contenders whose name contains this; may be repeated
    #[arg(long = "contender", value_name = "NAME")]
    contenders: Vec<String>,
    /// Only this workload, for example new-64; may be repeated
    #[arg(long = "workload", value_name = "NAME")]
    workloads: Vec<Workload>,
    /// The server, where databases whose names begin with `peers_` are made and dropped, by an account that may
    #[arg(
        long,
        env = "SERIATIM_BENCH_POSTGRES",
        hide_env_values = true,
        value_name = "URL"
    )]
    postgres: String,
    /// The load before the run; not an option.
    #[arg(skip)]
    load_before: Option<f64>,
}

fn main() -> ExitCode {
    let done = match Program::parse().chore {
        Chore::Peers(args) => peers(args),
        Chore::Chart => draw(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn peers(mut args: Args) -> Outcome<()> {
    args.load_before = machine::load();
    if let Some(load) = args.load_before
        && load > 0.5
    {
        eprintln!(
            "other programs run on this machine (load {load}): the figures will be lower, and unsteady"
        );
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let report = runtime.block_on(run::run(&args))?;
    // What hangs in a contender after its time must not hold up the report.
    runtime.shutdown_background();
    report.write(&report_path())?;
    match args.json {
        true => println!("{}", report.to_json()?),
        false => print!("{}", report.to_table()),
    }
    eprintln!("written to {}", report_path().display());
    Ok(())
}

fn draw() -> Outcome<()> {
    let path = workspace().join("docs/peers.svg");
    std::fs::write(&path, chart::draw(&Report::read(&report_path())?)?)?;
    println!("{}", path.display());
    Ok(())
}

fn report_path() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| "target".into());
    workspace().join(target).join("bench/peers.json")
}

/// The product's, which this package lies in.
fn workspace() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = own.ancestors().nth(3);
    workspace.expect("it is three folders down").to_owned()
}
