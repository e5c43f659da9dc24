//! The store's own ledger of migrations: what brings a file's tables to this program's schema.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use seriatim_core::Timestamp;
use sha2::{Digest, Sha256};

use crate::{OpenError, refused};

struct Migration {
    number: u32,
    name: &'static str,
    sql: &'static str,
}

/// In order. What is in one that was released never changes: a change is a new one.
const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "log",
        sql: include_str!("../../../migrations/sqlite/0001_log.sql"),
    },
    Migration {
        number: 2,
        name: "claims",
        sql: include_str!("../../../migrations/sqlite/0002_claims.sql"),
    },
    Migration {
        number: 3,
        name: "snapshots",
        sql: include_str!("../../../migrations/sqlite/0003_snapshots.sql"),
    },
    Migration {
        number: 4,
        name: "dead_letters",
        sql: include_str!("../../../migrations/sqlite/0004_dead_letters.sql"),
    },
];

const CREATE_LEDGER: &str = "CREATE TABLE IF NOT EXISTS seriatim_migrations (
    number     INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    checksum   TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT";

/// Makes what is missing, all or nothing. Whoever comes second finds nothing to do.
pub(crate) fn run(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    if check(connection, path)? == Ledger::Complete {
        return Ok(());
    }
    let failed = |error| refused::open_error(path, error);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    // Again, now that nobody else writes.
    if let Ledger::MissingAfter(last) = check(&transaction, path)? {
        transaction.execute_batch(CREATE_LEDGER).map_err(failed)?;
        for migration in MIGRATIONS.iter().filter(|next| last < next.number) {
            apply(&transaction, migration).map_err(failed)?;
        }
    }
    transaction.commit().map_err(failed)
}

fn apply(connection: &Connection, migration: &Migration) -> Result<(), rusqlite::Error> {
    connection.execute_batch(migration.sql)?;
    let insert =
        "INSERT INTO seriatim_migrations (number, name, checksum, applied_at) VALUES (?, ?, ?, ?)";
    let row = (
        migration.number,
        migration.name,
        migration.checksum(),
        Timestamp::now().as_micros(),
    );
    connection.execute(insert, row).map(drop)
}

#[derive(PartialEq)]
enum Ledger {
    Complete,
    /// The number of the last migration that was made; 0: none.
    MissingAfter(u32),
}

/// Holds the ledger against this program's migrations.
fn check(connection: &Connection, path: &Path) -> Result<Ledger, OpenError> {
    let made = read(connection).map_err(|error| refused::open_error(path, error))?;
    let supported = MIGRATIONS.last().map_or(0, |last| last.number);
    let found = made.last().map_or(0, |(number, ..)| *number);
    if found > supported {
        return Err(OpenError::SchemaNewer {
            path: path.into(),
            found,
            supported,
        });
    }
    for (number, name, checksum) in made {
        let same = |own: &&Migration| own.number == number && own.checksum() == checksum;
        if MIGRATIONS.iter().find(same).is_none() {
            return Err(OpenError::ChangedMigration {
                path: path.into(),
                number,
                name,
            });
        }
    }
    if found == supported {
        Ok(Ledger::Complete)
    } else {
        Ok(Ledger::MissingAfter(found))
    }
}

fn read(connection: &Connection) -> Result<Vec<(u32, String, String)>, rusqlite::Error> {
    let ledger = connection
        .query_row(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'seriatim_migrations'",
            [],
            |_| Ok(()),
        )
        .optional()?;
    if ledger.is_none() {
        return Ok(Vec::new());
    }
    let mut select = connection
        .prepare("SELECT number, name, checksum FROM seriatim_migrations ORDER BY number")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    rows.collect()
}

impl Migration {
    fn checksum(&self) -> String {
        let digest = Sha256::digest(self.sql);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_from_one_without_gaps() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.number as usize, index + 1, "{}", migration.name);
        }
    }
}
