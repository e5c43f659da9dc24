//! The account a database server runs under: PostgreSQL refuses to be run by root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::packages::is_root;

/// The account that starts the server.
#[derive(Clone, Copy)]
pub(crate) enum Account {
    /// The user who runs this program.
    Own,
    /// Root runs this, and steps down to an account that owns nothing else of interest.
    Unprivileged { user: u32, group: u32 },
}

impl Account {
    /// `folder` belongs to the user who runs this program.
    pub(crate) fn choose(folder: &Path) -> Result<Self, String> {
        let owner = fs::metadata(folder).map_err(|error| {
            format!(
                "the folder {} cannot be looked at: {error}",
                folder.display()
            )
        })?;
        if owner.uid() != 0 && !is_root() {
            return Ok(Self::Own);
        }
        let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| find(&accounts, name))
            .ok_or_else(|| {
                "the server must not be run by root, and there is no account `postgres` or `nobody`; \
                 add one, or run this as another user"
                    .to_owned()
            })
    }

    /// A command that this account runs.
    pub(crate) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Self::Unprivileged { user, group } = self {
            command.uid(user).gid(group);
        }
        command
    }

    /// Gives the account a file or folder.
    pub(crate) fn give(self, path: &Path) -> Result<(), String> {
        let Self::Unprivileged { user, group } = self else {
            return Ok(());
        };
        chown(path, Some(user), Some(group)).map_err(|error| {
            format!(
                "{} cannot be given to another account: {error}",
                path.display()
            )
        })
    }
}

/// An account's numbers, from the lines `name:password:user:group:...`.
fn find(accounts: &str, name: &str) -> Option<Account> {
    let line = accounts
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut numbers = line.split(':').skip(2);
    Some(Account::Unprivileged {
        user: numbers.next()?.parse().ok()?,
        group: numbers.next()?.parse().ok()?,
    })
}
