//! Measures Seriatim against the limits of what it stands on, both in the same run; `cargo xtask bench` runs it.

mod child;
mod context;
mod limits;
mod rows;
mod served;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use seriatim_bench::Outcome;
use seriatim_bench::postgres::Server;
use seriatim_bench::report::Report;

use crate::context::{Context, On};
use crate::rows::Benchmark;

/// It takes less time than the allocator of the system, see docs/performance.md.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measures Seriatim against the limits of what it stands on. Trust the ratios: both sides are measured in turn, in
/// the same run, on the same disk.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", max_term_width = 110)]
struct Args {
    /// The rows to measure, for example P4 P7; without any, all but those that take many minutes (P17, LAYOUT)
    #[arg(ignore_case = true, value_parser = rows::names())]
    rows: Vec<String>,
    /// The store to measure on; without it, each that a row is about
    #[arg(long)]
    on: Option<On>,
    /// A fifth of the work, for a rough answer
    #[arg(long)]
    quick: bool,
    /// The number of times that everything is measured; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=99))]
    rounds: u8,
    /// Print the report as JSON instead of a table
    #[arg(long)]
    json: bool,
    /// The folder for SQLite's databases and the report; must be on the disk that is to be measured
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
    /// The PostgreSQL that is measured, each time in a schema that is made and dropped
    #[arg(
        long,
        value_name = "URL",
        env = "SERIATIM_BENCH_POSTGRES",
        hide_env_values = true
    )]
    postgres: Option<String>,
}

fn main() -> ExitCode {
    let result = match child::role() {
        Some(role) => role.and_then(child::play),
        None => run(&Args::parse()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Outcome<()> {
    if cfg!(debug_assertions) {
        eprintln!("built without optimisation: the figures mean nothing, use `cargo xtask bench`");
    }
    let chosen: Vec<_> = chosen(args).collect();
    let on_postgres = chosen.iter().any(|row| row.on == On::Postgres);
    let server = match (&args.postgres, on_postgres) {
        (Some(url), true) => Some(Server::new(url)),
        (None, true) => {
            return Err(
                "these rows need a PostgreSQL: run them by `cargo xtask bench`, which starts one, name one in \
                 --postgres, or leave them out with --on sqlite"
                    .into(),
            );
        }
        (_, false) => None,
    };
    let context = Context::new(args.quick, args.rounds.into(), &args.folder, server)?;
    let mut report = Report::begin(args.quick, args.rounds.into(), context.postgres_in_words()?);
    if let Some(warning) = report.warning() {
        eprintln!("{warning}");
    }
    let mut failed = Vec::new();
    for benchmark in chosen {
        let store = benchmark.on.name();
        eprintln!("{} on {store}", benchmark.name);
        // What was measured before must not be lost with a row that fails.
        match (benchmark.measure)(&context, benchmark.on) {
            Ok(mut rows) => {
                rows.iter_mut().for_each(|row| row.store = Some(store));
                report.add(rows);
            }
            Err(error) => failed.push(format!(
                "{} on {store} could not be measured: {error}",
                benchmark.name
            )),
        }
    }
    let file = args.folder.join("latest.json");
    report.write(&file)?;
    eprintln!();
    match args.json {
        true => println!("{}", report.to_json()?),
        false => print!("{}", report.to_table()),
    }
    eprintln!("written to {}", file.display());
    match failed.is_empty() {
        true => Ok(()),
        false => Err(failed.join("\n").into()),
    }
}

fn chosen(args: &Args) -> impl Iterator<Item = &'static Benchmark> {
    let named = |row: &Benchmark| match args.rows.is_empty() {
        true => row.by_default,
        false => (args.rows.iter()).any(|name| name.eq_ignore_ascii_case(row.name)),
    };
    let on = args.on;
    (rows::ALL.iter()).filter(move |row| named(row) && on.is_none_or(|on| on == row.on))
}
