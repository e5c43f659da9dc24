//! The store's own ledger of migrations, which bring a file's tables to this program's schema.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use seriatim_core::{Migration, OtherSchema, SchemaChange, Timestamp};
use sha2::{Digest, Sha256};

use crate::{OpenError, refused, row};

struct Script {
    number: u32,
    name: &'static str,
    sql: &'static str,
}

/// In order. A released migration never changes; a change is a new migration.
const MIGRATIONS: &[Script] = &[
    Script {
        number: 1,
        name: "log",
        sql: include_str!("../../../migrations/sqlite/0001_log.sql"),
    },
    Script {
        number: 2,
        name: "claims",
        sql: include_str!("../../../migrations/sqlite/0002_claims.sql"),
    },
    Script {
        number: 3,
        name: "snapshots",
        sql: include_str!("../../../migrations/sqlite/0003_snapshots.sql"),
    },
    Script {
        number: 4,
        name: "dead_letters",
        sql: include_str!("../../../migrations/sqlite/0004_dead_letters.sql"),
    },
    Script {
        number: 5,
        name: "checkpoints",
        sql: include_str!("../../../migrations/sqlite/0005_checkpoints.sql"),
    },
    Script {
        number: 6,
        name: "parked",
        sql: include_str!("../../../migrations/sqlite/0006_parked.sql"),
    },
    Script {
        number: 7,
        name: "timers",
        sql: include_str!("../../../migrations/sqlite/0007_timers.sql"),
    },
    Script {
        number: 8,
        name: "read_models",
        sql: include_str!("../../../migrations/sqlite/0008_read_models.sql"),
    },
    Script {
        number: 9,
        name: "assignments",
        sql: include_str!("../../../migrations/sqlite/0009_assignments.sql"),
    },
    Script {
        number: 10,
        name: "letters",
        sql: include_str!("../../../migrations/sqlite/0010_letters.sql"),
    },
    Script {
        number: 11,
        name: "domain_numbers",
        sql: include_str!("../../../migrations/sqlite/0011_domain_numbers.sql"),
    },
    Script {
        number: 12,
        name: "timers_by_clock",
        sql: include_str!("../../../migrations/sqlite/0012_timers_by_clock.sql"),
    },
    Script {
        number: 13,
        name: "snapshots_by_event",
        sql: include_str!("../../../migrations/sqlite/0013_snapshots_by_event.sql"),
    },
    Script {
        number: 14,
        name: "log_identity",
        sql: include_str!("../../../migrations/sqlite/0014_log_identity.sql"),
    },
    Script {
        number: 15,
        name: "components",
        sql: include_str!("../../../migrations/sqlite/0015_components.sql"),
    },
    Script {
        number: 16,
        name: "checksums",
        sql: include_str!("../../../migrations/sqlite/0016_checksums.sql"),
    },
    Script {
        number: 17,
        name: "owner_process",
        sql: include_str!("../../../migrations/sqlite/0017_owner_process.sql"),
    },
    Script {
        number: 18,
        name: "pauses",
        sql: include_str!("../../../migrations/sqlite/0018_pauses.sql"),
    },
    Script {
        number: 19,
        name: "one_letter",
        sql: include_str!("../../../migrations/sqlite/0019_one_letter.sql"),
    },
];

const CREATE_LEDGER: &str = "CREATE TABLE IF NOT EXISTS seriatim_migrations (
    number     INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    checksum   TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT";

/// Applies the missing migrations, all or none, and returns them. A process that comes second finds nothing to do.
pub(crate) fn run(connection: &mut Connection, path: &Path) -> Result<SchemaChange, OpenError> {
    let missing = missing(connection, path)?;
    if missing.migrations.is_empty() {
        return Ok(missing);
    }
    let failed = |error| refused::open_error(path, error);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    // Checked again, now that nobody else writes.
    let missing = self::missing(&transaction, path)?;
    if !missing.migrations.is_empty() {
        transaction.execute_batch(CREATE_LEDGER).map_err(failed)?;
        for script in after(missing.before) {
            apply(&transaction, script).map_err(failed)?;
        }
    }
    transaction.commit().map_err(failed)?;
    Ok(missing)
}

/// Fails if the tables are not those of this program any more.
pub(crate) fn check_unchanged(connection: &Connection) -> Result<(), rusqlite::Error> {
    let select = "SELECT max(number) FROM seriatim_migrations";
    let found = connection
        .prepare_cached(select)?
        .query_row([], |row| row.get(0))?;
    let known = MIGRATIONS.last().map_or(0, |last| last.number);
    match found == known {
        true => Ok(()),
        false => Err(row::unwritable(OtherSchema { found, known })),
    }
}

/// Returns the migrations after the one with this number.
fn after(number: u32) -> impl Iterator<Item = &'static Script> {
    MIGRATIONS.iter().filter(move |next| number < next.number)
}

fn apply(connection: &Connection, migration: &Script) -> Result<(), rusqlite::Error> {
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

/// Compares the ledger with this program's migrations.
pub(crate) fn missing(connection: &Connection, path: &Path) -> Result<SchemaChange, OpenError> {
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
        let same = |own: &&Script| own.number == number && own.checksum() == checksum;
        if MIGRATIONS.iter().find(same).is_none() {
            return Err(OpenError::ChangedMigration {
                path: path.into(),
                number,
                name,
            });
        }
    }
    Ok(all_after(found))
}

/// Returns the migrations of this program after the one with this number; 0 means all.
pub(crate) fn all_after(number: u32) -> SchemaChange {
    let migration = |script: &Script| Migration {
        number: script.number,
        name: script.name,
    };
    SchemaChange {
        before: number,
        migrations: after(number).map(migration).collect(),
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

impl Script {
    fn checksum(&self) -> String {
        let digest = Sha256::digest(self.sql);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_upwards() {
        let numbers: Vec<_> = MIGRATIONS
            .iter()
            .map(|migration| migration.number)
            .collect();
        assert_eq!(numbers.first(), Some(&1));
        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    }
}
