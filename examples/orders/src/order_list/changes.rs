//! What an event changes in the tables.

use seriatim::ReadModelTables;
use seriatim::prelude::Uuid;
use seriatim::sqlx::{self, AssertSqlSafe, SqliteConnection};

use crate::order::OrderEvent;

pub(super) async fn apply(
    connection: &mut SqliteConnection,
    tables: &ReadModelTables,
    root: Uuid,
    event: OrderEvent,
) -> Result<(), sqlx::Error> {
    let (orders, items) = (tables.name("orders"), tables.name("order_items"));
    let root = root.to_string();
    let query = |sql: String| sqlx::query(AssertSqlSafe(sql)).bind(root.clone());
    let status = |status| {
        let sql = format!("UPDATE {orders} SET status = $2 WHERE root = $1");
        query(sql).bind(status)
    };
    let change = match event {
        OrderEvent::Placed { customer, .. } => {
            let sql =
                format!("INSERT INTO {orders} (root, customer, status) VALUES ($1, $2, 'placed')");
            query(sql).bind(customer)
        }
        OrderEvent::ItemAdded {
            sku,
            quantity,
            cents_each,
        } => {
            let sql = format!(
                "INSERT INTO {items} AS i (root, sku, quantity, cents_each) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (root, sku) DO UPDATE SET
                     quantity = i.quantity + excluded.quantity, cents_each = excluded.cents_each"
            );
            query(sql).bind(sku).bind(quantity).bind(cents_each)
        }
        OrderEvent::QuantitySet { sku, quantity } => {
            let sql = format!("UPDATE {items} SET quantity = $3 WHERE root = $1 AND sku = $2");
            query(sql).bind(sku).bind(quantity)
        }
        OrderEvent::ItemRemoved { sku } | OrderEvent::ItemUnavailable { sku } => {
            query(format!("DELETE FROM {items} WHERE root = $1 AND sku = $2")).bind(sku)
        }
        OrderEvent::PaidInFull => status("paid"),
        OrderEvent::Shipped { .. } => status("shipped"),
        OrderEvent::Cancelled { .. } => status("cancelled"),
        OrderEvent::AddressChanged { .. }
        | OrderEvent::NoteAdded { .. }
        | OrderEvent::Discounted { .. }
        | OrderEvent::PaymentConfirmed { .. }
        | OrderEvent::RefundDue { .. }
        | OrderEvent::DeliveryUpdated { .. } => return Ok(()),
    };
    change.execute(connection).await.map(drop)
}
