//! A read model: the list of orders, in SQL. Every event counts once, whatever crashes when.

mod changes;
mod show;

use std::error::Error;

use seriatim::core::{Domain, EventFilter, RecordedEvent};
use seriatim::sqlx::{self, AssertSqlSafe, SqliteConnection};
use seriatim::{ReadModel, ReadModelTables};

use crate::order::Order;

pub(crate) use show::show;

pub(crate) struct OrderList;

#[async_trait::async_trait]
impl ReadModel<SqliteConnection> for OrderList {
    const NAME: &'static str = "order_list";
    const TABLES: &'static [&'static str] = &["orders", "order_items"];

    fn filter(&self) -> EventFilter {
        EventFilter {
            domains: vec![Domain::of::<Order>()],
            ..EventFilter::default()
        }
    }

    async fn create(
        &self,
        connection: &mut SqliteConnection,
        tables: &ReadModelTables,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let (orders, items) = (tables.name("orders"), tables.name("order_items"));
        let create = format!(
            "CREATE TABLE {orders} (root TEXT PRIMARY KEY, customer TEXT NOT NULL, status TEXT NOT NULL);
             CREATE TABLE {items} (root TEXT NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL,
                 cents_each INTEGER NOT NULL, PRIMARY KEY (root, sku))"
        );
        sqlx::raw_sql(AssertSqlSafe(create))
            .execute(connection)
            .await?;
        Ok(())
    }

    async fn project(
        &self,
        connection: &mut SqliteConnection,
        tables: &ReadModelTables,
        events: &[&RecordedEvent],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        for recorded in events {
            if let Some(event) = recorded.of::<Order>() {
                changes::apply(connection, tables, recorded.stream.root, event?).await?;
            }
        }
        Ok(())
    }
}
