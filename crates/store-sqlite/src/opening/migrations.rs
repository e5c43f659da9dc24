//! Applies the migrations to a file, and notes them in its ledger.

use std::path::Path;

use rusqlite::{Connection, Error, TransactionBehavior};
use seriatim_core::{SchemaChange, Timestamp};
use seriatim_store_sql::{AppliedMigration, Migrations, Script, migrations};

use crate::opening::driver_error;
use crate::{OpenError, row};

pub(crate) const MIGRATIONS: Migrations = migrations!("sqlite");

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
    let failed = |error| driver_error::open_error(path, error);
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    // Checked again, now that nobody else writes.
    let missing = self::missing(&transaction, path)?;
    if !missing.migrations.is_empty() {
        transaction.execute_batch(CREATE_LEDGER).map_err(failed)?;
        for script in MIGRATIONS.after(missing.before) {
            apply(&transaction, &script).map_err(failed)?;
        }
    }
    transaction.commit().map_err(failed)?;
    Ok(missing)
}

/// Fails if the tables are not those of this program any more.
pub(crate) fn check_unchanged(connection: &Connection) -> Result<(), Error> {
    let mut select = connection.prepare_cached("SELECT max(number) FROM seriatim_migrations")?;
    let found = select.query_row([], |row| row.get(0))?;
    MIGRATIONS.check_last(found).map_err(row::unwritable)
}

fn apply(connection: &Connection, script: &Script) -> Result<(), Error> {
    connection.execute_batch(script.sql)?;
    let insert =
        "INSERT INTO seriatim_migrations (number, name, checksum, applied_at) VALUES (?, ?, ?, ?)";
    let now = Timestamp::now().as_micros();
    let row = (script.number, script.name, script.checksum(), now);
    connection.execute(insert, row).map(drop)
}

/// Compares the ledger with this program's migrations.
pub(crate) fn missing(connection: &Connection, path: &Path) -> Result<SchemaChange, OpenError> {
    let ledger = ledger(connection).map_err(|error| driver_error::open_error(path, error))?;
    Ok(MIGRATIONS.missing(format_args!("`{}`", path.display()), &ledger)?)
}

fn ledger(connection: &Connection) -> Result<Vec<AppliedMigration>, Error> {
    // A query reads the schema again if another process has changed it; `table_exists` of the driver does not.
    let find = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'seriatim_migrations'";
    if !connection.prepare(find)?.exists([])? {
        return Ok(Vec::new());
    }
    let select = "SELECT number, name, checksum FROM seriatim_migrations ORDER BY number";
    let mut select = connection.prepare(select)?;
    let rows = select.query_map([], |row| {
        Ok(AppliedMigration {
            number: row.get("number")?,
            name: row.get("name")?,
            checksum: row.get("checksum")?,
        })
    })?;
    rows.collect()
}
