//! Programs that packages of the system bring: found, and installed where that needs nobody's password.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What an administrator of Debian or Ubuntu would type before any package. A list that cannot be fetched may still be
/// good enough.
const PREPARE: &str = "\
export DEBIAN_FRONTEND=noninteractive
apt-get update || true
";

/// Programs that the chores need, and the packages that bring them.
pub(crate) struct Packages {
    /// The programs, as a message names them.
    pub(crate) programs: &'static str,
    /// The packages, as a message names them, and what is left out of them.
    pub(crate) packages: &'static str,
    /// The commands that an administrator of Debian or Ubuntu would type.
    pub(crate) install: &'static str,
    /// What to do where nothing is installed.
    pub(crate) next_step: &'static str,
}

impl Packages {
    /// Returns what `find` finds. Installs the packages first if it finds nothing, and looks again.
    ///
    /// Fails if this user may not install packages without a password, and if the programs are not there afterwards.
    /// The message says what to do.
    pub(crate) fn find_or_install<T>(
        &self,
        find: impl Fn() -> Result<Option<T>, String>,
    ) -> Result<T, String> {
        if let Some(found) = find()? {
            return Ok(found);
        }
        let Self {
            programs,
            packages,
            next_step,
            ..
        } = self;
        let Some(administrator) = administrator() else {
            return Err(format!("{programs} cannot be found; {next_step}"));
        };
        eprintln!("\n==> {programs} cannot be found; installing {packages}");
        if !self.install(administrator) {
            return Err(format!("{programs} could not be installed; {next_step}"));
        }
        find()?.ok_or_else(|| {
            format!("{packages} was installed, but {programs} still cannot be found; {next_step}")
        })
    }

    /// Returns `false` if a command failed; what it said is on this terminal.
    fn install(&self, mut administrator: Command) -> bool {
        let script = format!("{PREPARE}{}", self.install);
        administrator
            .args(["sh", "-ec", &script])
            .stdout(io::stderr())
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// The folders of PATH.
pub(crate) fn path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).collect()
}

/// The command prefix of a user who may install packages: root, or a user who becomes root without a password.
fn administrator() -> Option<Command> {
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

pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fs;

    use super::*;

    const PACKAGES: Packages = Packages {
        programs: "the programs",
        packages: "the package",
        install: "exit 1",
        next_step: "do this",
    };

    #[test]
    fn what_is_there_is_not_installed() {
        let asked = Cell::new(0);
        let found = PACKAGES.find_or_install(|| {
            asked.set(asked.get() + 1);
            Ok(Some(7))
        });
        assert_eq!((found, asked.get()), (Ok(7), 1));
    }

    #[test]
    fn a_place_that_was_named_and_is_wrong_is_not_mended_by_installing() {
        let found = PACKAGES.find_or_install(|| Err::<Option<()>, _>("correct it".to_owned()));
        assert_eq!(found, Err("correct it".to_owned()));
    }

    /// The commands are run by a shell that finds no other program, so none of them installs anything here.
    #[test]
    fn a_command_that_fails_ends_the_installing() {
        let folder = env::temp_dir().join(format!("seriatim-xtask-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        std::os::unix::fs::symlink("/bin/sh", folder.join("sh")).unwrap();
        let succeeds = |install| {
            let mut administrator = Command::new("/usr/bin/env");
            administrator.env("PATH", &folder);
            Packages {
                install,
                ..PACKAGES
            }
            .install(administrator)
        };
        let ends = [succeeds(":"), succeeds("apt-get install it\n:")];
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(ends, [true, false]);
    }
}
