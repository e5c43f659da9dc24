//! Prints the list, by the views that show the live version.

use std::path::Path;

use serde::Serialize;
use seriatim::AnyError;
use seriatim::sqlx::sqlite::SqliteConnectOptions;
use seriatim::sqlx::{self, ConnectOptions, Row};

#[derive(Serialize)]
struct Line {
    order: String,
    customer: String,
    status: String,
    items: i64,
    cents: i64,
}

const LIST: &str = r#"
    SELECT o.root AS "order", o.customer, o.status,
           COALESCE(sum(i.quantity), 0) AS items, COALESCE(sum(i.quantity * i.cents_each), 0) AS cents
    FROM orders AS o LEFT JOIN order_items AS i ON i.root = o.root
    GROUP BY o.root, o.customer, o.status ORDER BY o.root"#;

pub(crate) async fn show(file: &Path, as_json: bool) -> Result<(), AnyError> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut connection = options.connect().await?;
    let rows = sqlx::query(LIST).fetch_all(&mut connection).await?;
    let lines: Result<Vec<_>, _> = rows.iter().map(line).collect();
    let lines = lines?;
    if as_json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
        return Ok(());
    }
    println!(
        "{:<36}  {:<14} {:<10} {:>5} {:>9}",
        "order", "customer", "status", "items", "total"
    );
    for line in lines {
        let total = format!("{}.{:02}", line.cents / 100, line.cents % 100);
        let Line {
            order,
            customer,
            status,
            items,
            ..
        } = line;
        println!("{order:<36}  {customer:<14} {status:<10} {items:>5} {total:>9}");
    }
    Ok(())
}

fn line(row: &sqlx::sqlite::SqliteRow) -> Result<Line, sqlx::Error> {
    Ok(Line {
        order: row.try_get("order")?,
        customer: row.try_get("customer")?,
        status: row.try_get("status")?,
        items: row.try_get("items")?,
        cents: row.try_get("cents")?,
    })
}
