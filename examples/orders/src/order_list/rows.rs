//! Orders as rows: read for a batch of events by one statement a table, and written back so.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use seriatim::ReadModelTables;
use seriatim::prelude::Uuid;
use seriatim::sqlx::sqlite::SqliteRow;
use seriatim::sqlx::{self, AssertSqlSafe, Row, SqliteConnection};

use super::listed::{Listed, ListedItem};

/// What a batch concerns, by root; `None`: the list does not have it.
pub(super) type Orders = BTreeMap<Uuid, Option<Listed>>;

/// The rows of these orders as they are.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    tables: &ReadModelTables,
    roots: BTreeSet<Uuid>,
) -> Result<Orders, sqlx::Error> {
    let asked = as_json(&roots)?;
    let mut orders: Orders = roots.into_iter().map(|root| (root, None)).collect();
    let select = |columns: &str, table: &str| {
        let table = tables.name(table);
        format!("SELECT {columns} FROM {table} WHERE root IN (SELECT value FROM json_each($1))")
    };
    let rows = select("root, customer, status", "orders");
    for row in fetch(connection, rows, &asked).await? {
        let listed = Listed {
            customer: row.try_get(1)?,
            status: row.try_get(2)?,
            items: BTreeMap::new(),
        };
        orders.insert(root(&row)?, Some(listed));
    }
    let rows = select("root, sku, quantity, cents_each", "order_items");
    for row in fetch(connection, rows, &asked).await? {
        if let Some(Some(order)) = orders.get_mut(&root(&row)?) {
            let item = ListedItem {
                quantity: row.try_get(2)?,
                cents_each: row.try_get(3)?,
            };
            order.items.insert(row.try_get(1)?, item);
        }
    }
    Ok(orders)
}

/// Writes them as they are now.
pub(super) async fn save(
    connection: &mut SqliteConnection,
    tables: &ReadModelTables,
    changed: &Orders,
) -> Result<(), sqlx::Error> {
    let (orders, items) = (tables.name("orders"), tables.name("order_items"));
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
    let upsert = format!(
        "INSERT INTO {orders} (root, customer, status)
         SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1) WHERE true
         ON CONFLICT (root) DO UPDATE SET customer = excluded.customer, status = excluded.status"
    );
    execute(connection, upsert, &as_json(&order_rows)?).await?;
    let delete = format!("DELETE FROM {items} WHERE root IN (SELECT value FROM json_each($1))");
    execute(connection, delete, &as_json(&roots)?).await?;
    let insert = format!(
        "INSERT INTO {items} (root, sku, quantity, cents_each)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each($1)"
    );
    execute(connection, insert, &as_json(&item_rows)?).await
}

async fn fetch(
    connection: &mut SqliteConnection,
    select: String,
    asked: &str,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    let select = sqlx::query(AssertSqlSafe(select)).bind(asked);
    select.fetch_all(connection).await
}

async fn execute(
    connection: &mut SqliteConnection,
    change: String,
    rows: &str,
) -> Result<(), sqlx::Error> {
    let change = sqlx::query(AssertSqlSafe(change)).bind(rows);
    change.execute(connection).await.map(drop)
}

/// SQLite has no arrays, but reads JSON as rows.
fn as_json(rows: &impl Serialize) -> Result<String, sqlx::Error> {
    serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(error.into()))
}

fn root(row: &SqliteRow) -> Result<Uuid, sqlx::Error> {
    let text: &str = row.try_get(0)?;
    text.parse()
        .map_err(|error: <Uuid as std::str::FromStr>::Err| sqlx::Error::Decode(error.into()))
}
