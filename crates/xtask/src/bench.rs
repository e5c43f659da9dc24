//! `cargo xtask bench`: builds the benchmarks for speed and runs them.

use crate::step::cargo;
use crate::toolchain;

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    toolchain::check_c_compiler()?;
    let status = cargo()
        .args(["run", "--release", "--package", "seriatim-bench", "--"])
        .args(arguments)
        .status()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("the benchmarks failed ({status})"))
}
