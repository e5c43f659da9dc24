//! Read models of the plainest kind, under any names: they note a row for each event.

use std::error::Error;

use seriatim::core::RecordedEvent;
use seriatim::sqlx::{self, AssertSqlSafe, PgConnection, SqliteConnection};
use seriatim::{ReadModel, ReadModelTables};

/// The name, the version and the tables of a bag.
pub(crate) trait Named: Send + Sync + 'static {
    const NAME: &'static str;
    const VERSION: u32 = 1;
    const TABLES: &'static [&'static str];
}

/// A read model under the names of `N`.
#[derive(Clone)]
pub(crate) struct Bag<N>(pub(crate) N);

macro_rules! read_model_on {
    ($connection:ty) => {
        impl<N: Named> ReadModel<$connection> for Bag<N> {
            const NAME: &'static str = N::NAME;
            const VERSION: u32 = N::VERSION;
            const TABLES: &'static [&'static str] = N::TABLES;

            async fn create(
                &self,
                connection: &mut $connection,
                tables: &ReadModelTables,
            ) -> Result<(), Box<dyn Error + Send + Sync>> {
                for table in tables.names() {
                    // As people write it who want to be on the safe side.
                    let create = format!("CREATE TABLE IF NOT EXISTS {table} (a bigint, b text)");
                    let create = sqlx::raw_sql(AssertSqlSafe(create));
                    create.execute(&mut *connection).await?;
                }
                Ok(())
            }

            async fn project(
                &self,
                connection: &mut $connection,
                tables: &ReadModelTables,
                events: &[&RecordedEvent],
            ) -> Result<(), Box<dyn Error + Send + Sync>> {
                for table in tables.names() {
                    for event in events {
                        let insert = format!("INSERT INTO {table} VALUES ($1, $2)");
                        sqlx::query(AssertSqlSafe(insert))
                            .bind(i64::from(event.sequence.0))
                            .bind(N::NAME)
                            .execute(&mut *connection)
                            .await?;
                    }
                }
                Ok(())
            }
        }
    };
}

read_model_on!(PgConnection);
read_model_on!(SqliteConnection);
