//! The program PgBouncer, which tests of the PostgreSQL store start before the private server, each its own.

use std::path::PathBuf;

use crate::packages::{self, Packages};

/// Without the policy the package would start a service for the whole machine.
const PGBOUNCER: Packages = Packages {
    programs: "PgBouncer",
    packages: "the package `pgbouncer`, without starting it",
    install: "\
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\\nexit 101\\n' > $policy
    chmod 755 $policy
fi
apt-get install --yes --no-install-recommends pgbouncer
systemctl disable --quiet pgbouncer 2> /dev/null || true
",
    next_step: "install it and run this again:
  Debian, Ubuntu   sudo apt-get install pgbouncer
  Fedora           sudo dnf install pgbouncer
  Alpine           sudo apk add pgbouncer
  macOS            brew install pgbouncer",
};

/// Sees to it that the tests find it.
pub(crate) fn find_or_install() -> Result<(), String> {
    PGBOUNCER.find_or_install(|| Ok(is_there().then_some(())))
}

/// In PATH, or where only an administrator's PATH leads.
fn is_there() -> bool {
    let others = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let mut folders = packages::path().into_iter().chain(others);
    folders.any(|folder| folder.join("pgbouncer").is_file())
}
