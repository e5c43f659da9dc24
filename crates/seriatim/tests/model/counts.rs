//! A read model in SQL that adds up: what it is given twice, or not at all, is seen in its numbers.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use seriatim::core::{Domain, EventFilter, RecordedEvent};
use seriatim::sqlx::{self, AssertSqlSafe, ConnectOptions, PgConnection, Row, SqliteConnection};
use seriatim::{AppBuilder, PostgresStore, ReadModel, ReadModelTables, SqliteStore};

use crate::domain::{Desk, DeskEvent};

/// A read model of how much each desk has done, and how much came back to it.
struct Counts;

/// The two counts of each desk.
type Rows = BTreeMap<String, (i64, i64)>;

macro_rules! read_model_on {
    ($connection:ty) => {
        impl ReadModel<$connection> for Counts {
            const NAME: &'static str = "counts";

            fn filter(&self) -> EventFilter {
                EventFilter {
                    domains: vec![Domain::of::<Desk>()],
                    ..EventFilter::default()
                }
            }

            async fn create(
                &self,
                connection: &mut $connection,
                tables: &ReadModelTables,
            ) -> Result<(), Box<dyn Error + Send + Sync>> {
                let create = format!(
                    "CREATE TABLE {} (desk text PRIMARY KEY, done bigint NOT NULL, returned bigint NOT NULL)",
                    tables.name("counts")
                );
                sqlx::raw_sql(AssertSqlSafe(create)).execute(connection).await?;
                Ok(())
            }

            async fn project(
                &self,
                connection: &mut $connection,
                tables: &ReadModelTables,
                events: &[&RecordedEvent],
            ) -> Result<(), Box<dyn Error + Send + Sync>> {
                let add = format!(
                    "INSERT INTO {} AS c (desk, done, returned) VALUES ($1, $2, $3) ON CONFLICT (desk)
                     DO UPDATE SET done = c.done + excluded.done, returned = c.returned + excluded.returned",
                    tables.name("counts")
                );
                for event in events {
                    let (done, returned) = counts(event);
                    sqlx::query(AssertSqlSafe(add.clone()))
                        .bind(event.stream.root.to_string())
                        .bind(done)
                        .bind(returned)
                        .execute(&mut *connection)
                        .await?;
                }
                Ok(())
            }
        }
    };
}

read_model_on!(PgConnection);
read_model_on!(SqliteConnection);

fn counts(event: &RecordedEvent) -> (i64, i64) {
    match event.of::<Desk>().expect("it is of a desk").unwrap() {
        DeskEvent::Done { .. } => (1, 0),
        DeskEvent::Returned { .. } => (0, 1),
    }
}

/// On SQLite the read model is in a file of its own.
fn file(folder: &Path) -> std::path::PathBuf {
    folder.join("counts.db")
}

pub async fn register(builder: AppBuilder, url: &str, folder: &Path) -> AppBuilder {
    match url.starts_with("sqlite") {
        true => {
            let store = SqliteStore::open_file(&file(folder)).await.unwrap();
            builder.read_model(&store, Counts)
        }
        false => {
            let store = PostgresStore::open(url).await.unwrap();
            builder.read_model(&store, Counts)
        }
    }
}

/// Returns whether the read model is what the log folds to.
pub async fn are_the_fold(url: &str, folder: &Path, log: &[RecordedEvent]) -> bool {
    let mut fold = Rows::new();
    for event in log {
        if event.stream.domain == Domain::of::<Desk>() {
            let (done, returned) = counts(event);
            let row = fold.entry(event.stream.root.to_string()).or_default();
            *row = (row.0 + done, row.1 + returned);
        }
    }
    let rows = match url.starts_with("sqlite") {
        true => in_sqlite(folder).await,
        false => in_postgres(url).await,
    };
    // Before it was begun there is no table.
    rows.unwrap_or_default() == fold
}

async fn in_sqlite(folder: &Path) -> Result<Rows, sqlx::Error> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file(folder));
    let mut connection = options.connect().await?;
    let rows = sqlx::query("SELECT desk, done, returned FROM counts_v1");
    let rows = rows.fetch_all(&mut connection).await?;
    Ok(rows
        .iter()
        .map(|row| (row.get(0), (row.get(1), row.get(2))))
        .collect())
}

async fn in_postgres(url: &str) -> Result<Rows, sqlx::Error> {
    let (server, rest) = url.split_once("?schema=").expect("it names a schema");
    let schema = rest.split('&').next().expect("there is a first part");
    let options: sqlx::postgres::PgConnectOptions = server.parse()?;
    let mut connection = options.connect().await?;
    let select = format!("SELECT desk, done, returned FROM {schema}.counts_v1");
    let rows = sqlx::query(AssertSqlSafe(select))
        .fetch_all(&mut connection)
        .await?;
    Ok(rows
        .iter()
        .map(|row| (row.get(0), (row.get(1), row.get(2))))
        .collect())
}
