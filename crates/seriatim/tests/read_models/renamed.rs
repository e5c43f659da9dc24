//! A read model that filters by today's name of a type, over a log that has it under a former one.

use std::error::Error;

use serde::{Deserialize, Serialize};
use seriatim::core::{Domain, EventFilter, Message, Payload};
use seriatim::prelude::*;
use seriatim::sqlx::{self, AssertSqlSafe, PgConnection, SqliteConnection};
use seriatim::{ReadModel, ReadModelStore, ReadModelTables};

use crate::account::root;
use crate::databases::{Database, Postgres, Sqlite, until};

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum Add {
    Add { amount: i64 },
}

mod yesterday {
    use super::*;

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub(super) enum Happened {
        MoneyAdded { euros: i64 },
    }

    #[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Till;

    impl Aggregate for Till {
        const DOMAIN: &'static str = "till";
        type Command = Add;
        type Event = Happened;
        type Rejection = Never;

        fn decide(&self, Add::Add { amount }: &Add) -> Result<Vec<Happened>, Never> {
            Ok(vec![Happened::MoneyAdded { euros: *amount }])
        }

        fn evolve(&mut self, _: &Happened) {}
    }
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Happened {
    #[seriatim(alias = "MoneyAdded")]
    Deposited { cents: i64 },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Till {
    cents: i64,
}

impl Aggregate for Till {
    const DOMAIN: &'static str = "till";
    type Command = Add;
    type Event = Happened;
    type Rejection = Never;

    fn decide(&self, Add::Add { amount }: &Add) -> Result<Vec<Happened>, Never> {
        Ok(vec![Happened::Deposited { cents: *amount }])
    }

    fn evolve(&mut self, Happened::Deposited { cents }: &Happened) {
        self.cents += cents;
    }

    fn upcast(mut stored: Payload) -> Payload {
        if stored.type_name == "MoneyAdded" {
            let before = yesterday::Happened::decode(&stored).unwrap();
            let yesterday::Happened::MoneyAdded { euros } = before;
            stored.data = format!(r#"{{"cents":{}}}"#, euros * 100).into();
        }
        stored
    }
}

struct Takings;

macro_rules! takings_on {
    ($connection:ty) => {
        impl ReadModel<$connection> for Takings {
            const NAME: &'static str = "takings";

            fn filter(&self) -> EventFilter {
                EventFilter {
                    domains: vec![Domain::of::<Till>()],
                    types: vec!["Deposited".into()],
                    ..EventFilter::default()
                }
            }

            async fn create(
                &self,
                connection: &mut $connection,
                tables: &ReadModelTables,
            ) -> Result<(), Box<dyn Error + Send + Sync>> {
                let table = tables.name("takings");
                let create =
                    format!("CREATE TABLE {table} (name text NOT NULL, cents bigint NOT NULL)");
                let create = sqlx::raw_sql(AssertSqlSafe(create));
                create.execute(connection).await?;
                Ok(())
            }

            async fn project(
                &self,
                connection: &mut $connection,
                tables: &ReadModelTables,
                events: &[&RecordedEvent],
            ) -> Result<(), Box<dyn Error + Send + Sync>> {
                let insert = format!("INSERT INTO {} VALUES ($1, $2)", tables.name("takings"));
                for event in events {
                    let Happened::Deposited { cents } = event.of::<Till>().ok_or("of others")??;
                    sqlx::query(AssertSqlSafe(insert.clone()))
                        .bind(event.payload.type_name.to_string())
                        .bind(cents)
                        .execute(&mut *connection)
                        .await?;
                }
                Ok(())
            }
        }
    };
}

takings_on!(PgConnection);
takings_on!(SqliteConnection);

async fn a_rebuilt_read_model_shows_what_was_stored_under_a_former_name<D: Database>()
where
    Takings: ReadModel<<D::Store as ReadModelStore>::Connection>,
{
    let database = D::new();
    let app = database.app().await.aggregate::<yesterday::Till>();
    let app = app.start().await.unwrap();
    let add = Add::Add { amount: 3 };
    app.of::<yesterday::Till>(root(0)).send(add).await.unwrap();
    app.shutdown().await.unwrap();

    let store = database.store().await;
    let app = database.app().await.aggregate::<Till>();
    let app = app.read_model(&store, Takings).start().await.unwrap();
    let add = Add::Add { amount: 20 };
    app.of::<Till>(root(0))
        .send(add)
        .wait_for("takings.v1")
        .await
        .unwrap();
    let rows = format!(
        "SELECT name, cents FROM {}takings_v1 ORDER BY cents",
        database.prefix()
    );
    let shown = [("Deposited".to_owned(), 20), ("Deposited".to_owned(), 300)];
    until("both are shown", async || {
        database.rows(&rows).await.len() == 2
    })
    .await;
    assert_eq!(database.rows(&rows).await, shown);
    let state = app.of::<Till>(root(0)).state().await.unwrap();
    assert_eq!(state.state.cents, 320);
    assert!(app.audit().await.unwrap().is_sound());
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn on_sqlite() {
    a_rebuilt_read_model_shows_what_was_stored_under_a_former_name::<Sqlite>().await;
}

#[tokio::test]
async fn on_postgres() {
    a_rebuilt_read_model_shows_what_was_stored_under_a_former_name::<Postgres>().await;
}
