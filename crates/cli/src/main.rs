//! `seriatim`: shows what is in a running server and sends requests to it, from a terminal or a script.

mod args;
mod commands;
mod connect;
mod editing;
mod exit;
mod failure;
mod input;
mod new_file;
mod output;
mod readable;
mod values;

use std::env;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser as _};
use mimalloc::MiMalloc;
use seriatim_core::printable;

use crate::args::Args;
use crate::exit::Exit;
use crate::output::Output;
use crate::values::Token;

/// It takes less time than the allocator of the system, see docs/performance.md.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    run().into()
}

/// Prints what is wrong with the command line, or the help.
fn usage(error: clap::Error) -> Exit {
    // Help and versions are not errors, and go to stdout.
    if !error.use_stderr() {
        // A closed terminal is no reason to fail once more.
        let _ = error.print();
        return Exit::Ok;
    }
    // The message repeats what was typed, or what a script has put there, so it is made anew with that text escaped.
    let shown = env::args_os().map(|argument| printable(&argument.to_string_lossy()).into_owned());
    let error = Args::try_parse_from(shown).err().unwrap_or(error);
    let _ = error.print();
    Exit::Usage
}

/// Returns whether an option of every command stands on the command line. It may stand before or after the command.
fn is_typed(option: &str, matches: &ArgMatches) -> bool {
    matches.value_source(option) == Some(ValueSource::CommandLine)
        || matches
            .subcommand()
            .is_some_and(|(_, matches)| is_typed(option, matches))
}

fn run() -> Exit {
    let matches = match Args::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return usage(error),
    };
    let args = match Args::from_arg_matches(&matches) {
        Ok(args) => args,
        Err(error) => return usage(error),
    };
    let output = Output::new(args.global.json);
    if matches!(args.global.shown.token, Some(Token::Text(_))) && is_typed("token", &matches) {
        output.hint(
            "warning: other users of this machine can see a token on the command line; \
             give it as --token @FILE or in SERIATIM_TOKEN",
        );
    }
    match commands::run(args, &output) {
        Ok(exit) => exit,
        Err(failure) => output.failure(&failure),
    }
}
