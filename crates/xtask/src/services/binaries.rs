//! Finds PostgreSQL's programs, and installs them if they are missing.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages::{self, Packages};

/// Names the folder of the programs: for another version than the one that would be found.
const VARIABLE: &str = "SERIATIM_POSTGRES_BIN";

const NEEDED: [&str; 2] = ["initdb", "pg_ctl"];

/// Without the setting, the package would make a cluster for the whole machine and start it at each boot.
const POSTGRES: Packages = Packages {
    programs: "PostgreSQL (initdb, pg_ctl)",
    packages: "the package `postgresql`, without a cluster of the system's",
    install: "\
settings=/etc/postgresql-common/createcluster.d
trap 'rm -f $settings/seriatim.conf' EXIT
apt-get install --yes --no-install-recommends postgresql-common
mkdir -p $settings
echo 'create_main_cluster = false' > $settings/seriatim.conf
apt-get install --yes --no-install-recommends postgresql
",
    next_step: "install it and run this again:
  Debian, Ubuntu   sudo apt-get install postgresql
  Fedora           sudo dnf install postgresql-server
  Alpine           sudo apk add postgresql
  macOS            brew install postgresql@17
or name the folder of its programs in SERIATIM_POSTGRES_BIN",
};

/// The folder of the programs; installs them where that is possible without asking anybody.
pub(crate) fn find_or_install() -> Result<PathBuf, String> {
    POSTGRES.find_or_install(find)
}

/// The folder that the variable names, or else one in PATH, or else where Debian puts the newest.
pub(crate) fn find() -> Result<Option<PathBuf>, String> {
    let holds_all = |folder: &PathBuf| NEEDED.iter().all(|program| folder.join(program).is_file());
    // In PATH there may be links to some programs; where they point to are all of them.
    let whole = |folder: PathBuf| {
        let initdb = fs::canonicalize(folder.join(NEEDED[0])).ok();
        let real = initdb.and_then(|initdb| initdb.parent().map(Path::to_owned));
        real.filter(holds_all).unwrap_or(folder)
    };
    if let Some(folder) = env::var_os(VARIABLE).map(PathBuf::from) {
        return match holds_all(&folder) {
            true => Ok(Some(whole(folder))),
            false => Err(format!(
                "there is no initdb and pg_ctl in {}; correct {VARIABLE}, or leave it out",
                folder.display()
            )),
        };
    }
    let mut folders = packages::path();
    folders.extend(debian_folders());
    Ok(folders.into_iter().find(holds_all).map(whole))
}

/// The major version of the programs, if the variable names them: what they make is kept apart from what others make,
/// for no version reads the files of another.
pub(crate) fn chosen_version() -> Result<Option<String>, String> {
    if env::var_os(VARIABLE).is_none() {
        return Ok(None);
    }
    let folder = find()?.unwrap_or_default();
    let said = Command::new(folder.join("initdb"))
        .arg("--version")
        .output();
    let said = said.map_err(|error| format!("initdb cannot be started: {error}"))?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    // `initdb (PostgreSQL) 17.10 (Debian 17.10-1)`
    let number = said.split_whitespace().nth(2).unwrap_or_default();
    let major: String = number.chars().take_while(char::is_ascii_digit).collect();
    match major.is_empty() {
        true => Err(format!(
            "initdb in {} does not say its version; correct {VARIABLE}",
            folder.display()
        )),
        false => Ok(Some(major)),
    }
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
