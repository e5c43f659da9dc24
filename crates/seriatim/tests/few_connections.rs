//! As many components as connections: nobody keeps one while it waits for something else.
#![cfg(feature = "postgres")]

use std::error::Error;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::EventFilter;
use seriatim::prelude::*;
use seriatim::sqlx::{self, AssertSqlSafe, Connection, Executor};
use seriatim::{Projector, ReactionSettings};
use seriatim_testkit::until;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Noted {
    Noted,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum Note {
    Note,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Book;

impl Aggregate for Book {
    const DOMAIN: &'static str = "book";
    type Command = Note;
    type Event = Noted;
    type Rejection = Never;

    fn decide(&self, _: &Note) -> Result<Vec<Noted>, Never> {
        Ok(vec![Noted::Noted; 10])
    }

    fn evolve(&mut self, _: &Noted) {}
}

struct Idle;

impl Projector for Idle {
    async fn project(&self, _: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

/// While the only connection reads a page, the lease is to be renewed, which takes a connection.
#[tokio::test]
async fn a_component_whose_read_takes_longer_than_its_heartbeat_goes_on() {
    let server = std::env::var("SERIATIM_TEST_POSTGRES").expect(
        "name a PostgreSQL in SERIATIM_TEST_POSTGRES; `cargo xtask services up` starts one and prints its URL",
    );
    let schema = format!("few_{}", Uuid::now_v7().simple());
    let url = format!("{server}?schema={schema}&connections=1");
    let filled = App::open(&url).await.unwrap().aggregate::<Book>();
    let filled = filled.start().await.unwrap();
    let noted = filled.of::<Book>(Uuid::now_v7()).send(Note::Note);
    noted.await.unwrap();
    filled.shutdown().await.unwrap();

    let mut direct = sqlx::PgConnection::connect(&server).await.unwrap();
    let lock = format!("BEGIN; LOCK TABLE {schema}.seriatim_events");
    direct.execute(AssertSqlSafe(lock)).await.unwrap();
    let settings = ReactionSettings {
        lease: Duration::from_millis(60),
        ..ReactionSettings::default()
    };
    let app = App::open(&url).await.unwrap().aggregate::<Book>();
    let app = app.projector("idle", EventFilter::default(), Idle);
    let app = app.reaction_settings(settings).start().await.unwrap();
    until("the read is under way", async || {
        is_waited_for(&mut direct, &schema).await
    })
    .await;
    // For some heartbeats.
    tokio::time::sleep(Duration::from_millis(200)).await;
    direct.execute("COMMIT").await.unwrap();

    let mut status = app.reactions().watch().remove(0);
    let handled = status.wait_for(|piece| piece.position.0 == 10);
    let handled = tokio::time::timeout(Duration::from_secs(60), handled).await;
    handled.expect("it does not wait for itself").unwrap();
    app.shutdown().await.unwrap();
    let sql = format!("DROP SCHEMA {schema} CASCADE");
    direct.execute(AssertSqlSafe(sql)).await.unwrap();
}

async fn is_waited_for(direct: &mut sqlx::PgConnection, schema: &str) -> bool {
    let waiting = sqlx::query_scalar::<_, bool>(
        "SELECT EXISTS (SELECT 1 FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
         WHERE NOT l.granted AND c.relnamespace = $1::regnamespace)",
    );
    waiting.bind(schema).fetch_one(direct).await.unwrap()
}
