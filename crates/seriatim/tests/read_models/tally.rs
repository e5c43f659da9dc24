//! A read model that cannot take an event in twice unnoticed, and can be told to misbehave.

use std::error::Error;
use std::sync::Arc;

use seriatim::core::{EventFilter, RecordedEvent};
use seriatim::sqlx::{self, AssertSqlSafe, PgConnection, SqliteConnection};
use seriatim::{ReadModel, ReadModelTables};

use crate::account::{Account, Happened};

/// The behaviour of the model after it has taken an event in. The connection must not be used any more then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    GoesOn,
    Fails,
    Panics,
}

type Judge = dyn Fn(&RecordedEvent) -> Does + Send + Sync;

/// The balance of each account, and each deposit.
#[derive(Clone)]
pub(crate) struct Tally<const VERSION: u32>(Arc<Judge>, EventFilter);

impl<const VERSION: u32> Tally<VERSION> {
    pub(crate) fn new() -> Self {
        Self::that(|_| Does::GoesOn)
    }

    pub(crate) fn of(types: &[&str]) -> Self {
        let types = types.iter().map(|name| (*name).to_owned()).collect();
        let filter = EventFilter {
            types,
            ..EventFilter::default()
        };
        Self(Arc::new(|_| Does::GoesOn), filter)
    }

    pub(crate) fn that(judge: impl Fn(&RecordedEvent) -> Does + Send + Sync + 'static) -> Self {
        Self(Arc::new(judge), EventFilter::default())
    }
}

macro_rules! read_model_on {
    ($connection:ty) => {
        impl<const V: u32> ReadModel<$connection> for Tally<V> {
            const NAME: &'static str = "tally";
            const VERSION: u32 = V;
            const TABLES: &'static [&'static str] = &["balances", "deposits"];

            fn filter(&self) -> EventFilter {
                self.1.clone()
            }

            async fn create(
                &self,
                connection: &mut $connection,
                tables: &ReadModelTables,
            ) -> Result<(), Box<dyn Error + Send + Sync>> {
                let (balances, deposits) = (tables.name("balances"), tables.name("deposits"));
                for statement in [
                    format!("CREATE TABLE {balances} (root text PRIMARY KEY, cents bigint NOT NULL)"),
                    // Without it a deposit that comes twice would be two.
                    format!(
                        "CREATE TABLE {deposits} (root text, sequence bigint, cents bigint NOT NULL,
                         PRIMARY KEY (root, sequence))"
                    ),
                ] {
                    let statement = sqlx::raw_sql(AssertSqlSafe(statement));
                    statement.execute(&mut *connection).await?;
                }
                Ok(())
            }

            async fn project(
                &self,
                connection: &mut $connection,
                tables: &ReadModelTables,
                events: &[&RecordedEvent],
            ) -> Result<(), Box<dyn Error + Send + Sync>> {
                let (balances, deposits) = (tables.name("balances"), tables.name("deposits"));
                let add = format!(
                    "INSERT INTO {balances} AS b (root, cents) VALUES ($1, $2)
                     ON CONFLICT (root) DO UPDATE SET cents = b.cents + excluded.cents"
                );
                let note =
                    format!("INSERT INTO {deposits} (root, sequence, cents) VALUES ($1, $2, $3)");
                for event in events {
                    let Some(happened) = event.of::<Account>() else { continue };
                    let Happened::Deposited { cents } = happened?;
                    let root = event.stream.root.to_string();
                    sqlx::query(AssertSqlSafe(add.clone()))
                        .bind(&root)
                        .bind(cents)
                        .execute(&mut *connection)
                        .await?;
                    sqlx::query(AssertSqlSafe(note.clone()))
                        .bind(&root)
                        .bind(i64::from(event.sequence.0))
                        .bind(cents)
                        .execute(&mut *connection)
                        .await?;
                    match (self.0)(event) {
                        Does::GoesOn => {}
                        Does::Fails => return Err("told to fail".into()),
                        Does::Panics => panic!("told to panic"),
                    }
                }
                Ok(())
            }
        }
    };
}

read_model_on!(PgConnection);
read_model_on!(SqliteConnection);
