//! Where PostgreSQL's programs are, and how they get there.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::is_root;

const NEEDED: [&str; 2] = ["initdb", "pg_ctl"];

/// The folder of the programs; installs them where that is possible without asking anybody.
pub(crate) fn find_or_install() -> Result<PathBuf, String> {
    if let Some(found) = find() {
        return Ok(found);
    }
    if is_root() && install() {
        return find().ok_or_else(|| {
            "the package `postgresql` is installed, but initdb and pg_ctl are not in \
             /usr/lib/postgresql/*/bin; put their folder into PATH"
                .to_owned()
        });
    }
    Err(
        "there is no PostgreSQL (initdb, pg_ctl); install it and run this again:
  Debian, Ubuntu   sudo apt-get install postgresql
  Fedora           sudo dnf install postgresql-server
  Alpine           sudo apk add postgresql
  macOS            brew install postgresql@17
or put the folder of its programs into PATH"
            .to_owned(),
    )
}

/// In PATH, or else where Debian puts the newest.
pub(crate) fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.extend(debian_folders());
    folders
        .into_iter()
        .find(|folder| NEEDED.iter().all(|program| folder.join(program).is_file()))
}

fn debian_folders() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut folders: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    folders.sort_unstable_by(|a, b| b.cmp(a));
    folders.into_iter().map(|(_, folder)| folder).collect()
}

fn install() -> bool {
    let Some(apt) = [Path::new("/usr/bin/apt-get")]
        .into_iter()
        .find(|apt| apt.is_file())
    else {
        return false;
    };
    eprintln!("\n==> apt-get install postgresql");
    let run = |arguments: &[&str]| {
        Command::new(apt)
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(std::io::stderr())
            .status()
            .is_ok_and(|status| status.success())
    };
    let install = ["install", "--yes", "--no-install-recommends", "postgresql"];
    run(&install) || (run(&["update"]) && run(&install))
}
