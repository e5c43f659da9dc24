//! A read model: the list of orders, in SQL. Every event counts once, whatever crashes when.

mod listed;
mod rows;
mod show;

use std::error::Error;
use std::path::PathBuf;

use seriatim::core::LogId;
use seriatim::prelude::*;
use seriatim::sqlx::{self, SqliteConnection};

use crate::order::Order;

pub(crate) use show::show;

/// Returns the file that keeps the list of a log, if nobody names another.
pub(crate) fn file_for(LogId(log): LogId) -> PathBuf {
    let digits = log.simple().to_string();
    let (_, last) = digits.split_at(24);
    format!("order-list-{last}.db").into()
}

pub(crate) struct OrderList;

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
        let create = tables.sql(
            "CREATE TABLE {orders} (root TEXT PRIMARY KEY, customer TEXT NOT NULL, status TEXT NOT NULL);
             CREATE TABLE {order_items} (root TEXT NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL,
                 cents_each INTEGER NOT NULL, PRIMARY KEY (root, sku))",
        );
        sqlx::raw_sql(create).execute(connection).await?;
        Ok(())
    }

    /// Reads the orders that a batch concerns, changes them in memory by a function that knows no database, and writes
    /// them back: five statements, however many events there are.
    async fn project(
        &self,
        connection: &mut SqliteConnection,
        tables: &ReadModelTables,
        events: &[&RecordedEvent],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let roots = events.iter().map(|event| event.stream.root).collect();
        let mut orders = rows::load(connection, tables, roots).await?;
        for recorded in events {
            if let Some(event) = recorded.of::<Order>() {
                let order = orders.entry(recorded.stream.root).or_default();
                listed::apply(order, event?);
            }
        }
        rows::save(connection, tables, &orders).await?;
        Ok(())
    }
}
