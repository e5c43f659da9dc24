//! Completion scripts.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::args::Args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn print(shell: Shell, output: &Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    generate(shell, &mut Args::command(), "seriatim", &mut script);
    output.script(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
