//! Checks what the chores need of the machine besides Rust itself.

use std::env;
use std::process::{Command, Stdio};

use crate::step::cargo;

/// SQLite is compiled from its C sources, so that nobody needs to install it.
pub(crate) fn check_c_compiler() -> Result<(), String> {
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".into());
    if cfg!(windows) || answers(Command::new(&compiler).arg("--version")) {
        return Ok(());
    }
    Err(format!(
        "there is no C compiler (`{compiler}`), which SQLite is built with; install one and run this again:
  Debian, Ubuntu   sudo apt-get install build-essential
  Fedora           sudo dnf install gcc
  Alpine           sudo apk add build-base
  macOS            xcode-select --install
or name yours in the variable CC"
    ))
}

/// Installs a part of the Rust distribution if it is missing (minimal installations have neither).
pub(crate) fn ensure_component(subcommand: &str, component: &str) -> Result<(), String> {
    if answers(cargo().args([subcommand, "--version"])) {
        return Ok(());
    }
    eprintln!("\n==> rustup component add {component}");
    let installed = Command::new("rustup")
        .args(["component", "add", component])
        .status()
        .is_ok_and(|status| status.success());
    if installed {
        return Ok(());
    }
    Err(format!(
        "`cargo {subcommand}` is missing and could not be installed; install {component} from where your Rust comes from, \
         or run only the tests with `cargo xtask test --fast`"
    ))
}

fn answers(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
