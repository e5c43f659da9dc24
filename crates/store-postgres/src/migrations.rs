//! The store's own ledger of migrations, which bring a database's tables to this program's schema.

use std::time::Duration;

use seriatim_core::{Migration, OtherSchema, SchemaChange, Timestamp};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Error, PgConnection, Row};

use crate::connection::open_error;
use crate::location::Location;
use crate::{OpenError, partitions, refused};

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
        sql: include_str!("../../../migrations/postgres/0001_log.sql"),
    },
    Script {
        number: 2,
        name: "claims",
        sql: include_str!("../../../migrations/postgres/0002_claims.sql"),
    },
    Script {
        number: 3,
        name: "snapshots",
        sql: include_str!("../../../migrations/postgres/0003_snapshots.sql"),
    },
    Script {
        number: 4,
        name: "dead_letters",
        sql: include_str!("../../../migrations/postgres/0004_dead_letters.sql"),
    },
    Script {
        number: 5,
        name: "checkpoints",
        sql: include_str!("../../../migrations/postgres/0005_checkpoints.sql"),
    },
    Script {
        number: 6,
        name: "parked",
        sql: include_str!("../../../migrations/postgres/0006_parked.sql"),
    },
    Script {
        number: 7,
        name: "timers",
        sql: include_str!("../../../migrations/postgres/0007_timers.sql"),
    },
    Script {
        number: 8,
        name: "read_models",
        sql: include_str!("../../../migrations/postgres/0008_read_models.sql"),
    },
    Script {
        number: 9,
        name: "assignments",
        sql: include_str!("../../../migrations/postgres/0009_assignments.sql"),
    },
    Script {
        number: 10,
        name: "letters",
        sql: include_str!("../../../migrations/postgres/0010_letters.sql"),
    },
    Script {
        number: 11,
        name: "domain_numbers",
        sql: include_str!("../../../migrations/postgres/0011_domain_numbers.sql"),
    },
    Script {
        number: 12,
        name: "timers_by_clock",
        sql: include_str!("../../../migrations/postgres/0012_timers_by_clock.sql"),
    },
    Script {
        number: 13,
        name: "snapshots_by_event",
        sql: include_str!("../../../migrations/postgres/0013_snapshots_by_event.sql"),
    },
    Script {
        number: 14,
        name: "log_identity",
        sql: include_str!("../../../migrations/postgres/0014_log_identity.sql"),
    },
    Script {
        number: 15,
        name: "components",
        sql: include_str!("../../../migrations/postgres/0015_components.sql"),
    },
    Script {
        number: 16,
        name: "checksums",
        sql: include_str!("../../../migrations/postgres/0016_checksums.sql"),
    },
    Script {
        number: 17,
        name: "owner_process",
        sql: include_str!("../../../migrations/postgres/0017_owner_process.sql"),
    },
    Script {
        number: 18,
        name: "pauses",
        sql: include_str!("../../../migrations/postgres/0018_pauses.sql"),
    },
    Script {
        number: 19,
        name: "one_letter",
        sql: include_str!("../../../migrations/postgres/0019_one_letter.sql"),
    },
];

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
    let made = read(connection, &location.schema).await;
    check(
        &made.map_err(|error| open_error(location, error))?,
        location,
    )
}

/// Refuses tables that do not fit this program.
pub(crate) async fn require_none(
    connection: &mut PgConnection,
    location: &Location,
) -> Result<(), OpenError> {
    let missing = missing(connection, location).await?;
    match missing.migrations.is_empty() {
        true => Ok(()),
        false => Err(OpenError::SchemaOlder {
            database: location.to_string(),
            found: missing.before,
            needed: missing.after(),
        }),
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
    let missing = match check(&read(&mut transaction, schema).await?, location) {
        Ok(missing) if missing.migrations.is_empty() => {
            return transaction.rollback().await.map(|()| Ok(missing));
        }
        Ok(missing) => missing,
        Err(error) => return Ok(Err(error)),
    };
    if missing.before > 0 {
        // Writers that rely on what they remember look again, and find other tables. Their lock is taken first here, as
        // they do.
        let heads =
            "UPDATE seriatim_log_head SET revision = revision + 1, batch = gen_random_uuid()";
        sqlx::raw_sql(heads).execute(&mut *transaction).await?;
    }
    for script in after(missing.before) {
        apply(&mut transaction, script).await?;
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
    let (found, known) = (
        found.cast_unsigned(),
        MIGRATIONS.last().map_or(0, |last| last.number),
    );
    match found == known {
        true => Ok(()),
        false => Err(Error::Encode(OtherSchema { found, known }.into())),
    }
}

/// Returns the migrations after the one with this number.
fn after(number: u32) -> impl Iterator<Item = &'static Script> {
    MIGRATIONS.iter().filter(move |next| number < next.number)
}

/// `IF NOT EXISTS` does not protect against making the same schema or table at the same moment.
fn is_a_race(error: &Error) -> bool {
    let code = refused::code(error);
    matches!(
        code.as_deref(),
        Some("23505" | "42P06" | "42P07" | "40P01" | "40001" | "XX000")
    )
}

async fn apply(connection: &mut PgConnection, migration: &Script) -> Result<(), Error> {
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

struct Made {
    number: u32,
    name: String,
    checksum: String,
}

/// Compares the ledger with this program's migrations.
fn check(made: &[Made], location: &Location) -> Result<SchemaChange, OpenError> {
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
        let same = |own: &&Script| own.number == made.number && own.checksum() == made.checksum;
        if MIGRATIONS.iter().find(same).is_none() {
            return Err(OpenError::ChangedMigration {
                database: location.to_string(),
                number: made.number,
                name: made.name.clone(),
            });
        }
    }
    let migration = |script: &Script| Migration {
        number: script.number,
        name: script.name,
    };
    Ok(SchemaChange {
        before: found,
        migrations: after(found).map(migration).collect(),
    })
}

async fn read(connection: &mut PgConnection, schema: &str) -> Result<Vec<Made>, Error> {
    let select =
        format!("SELECT number, name, checksum FROM {schema}.seriatim_migrations ORDER BY number");
    // Checked first, because an error would end the transaction. It is sent as text in one message: behind a pooler
    // that assigns connections for each transaction, the first half of a prepared statement may be lost.
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
