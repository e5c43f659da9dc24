//! One command of a chore: announced, timed, and easy to repeat by hand.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

/// A call of cargo.
pub(crate) struct Step {
    arguments: &'static [&'static str],
    environment: Option<(&'static str, &'static str)>,
}

impl Step {
    pub(crate) const fn cargo(arguments: &'static [&'static str]) -> Self {
        Self {
            arguments,
            environment: None,
        }
    }

    pub(crate) const fn with(self, name: &'static str, value: &'static str) -> Self {
        Self {
            environment: Some((name, value)),
            ..self
        }
    }

    /// Runs it with this terminal's input and output, and returns how long it took. `found` is what only this run
    /// knows, by the names of variables.
    pub(crate) fn run(&self, found: &[(&str, &str)]) -> Result<Duration, String> {
        eprintln!("\n==> {}", self.in_words());
        let start = Instant::now();
        let mut command = cargo();
        command
            .args(self.arguments)
            .envs(self.environment)
            .envs(found.iter().copied());
        let status = command
            .status()
            .map_err(|error| format!("cargo cannot be started: {error}"))?;
        if status.success() {
            return Ok(start.elapsed());
        }
        Err(format!(
            "failed ({status}); repeat it with\n  {}",
            self.in_words()
        ))
    }

    /// As one would type it.
    pub(crate) fn in_words(&self) -> String {
        let environment = self
            .environment
            .map(|(name, value)| format!("{name}='{value}' "))
            .unwrap_or_default();
        format!("{environment}cargo {}", self.arguments.join(" "))
    }
}

/// The cargo that runs this, so that a chosen toolchain (`cargo +nightly xtask ...`) stays chosen.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
