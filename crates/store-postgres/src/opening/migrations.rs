//! Applies the migrations to a database, and notes them in its ledger.

use std::time::Duration;

use seriatim_core::{SchemaChange, Timestamp};
use seriatim_store_sql::{AppliedMigration, Migrations, SchemaError, Script, migrations};
use sqlx::{AssertSqlSafe, Connection, Error, PgConnection, Row};

use crate::OpenError;
use crate::opening::connection::open_error;
use crate::opening::driver_error;
use crate::opening::location::Location;
use crate::opening::partitions;

const MIGRATIONS: Migrations = migrations!("postgres");

const CREATE_LEDGER: &str = "CREATE TABLE IF NOT EXISTS seriatim_migrations (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at bigint NOT NULL
)";

/// The most times that the store tries to make the tables while other processes make them too.
const ATTEMPTS: usize = 20;

/// Applies the missing migrations, all or none, and returns them. A process that comes second finds nothing to do, and
/// needs no right to do it.
pub(crate) async fn run(
    connection: &mut PgConnection,
    location: &Location,
) -> Result<SchemaChange, OpenError> {
    let missing = missing(connection, location).await?;
    if missing.migrations.is_empty() {
        return Ok(missing);
    }
    let mut attempt = 1;
    loop {
        match make(connection, location).await {
            Ok(result) => return result,
            Err(error) if attempt < ATTEMPTS && is_a_race(&error) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                attempt += 1;
            }
            Err(error) => return Err(open_error(location, error)),
        }
    }
}

/// Returns the missing migrations, and applies none.
pub(crate) async fn missing(
    connection: &mut PgConnection,
    location: &Location,
) -> Result<SchemaChange, OpenError> {
    let ledger = ledger(connection, &location.schema).await;
    let ledger = ledger.map_err(|error| open_error(location, error))?;
    Ok(MIGRATIONS.missing(location, &ledger)?)
}

/// Refuses tables that do not fit this program.
pub(crate) async fn require_none(
    connection: &mut PgConnection,
    location: &Location,
) -> Result<(), OpenError> {
    let missing = missing(connection, location).await?;
    match missing.migrations.is_empty() {
        true => Ok(()),
        false => Err(OpenError::Schema(SchemaError::Older {
            database: location.to_string(),
            found: missing.before,
            needed: missing.after(),
        })),
    }
}

/// Applies the migrations in one transaction. The lock is one on a table: it ends with the transaction, also behind a
/// pooler.
async fn make(
    connection: &mut PgConnection,
    location: &Location,
) -> Result<Result<SchemaChange, OpenError>, Error> {
    let schema = &location.schema;
    let mut transaction = connection.begin().await?;
    for statement in [
        format!("CREATE SCHEMA IF NOT EXISTS {schema}"),
        format!("SET LOCAL search_path = {schema}"),
        CREATE_LEDGER.to_owned(),
        "LOCK TABLE seriatim_migrations IN EXCLUSIVE MODE".to_owned(),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut *transaction)
            .await?;
    }
    // Checked again, now that no other process makes tables.
    let missing = match MIGRATIONS.missing(location, &ledger(&mut transaction, schema).await?) {
        Ok(missing) if missing.migrations.is_empty() => {
            return transaction.rollback().await.map(|()| Ok(missing));
        }
        Ok(missing) => missing,
        Err(error) => return Ok(Err(error.into())),
    };
    if missing.before > 0 {
        // Writers that rely on what they remember look again, and find other tables. Their lock is taken first here, as
        // they do.
        let heads =
            "UPDATE seriatim_log_head SET revision = revision + 1, batch = gen_random_uuid()";
        sqlx::raw_sql(heads).execute(&mut *transaction).await?;
    }
    for script in MIGRATIONS.after(missing.before) {
        apply(&mut transaction, &script).await?;
    }
    if missing.before == 0 {
        partitions::make(&mut transaction, location.partitions).await?;
    }
    transaction.commit().await.map(|()| Ok(missing))
}

/// The expression for the number of the last applied migration, for use in a statement.
pub(crate) fn last_made(schema: &str) -> String {
    format!("(SELECT max(number) FROM {schema}.seriatim_migrations)")
}

/// Fails if the tables are not those of this program any more. `found` is the result of [`last_made`].
pub(crate) fn check_unchanged(found: i32) -> Result<(), Error> {
    let checked = MIGRATIONS.check_last(found.cast_unsigned());
    checked.map_err(|other| Error::Encode(other.into()))
}

/// `IF NOT EXISTS` does not protect against making the same schema or table at the same moment.
fn is_a_race(error: &Error) -> bool {
    let code = driver_error::code(error);
    matches!(
        code.as_deref(),
        Some("23505" | "42P06" | "42P07" | "40P01" | "40001" | "XX000")
    )
}

async fn apply(connection: &mut PgConnection, script: &Script) -> Result<(), Error> {
    let apply = sqlx::raw_sql(script.sql);
    apply.execute(&mut *connection).await?;
    let insert = "INSERT INTO seriatim_migrations (number, name, checksum, applied_at)
                  VALUES ($1, $2, $3, $4)";
    sqlx::query(insert)
        .persistent(false)
        .bind(script.number.cast_signed())
        .bind(script.name)
        .bind(script.checksum())
        .bind(Timestamp::now().as_micros())
        .execute(connection)
        .await
        .map(drop)
}

/// The statements are sent as text in one message: behind a pooler that assigns connections for each transaction, the
/// first half of a prepared statement may be lost.
async fn ledger(
    connection: &mut PgConnection,
    schema: &str,
) -> Result<Vec<AppliedMigration>, Error> {
    let table = format!("{schema}.seriatim_migrations");
    // Checked first, because an error would end the transaction.
    let is_there = format!("SELECT to_regclass('{table}') IS NOT NULL");
    let is_there = sqlx::raw_sql(AssertSqlSafe(is_there));
    if !is_there.fetch_one(&mut *connection).await?.try_get(0)? {
        return Ok(Vec::new());
    }
    let select = format!("SELECT number, name, checksum FROM {table} ORDER BY number");
    let rows = sqlx::raw_sql(AssertSqlSafe(select));
    let rows = rows.fetch_all(connection).await?;
    let applied = rows.iter().map(|row| {
        Ok(AppliedMigration {
            number: row.try_get::<i32, _>("number")?.cast_unsigned(),
            name: row.try_get("name")?,
            checksum: row.try_get("checksum")?,
        })
    });
    applied.collect()
}
