//! More components than connections: nobody keeps one while it waits for something else.
#![cfg(feature = "postgres")]

use std::error::Error;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::EventFilter;
use seriatim::prelude::*;
use seriatim::{Projector, ReactionSettings};

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

#[async_trait::async_trait]
impl Projector for Idle {
    async fn project(&self, _: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

#[tokio::test]
async fn many_components_go_on_with_one_connection() {
    let server = std::env::var("SERIATIM_TEST_POSTGRES").expect(
        "name a PostgreSQL in SERIATIM_TEST_POSTGRES; `cargo xtask services up` starts one and prints its URL",
    );
    let schema = format!("few_{}", Uuid::now_v7().simple());
    let url = format!("{server}?schema={schema}&readers=1");
    let filled = App::open(&url).await.unwrap().aggregate::<Book>();
    let filled = filled.start().await.unwrap();
    for _ in 0..5 {
        let noted = filled.send::<Book>(Uuid::now_v7(), Note::Note);
        noted.await.unwrap();
    }
    filled.shutdown().await.unwrap();

    let mut app = App::open(&url).await.unwrap().aggregate::<Book>();
    for number in 0..6 {
        app = app.projector(&format!("idle{number}"), EventFilter::default(), Idle);
    }
    let settings = ReactionSettings {
        // Its third has passed before a page is read, so that each of them has two things to do at once.
        lease: Duration::from_millis(3),
        ..ReactionSettings::default()
    };
    let app = app.reaction_settings(settings).start().await.unwrap();
    let handled = async {
        for mut status in app.reactions().watch() {
            let all = status.wait_for(|piece| piece.position.0 == 50);
            all.await.unwrap();
        }
    };
    let handled = tokio::time::timeout(Duration::from_secs(60), handled).await;
    handled.expect("none of them waits for ever");
    app.shutdown().await.unwrap();

    use seriatim::sqlx::{self, AssertSqlSafe, Connection, Executor};
    let mut direct = sqlx::PgConnection::connect(&server).await.unwrap();
    let sql = format!("DROP SCHEMA {schema} CASCADE");
    direct.execute(AssertSqlSafe(sql)).await.unwrap();
}
