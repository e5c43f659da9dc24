//! The program PgBouncer, which tests of the PostgreSQL store start before the private server, each its own.

use std::env;
use std::path::PathBuf;

use super::binaries;

/// The commands that an administrator of Debian or Ubuntu would type. Without the policy the package would start a
/// service for the whole machine.
const INSTALL: &str = "\
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\\nexit 101\\n' > $policy
    chmod 755 $policy
fi
apt-get update || true
apt-get install --yes --no-install-recommends pgbouncer
systemctl disable --quiet pgbouncer 2> /dev/null || true
";

const NEXT_STEP: &str = "install it and run this again:
  Debian, Ubuntu   sudo apt-get install pgbouncer
  Fedora           sudo dnf install pgbouncer
  Alpine           sudo apk add pgbouncer
  macOS            brew install pgbouncer";

/// Sees to it that the tests find it.
pub(crate) fn find_or_install() -> Result<(), String> {
    if is_there() {
        return Ok(());
    }
    let Some(mut administrator) = binaries::administrator() else {
        return Err(format!("there is no PgBouncer; {NEXT_STEP}"));
    };
    eprintln!(
        "\n==> there is no PgBouncer; installing the package `pgbouncer`, without starting it"
    );
    let installed = administrator
        .args(["sh", "-ec", INSTALL])
        .stdout(std::io::stderr())
        .status()
        .is_ok_and(|status| status.success());
    match installed && is_there() {
        true => Ok(()),
        false => Err(format!("PgBouncer could not be installed; {NEXT_STEP}")),
    }
}

/// In PATH, or where only an administrator's PATH leads.
fn is_there() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let others = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let mut folders = env::split_paths(&path).chain(others);
    folders.any(|folder| folder.join("pgbouncer").is_file())
}
