//! Prints the list, by the views that show the live version.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use serde::Serialize;
use seriatim::prelude::*;
use seriatim::printable;
use seriatim::sqlx::sqlite::SqliteConnectOptions;
use seriatim::sqlx::{self, ConnectOptions};

#[derive(Serialize)]
struct Line {
    order: String,
    customer: String,
    status: String,
    items: u64,
    /// `None`: more than can be counted. The order is in the log nevertheless, and in the list.
    cents: Option<u64>,
}

const ORDERS: &str = "SELECT root, customer, status FROM orders ORDER BY root";
const ITEMS: &str = "SELECT root, quantity, cents_each FROM order_items";

pub(crate) async fn show(file: &Path, as_json: bool) -> Result<(), AnyError> {
    let lines = lines(file).await?;
    let shown = match as_json {
        true => serde_json::to_string_pretty(&lines)? + "\n",
        false => {
            let head = format!(
                "{:<36}  {:<14} {:<10} {:>5} {:>9}\n",
                "order", "customer", "status", "items", "total"
            );
            let lines = lines.iter().map(|line| text(line) + "\n");
            head + &lines.collect::<String>()
        }
    };
    Ok(print(&shown)?)
}

/// Prints a text. A reader that wants no more of it, such as `head`, is no error.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

fn text(line: &Line) -> String {
    let Line {
        order,
        status,
        items,
        ..
    } = line;
    let customer = printable(&line.customer);
    let total = line.cents.map_or("too much".into(), |cents| {
        format!("{}.{:02}", cents / 100, cents % 100)
    });
    format!("{order:<36}  {customer:<14} {status:<10} {items:>5} {total:>9}")
}

async fn lines(file: &Path) -> Result<Vec<Line>, AnyError> {
    let options = SqliteConnectOptions::new().filename(file).read_only(true);
    let mut connection = options.connect().await?;
    let orders: Vec<(String, String, String)> =
        sqlx::query_as(ORDERS).fetch_all(&mut connection).await?;
    let items: Vec<(String, u32, u32)> = sqlx::query_as(ITEMS).fetch_all(&mut connection).await?;
    // Not by SQL, where one sum that does not fit is an error for the whole list.
    let mut sums: BTreeMap<String, (u64, Option<u64>)> = BTreeMap::new();
    for (root, quantity, cents_each) in items {
        let (pieces, cents) = sums.entry(root).or_insert((0, Some(0)));
        let price = u64::from(quantity) * u64::from(cents_each);
        *pieces += u64::from(quantity);
        *cents = cents.and_then(|cents| cents.checked_add(price));
    }
    let lines = orders.into_iter().map(|(order, customer, status)| {
        let (items, cents) = sums.remove(&order).unwrap_or((0, Some(0)));
        Line {
            order,
            customer,
            status,
            items,
            cents,
        }
    });
    Ok(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One order in a log can come to any sum: commands lead to none like that, but what is there stays there.
    #[tokio::test]
    async fn an_order_that_cannot_be_summed_up_hides_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list.db");
        let options = SqliteConnectOptions::new().filename(&file);
        let mut connection = options.create_if_missing(true).connect().await.unwrap();
        let rows = "
            CREATE TABLE orders (root TEXT, customer TEXT, status TEXT);
            CREATE TABLE order_items (root TEXT, sku TEXT, quantity INTEGER, cents_each INTEGER);
            INSERT INTO orders VALUES ('a', 'Ann\u{1b}[2J', 'placed'), ('b', 'Bob', 'paid'), ('c', 'Cid', 'placed');
            INSERT INTO order_items VALUES ('a', 'tea', 4294967295, 4294967295),
                ('a', 'mug', 4294967295, 4294967295), ('b', 'tea', 2, 450)";
        sqlx::raw_sql(rows).execute(&mut connection).await.unwrap();
        let lines = lines(&file).await.unwrap();
        let sums: Vec<_> = lines.iter().map(|line| (line.items, line.cents)).collect();
        assert_eq!(sums, [(8_589_934_590, None), (2, Some(900)), (0, Some(0))]);
        let [ann, bob, _] = &lines[..] else {
            panic!("three orders")
        };
        assert!(text(ann).ends_with("too much") && text(ann).contains("Ann\\u001b[2J"));
        assert!(text(bob).ends_with("    2      9.00"), "{}", text(bob));
    }
}
