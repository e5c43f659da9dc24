//! Orders as rows: read for a batch of events by one statement a table, and written back so.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use serde::Serialize;
use seriatim::prelude::*;
use seriatim::sqlx::{self, SqliteConnection};

use super::listed::{Listed, ListedItem};

/// The orders that a batch concerns, by root. `None` means that the list does not have the order.
pub(super) type Orders = BTreeMap<Uuid, Option<Listed>>;

/// The rows of these orders as they are.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    tables: &ReadModelTables,
    roots: BTreeSet<Uuid>,
) -> Result<Orders, Box<dyn Error + Send + Sync>> {
    let asked = as_json(&roots)?;
    let mut orders: Orders = roots.into_iter().map(|root| (root, None)).collect();
    let select = tables.sql(
        "SELECT root, customer, status FROM {orders}
         WHERE root IN (SELECT value FROM json_each($1))",
    );
    let rows: Vec<(String, String, String)> = sqlx::query_as(select)
        .bind(&asked)
        .fetch_all(&mut *connection)
        .await?;
    for (root, customer, status) in rows {
        let items = BTreeMap::new();
        let listed = Listed {
            customer,
            status,
            items,
        };
        orders.insert(root.parse()?, Some(listed));
    }
    let select = tables.sql(
        "SELECT root, sku, quantity, cents_each FROM {order_items}
         WHERE root IN (SELECT value FROM json_each($1))",
    );
    let rows: Vec<(String, String, u32, u32)> = sqlx::query_as(select)
        .bind(&asked)
        .fetch_all(connection)
        .await?;
    for (root, sku, quantity, cents_each) in rows {
        if let Some(Some(order)) = orders.get_mut(&root.parse()?) {
            let item = ListedItem {
                quantity,
                cents_each,
            };
            order.items.insert(sku, item);
        }
    }
    Ok(orders)
}

/// Writes them as they are now.
pub(super) async fn save(
    connection: &mut SqliteConnection,
    tables: &ReadModelTables,
    changed: &Orders,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let listed = changed
        .iter()
        .filter_map(|(root, order)| Some((root, order.as_ref()?)));
    let order_rows: Vec<_> = listed
        .clone()
        .map(|(root, order)| (root, &order.customer, &order.status))
        .collect();
    let item_rows: Vec<_> = listed
        .flat_map(|(root, order)| {
            let items = order.items.iter();
            items.map(move |(sku, item)| (root, sku, item.quantity, item.cents_each))
        })
        .collect();
    let roots: Vec<_> = changed.keys().collect();
    // `WHERE true` tells SQLite that the `ON` after it begins no join.
    let upsert = tables.sql(
        "INSERT INTO {orders} (root, customer, status)
         SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1) WHERE true
         ON CONFLICT (root) DO UPDATE SET customer = excluded.customer, status = excluded.status",
    );
    let delete =
        tables.sql("DELETE FROM {order_items} WHERE root IN (SELECT value FROM json_each($1))");
    let insert = tables.sql(
        "INSERT INTO {order_items} (root, sku, quantity, cents_each)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each($1)",
    );
    for (change, rows) in [
        (upsert, as_json(&order_rows)?),
        (delete, as_json(&roots)?),
        (insert, as_json(&item_rows)?),
    ] {
        let change = sqlx::query(change).bind(rows);
        change.execute(&mut *connection).await?;
    }
    Ok(())
}

/// SQLite has no arrays, but reads JSON as rows.
fn as_json(rows: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(rows)
}
