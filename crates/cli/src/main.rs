//! `seriatim`: looks into a running server and tells it what to do, from a terminal or a script.

mod args;
mod commands;
mod exit;
mod failure;
mod input;
mod output;
mod values;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::exit::Exit;
use crate::output::Output;

fn main() -> ExitCode {
    run().into()
}

fn run() -> Exit {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and versions are no errors, and go to stdout.
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            };
            // A closed terminal is no reason to fail once more.
            let _ = error.print();
            return exit;
        }
    };
    let output = Output::new(args.global.json);
    match commands::run(args, &output) {
        Ok(exit) => exit,
        Err(failure) => output.failure(&failure),
    }
}
