//! The chores of this repository, as `cargo xtask <chore>`; without dependencies, so that it builds in a second.

mod bench;
mod browser;
mod packages;
mod services;
mod step;
mod test;
mod toolchain;

use std::env;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <chore>

chores:
  test [--fast | --long]               everything that must hold before a change is handed in:
                                       format, lints, documentation, tests; --fast: only the tests;
                                       --long: only those that take minutes (SERIATIM_LONG_MINUTES: of
                                       those that can go on for ever, each; 5 unless it is set)
  services up|down|remove|status       a private PostgreSQL in target/services, on a free port;
           [--name NAME] [--json]      NAME: another one beside it; remove: with all that it holds;
           [--standby-of NAME]         up: one that follows another
  services up|down|remove|status nats  the same for a private cluster of three NATS servers
           [--name NAME] [--json]
  bench [rows...] [--quick] [--json]   the benchmarks, or only some of their rows (P4 P7 ...);
        [--on sqlite|postgres]         --json: the report on stdout instead of a table
  bench peers [--quick] [--json]       Seriatim beside other libraries, on PostgreSQL; --help tells how to choose
  bench chart                          what that found last, as docs/peers.svg";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\n{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), String> {
    match arguments {
        ["test"] => test::run(test::Extent::Everything),
        ["test", "--fast"] => test::run(test::Extent::OnlyTests),
        ["test", "--long"] => test::run(test::Extent::OnlyLong),
        ["bench", rest @ ..] => bench::run(rest),
        ["services", rest @ ..] => services::run(rest),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.to_owned()),
    }
}
