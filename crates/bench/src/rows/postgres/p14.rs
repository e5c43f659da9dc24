//! P14: a read model of one row for each stream, in the transaction of its checkpoint.

use std::collections::HashMap;
use std::error::Error;
use std::time::Instant;

use seriatim::core::RecordedEvent;
use seriatim::prelude::Uuid;
use seriatim::{PostgresStore, ReadModel, ReadModelTables};
use seriatim_bench::Outcome;
use seriatim_bench::domain::{Ledger, new_roots};
use seriatim_bench::fill::fill;
use seriatim_bench::load::per_second;
use seriatim_bench::measure::in_turn;
use seriatim_bench::product::builder;
use seriatim_bench::row::{Must, Row};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::watch;

use crate::context::{Context, On};
use crate::rows::ours;

/// The number of transactions of one event each that is enough to know how long one takes.
const SINGLE: usize = 2_000;

const LIMIT: &str = "one transaction for each event: its upsert, and an update of one row";

pub(crate) fn measure(context: &Context, _: On) -> Outcome<Vec<Row>> {
    let [single, each, folded] = in_turn(
        context.rounds,
        [
            &mut || one_transaction_an_event(context),
            &mut || project(context, Manner::StatementAnEvent),
            &mut || project(context, Manner::StatementABatch),
        ],
    )?;
    let row =
        |workload, figures| Row::compared("P14", workload, "events/s", figures, LIMIT, &single);
    Ok(vec![
        row("a read model, one statement a batch", &folded).must(Must::AtLeast(8.0)),
        row("a read model, one upsert an event", &each),
    ])
}

fn streams(context: &Context) -> usize {
    context.scaled(20_000)
}

/// The way in which the model tells the database what happened.
#[derive(Clone, Copy)]
enum Manner {
    StatementAnEvent,
    StatementABatch,
}

fn project(context: &Context, manner: Manner) -> Outcome<f64> {
    context.in_database(On::Postgres, async |database| {
        let store = PostgresStore::open(&database.url).await?;
        let roots = new_roots(streams(context));
        fill::<Ledger>(&store, &roots, ours::EVENTS).await?;
        database.settle().await?;
        let total = roots.len() * ours::EVENTS as usize;
        let (seen, mut told) = watch::channel(0);
        let builder = builder(&database.url).await?;
        let start = Instant::now();
        let app = builder
            .read_model(&store, Totals { manner, seen })
            .start()
            .await?;
        // The last batch is told of before its commit, which the end of the application waits for.
        told.wait_for(|seen| *seen >= total).await?;
        app.reactions().shutdown().await;
        let figure = per_second(total, start.elapsed());
        app.shutdown().await?;
        Ok(figure)
    })
}

/// A read model of how many events each stream has.
struct Totals {
    manner: Manner,
    seen: watch::Sender<usize>,
}

impl ReadModel<PgConnection> for Totals {
    const NAME: &'static str = "totals";

    async fn create(
        &self,
        connection: &mut PgConnection,
        tables: &ReadModelTables,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        create(connection, &tables.name("totals")).await?;
        Ok(())
    }

    async fn project(
        &self,
        connection: &mut PgConnection,
        tables: &ReadModelTables,
        events: &[&RecordedEvent],
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let table = tables.name("totals");
        match self.manner {
            Manner::StatementAnEvent => {
                let upsert = upsert(&table, "VALUES ($1, $2)");
                for event in events {
                    let upsert = sqlx::query(AssertSqlSafe(upsert.clone()));
                    let upsert = upsert.bind(event.stream.root).bind(1_i64);
                    upsert.execute(&mut *connection).await?;
                }
            }
            Manner::StatementABatch => {
                // One statement must not write a row twice.
                let mut more: HashMap<Uuid, i64> = HashMap::new();
                for event in events {
                    *more.entry(event.stream.root).or_default() += 1;
                }
                let (roots, counts): (Vec<_>, Vec<_>) = more.into_iter().unzip();
                let upsert = upsert(&table, "SELECT * FROM unnest($1::uuid[], $2::bigint[])");
                let upsert = sqlx::query(AssertSqlSafe(upsert)).bind(roots).bind(counts);
                upsert.execute(connection).await?;
            }
        }
        self.seen.send_modify(|seen| *seen += events.len());
        Ok(())
    }
}

async fn create(connection: &mut PgConnection, table: &str) -> Result<(), sqlx::Error> {
    let create = format!("CREATE TABLE {table} (root uuid PRIMARY KEY, events bigint NOT NULL)");
    let create = sqlx::raw_sql(AssertSqlSafe(create));
    create.execute(connection).await.map(drop)
}

fn upsert(table: &str, rows: &str) -> String {
    format!(
        "INSERT INTO {table} AS t (root, events) {rows}
         ON CONFLICT (root) DO UPDATE SET events = t.events + excluded.events"
    )
}

/// As a projector without batches does it.
fn one_transaction_an_event(context: &Context) -> Outcome<f64> {
    context.in_schema(async |schema| {
        let roots = new_roots(streams(context));
        let mut connection = schema.connect().await?;
        create(&mut connection, "totals").await?;
        sqlx::raw_sql(
            "CREATE TABLE place (position bigint NOT NULL); INSERT INTO place VALUES (0)",
        )
        .execute(&mut connection)
        .await?;
        let upsert = upsert("totals", "VALUES ($1, $2)");
        let start = Instant::now();
        for root in roots.iter().take(SINGLE) {
            let mut transaction = connection.begin().await?;
            let upsert = sqlx::query(AssertSqlSafe(upsert.clone()))
                .bind(root)
                .bind(1_i64);
            upsert.execute(&mut *transaction).await?;
            let moved = sqlx::query("UPDATE place SET position = position + 1");
            moved.execute(&mut *transaction).await?;
            transaction.commit().await?;
        }
        Ok(per_second(SINGLE.min(roots.len()), start.elapsed()))
    })
}
