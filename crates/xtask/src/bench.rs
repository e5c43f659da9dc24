//! `cargo xtask bench`: builds the benchmarks for speed and runs them.

use crate::services;
use crate::step::cargo;
use crate::toolchain;

/// The variable that names the database that the benchmarks may fill.
const POSTGRES: &str = "SERIATIM_BENCH_POSTGRES";

/// A workspace of its own: nobody who builds the product has to build what it is compared with.
const PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../bench/peers/Cargo.toml");

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    toolchain::check_c_compiler()?;
    match needs_postgres(arguments) {
        true => services::with_postgres(POSTGRES, |url| start(arguments, &[(POSTGRES, url)])),
        false => start(arguments, &[]),
    }
}

/// All other arguments are the program's own business.
fn needs_postgres(arguments: &[&str]) -> bool {
    if arguments.first() == Some(&"chart") {
        return false;
    }
    let named = |names: &[&str]| arguments.iter().any(|argument| names.contains(argument));
    let is_without = |store: &str| matches!(store, "sqlite" | "memory");
    let without = arguments
        .windows(2)
        .any(|pair| pair[0] == "--on" && is_without(pair[1]));
    !(without || named(&["--on=sqlite", "--on=memory", "--help", "-h"]))
}

fn start(arguments: &[&str], found: &[(&str, &str)]) -> Result<(), String> {
    let program = match arguments.first() {
        Some(&"peers" | &"chart") => ["--manifest-path", PEERS],
        _ => ["--package", "seriatim-bench"],
    };
    let status = cargo()
        .args(["run", "--release"])
        .args(program)
        .arg("--")
        .args(arguments)
        .envs(found.iter().copied())
        .status()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("the benchmarks failed ({status})"))
}
