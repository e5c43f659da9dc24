//! Finds PostgreSQL's programs, and installs them if they are missing.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::is_root;

/// Names the folder of the programs: for another version than the one that would be found.
const VARIABLE: &str = "SERIATIM_POSTGRES_BIN";

const NEEDED: [&str; 2] = ["initdb", "pg_ctl"];

/// The commands that an administrator of Debian or Ubuntu would type. Without the setting in between, the package would
/// make a cluster for the whole machine and start it at each boot.
const INSTALL: &str = "\
export DEBIAN_FRONTEND=noninteractive
settings=/etc/postgresql-common/createcluster.d
trap 'rm -f $settings/seriatim.conf' EXIT
apt-get update || true
apt-get install --yes --no-install-recommends postgresql-common
mkdir -p $settings
echo 'create_main_cluster = false' > $settings/seriatim.conf
apt-get install --yes --no-install-recommends postgresql
";

const NEXT_STEP: &str = "install it and run this again:
  Debian, Ubuntu   sudo apt-get install postgresql
  Fedora           sudo dnf install postgresql-server
  Alpine           sudo apk add postgresql
  macOS            brew install postgresql@17
or name the folder of its programs in SERIATIM_POSTGRES_BIN";

/// The folder of the programs; installs them where that is possible without asking anybody.
pub(crate) fn find_or_install() -> Result<PathBuf, String> {
    if let Some(found) = find()? {
        return Ok(found);
    }
    let Some(mut administrator) = administrator() else {
        return Err(format!(
            "there is no PostgreSQL (initdb, pg_ctl); {NEXT_STEP}"
        ));
    };
    eprintln!(
        "\n==> there is no PostgreSQL; installing the package `postgresql`, without a cluster of the system's"
    );
    let installed = administrator
        .args(["sh", "-ec", INSTALL])
        .stdout(std::io::stderr())
        .status()
        .is_ok_and(|status| status.success());
    if !installed {
        return Err(format!("PostgreSQL could not be installed; {NEXT_STEP}"));
    }
    find()?.ok_or_else(|| {
        format!(
            "the package `postgresql` is installed, but initdb and pg_ctl are not in /usr/lib/postgresql/*/bin; \
             name their folder in {VARIABLE}"
        )
    })
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
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
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

/// The command prefix of a user who may install packages: root, or a user who becomes root without a password.
pub(crate) fn administrator() -> Option<Command> {
    if !Path::new("/usr/bin/apt-get").is_file() {
        return None;
    }
    if is_root() {
        return Some(Command::new("/usr/bin/env"));
    }
    let mut may = Command::new("sudo");
    let may = may.args(["--non-interactive", "true"]).output();
    may.is_ok_and(|output| output.status.success()).then(|| {
        let mut sudo = Command::new("sudo");
        sudo.arg("--non-interactive");
        sudo
    })
}
