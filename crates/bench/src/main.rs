//! Measures Seriatim against the limits of what it stands on, both in the same run; `cargo xtask bench` runs it.

mod context;
mod domain;
mod limits;
mod load;
mod measure;
mod product;
mod report;
mod rows;
mod served;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::context::Context;
use crate::report::Report;

/// What a measurement gives, or why it could not be made.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Measures Seriatim against the limits of what it stands on. Trust the ratios: both sides are measured in turn, in
/// the same run, on the same disk.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", max_term_width = 110)]
struct Args {
    /// Which rows, for example P4 P7; without any, all of them
    #[arg(ignore_case = true, value_parser = row_names())]
    rows: Vec<String>,
    /// A fifth of the work, for a rough answer
    #[arg(long)]
    quick: bool,
    /// How often everything is measured; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=99))]
    rounds: u8,
    /// Print the report as JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Where the databases are written; must be on the disk that is to be measured
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
    /// Touch so many streams and print the size of this process (row P16 calls itself with it)
    #[arg(long, hide = true)]
    memory_of: Option<usize>,
}

fn row_names() -> Vec<&'static str> {
    rows::ALL.iter().map(|(name, _)| *name).collect()
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Outcome<()> {
    let context = Context::new(args.quick, args.rounds.into(), &args.folder)?;
    if let Some(streams) = args.memory_of {
        return rows::touch_and_print(streams, &context);
    }
    if cfg!(debug_assertions) {
        eprintln!("built without optimisation: the figures mean nothing, use `cargo xtask bench`");
    }
    let load = report::load();
    if let Some(load) = load.filter(|load| *load > report::cores() as f64 / 2.0) {
        eprintln!(
            "this machine is busy (load {load}): the product, which uses all cores, will look worse than it is"
        );
    }
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for (name, measure) in chosen(&args.rows) {
        eprintln!("{name}");
        // What was measured before must not be lost with a row that fails.
        match measure(&context) {
            Ok(measured) => rows.extend(measured),
            Err(error) => failed.push(format!("{name} could not be measured: {error}")),
        }
    }
    let report = Report::new(args.quick, args.rounds.into(), load, rows);
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

fn chosen(names: &[String]) -> impl Iterator<Item = &'static (&'static str, rows::Measure)> {
    let chosen =
        |row: &str| names.is_empty() || names.iter().any(|name| name.eq_ignore_ascii_case(row));
    rows::ALL.iter().filter(move |(row, _)| chosen(row))
}
