//! The store's own ledger of migrations: what brings a database's tables to this program's schema.

use std::time::Duration;

use seriatim_core::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Error, PgConnection, Row};

use crate::connection::open_error;
use crate::location::Location;
use crate::{OpenError, partitions, refused};

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
        sql: include_str!("../../../migrations/postgres/0001_log.sql"),
    },
    Migration {
        number: 2,
        name: "claims",
        sql: include_str!("../../../migrations/postgres/0002_claims.sql"),
    },
    Migration {
        number: 3,
        name: "snapshots",
        sql: include_str!("../../../migrations/postgres/0003_snapshots.sql"),
    },
    Migration {
        number: 4,
        name: "dead_letters",
        sql: include_str!("../../../migrations/postgres/0004_dead_letters.sql"),
    },
];

const CREATE_LEDGER: &str = "CREATE TABLE IF NOT EXISTS seriatim_migrations (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at bigint NOT NULL
)";

/// How often making the tables is tried beside others who make them too.
const ATTEMPTS: usize = 20;

/// Makes what is missing, all or nothing. Whoever comes second finds nothing to do, and needs no right to do it.
pub(crate) async fn run(
    connection: &mut PgConnection,
    location: &Location,
) -> Result<(), OpenError> {
    let failed = |error| open_error(location, error);
    let made = read(connection, &location.schema).await.map_err(failed)?;
    if check(&made, location)? == Ledger::Complete {
        return Ok(());
    }
    let mut attempt = 1;
    loop {
        match make(connection, location).await {
            Ok(result) => return result,
            Err(error) if attempt < ATTEMPTS && is_a_race(&error) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                attempt += 1;
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

/// One transaction. The lock is one on a table: it ends with the transaction, whatever pooler is in between.
async fn make(
    connection: &mut PgConnection,
    location: &Location,
) -> Result<Result<(), OpenError>, Error> {
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
    // Again, now that nobody else makes tables.
    let last = match check(&read(&mut transaction, schema).await?, location) {
        Ok(Ledger::MissingAfter(last)) => last,
        Ok(Ledger::Complete) => return transaction.rollback().await.map(Ok),
        Err(error) => return Ok(Err(error)),
    };
    for migration in MIGRATIONS.iter().filter(|next| last < next.number) {
        apply(&mut transaction, migration).await?;
    }
    if last == 0 {
        partitions::make(&mut transaction, location.partitions).await?;
    }
    transaction.commit().await.map(Ok)
}

/// Making the same schema or table at one moment is not what `IF NOT EXISTS` is safe against.
fn is_a_race(error: &Error) -> bool {
    let code = refused::code(error);
    matches!(
        code.as_deref(),
        Some("23505" | "42P06" | "42P07" | "40P01" | "40001" | "XX000")
    )
}

async fn apply(connection: &mut PgConnection, migration: &Migration) -> Result<(), Error> {
    sqlx::raw_sql(migration.sql)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO seriatim_migrations (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
    )
    .persistent(false)
    .bind(migration.number.cast_signed())
    .bind(migration.name)
    .bind(migration.checksum())
    .bind(Timestamp::now().as_micros())
    .execute(connection)
    .await
    .map(drop)
}

#[derive(PartialEq)]
enum Ledger {
    Complete,
    /// The number of the last migration that was made; 0: none.
    MissingAfter(u32),
}

struct Made {
    number: u32,
    name: String,
    checksum: String,
}

/// Holds the ledger against this program's migrations.
fn check(made: &[Made], location: &Location) -> Result<Ledger, OpenError> {
    let supported = MIGRATIONS.last().map_or(0, |last| last.number);
    let found = made.last().map_or(0, |last| last.number);
    if found > supported {
        return Err(OpenError::SchemaNewer {
            database: location.to_string(),
            found,
            supported,
        });
    }
    for made in made {
        let same = |own: &&Migration| own.number == made.number && own.checksum() == made.checksum;
        if MIGRATIONS.iter().find(same).is_none() {
            return Err(OpenError::ChangedMigration {
                database: location.to_string(),
                number: made.number,
                name: made.name.clone(),
            });
        }
    }
    if found == supported {
        Ok(Ledger::Complete)
    } else {
        Ok(Ledger::MissingAfter(found))
    }
}

async fn read(connection: &mut PgConnection, schema: &str) -> Result<Vec<Made>, Error> {
    let select =
        format!("SELECT number, name, checksum FROM {schema}.seriatim_migrations ORDER BY number");
    // Asked first, because an error would end the transaction this may be in. As text, in one message: of what is
    // prepared, a pooler that hands out connections by the transaction may have forgotten the first half.
    let there = format!("SELECT to_regclass('{schema}.seriatim_migrations') IS NOT NULL");
    let there = sqlx::raw_sql(AssertSqlSafe(there))
        .fetch_all(&mut *connection)
        .await?;
    if !there[0].try_get::<bool, _>(0)? {
        return Ok(Vec::new());
    }
    let rows = sqlx::raw_sql(AssertSqlSafe(select))
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Made {
                number: row.try_get::<i32, _>(0)?.cast_unsigned(),
                name: row.try_get(1)?,
                checksum: row.try_get(2)?,
            })
        })
        .collect()
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
