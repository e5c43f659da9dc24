//! Projectors of an application: they go on after a restart, and two under one name are refused.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{EventFilter, RecordedEvent};
use seriatim::prelude::*;
use seriatim::{PieceState, Projector, StartAppError};

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Happened {
    Added { count: u32 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum Do {
    Add { count: u32 },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Counter {
    total: u32,
}

impl Aggregate for Counter {
    const DOMAIN: &'static str = "counter";
    type Command = Do;
    type Event = Happened;
    type Rejection = Never;

    fn decide(&self, Do::Add { count }: &Do) -> Result<Vec<Happened>, Never> {
        Ok(vec![Happened::Added { count: *count }])
    }

    fn evolve(&mut self, Happened::Added { count }: &Happened) {
        self.total += count;
    }
}

/// What was added, in the order of the log.
#[derive(Clone, Default)]
struct Additions(Arc<Mutex<Vec<u32>>>);

impl Additions {
    async fn until(&self, count: usize) -> Vec<u32> {
        loop {
            let seen = self.0.lock().unwrap().clone();
            if seen.len() >= count {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[async_trait::async_trait]
impl Projector for Additions {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        for event in events {
            if let Some(event) = event.of::<Counter>() {
                let Happened::Added { count } = event?;
                self.0.lock().unwrap().push(count);
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_projector_goes_on_after_a_restart_where_it_stood() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("app.db").display());
    let additions = Additions::default();
    let root = Uuid::now_v7();
    for start in 0..3 {
        let app = App::open(&url)
            .await
            .unwrap()
            .aggregate::<Counter>()
            .projector("additions", EventFilter::default(), additions.clone())
            .start()
            .await
            .unwrap();
        for count in [10 * start, 10 * start + 1] {
            app.send::<Counter>(root, Do::Add { count }).await.unwrap();
        }
        let seen = additions.until(2 * (start as usize + 1)).await;
        assert_eq!(seen.last(), Some(&(10 * start + 1)));
        app.shutdown().await.unwrap();
        assert_eq!(app.reactions().status()[0].state, PieceState::Stopped);
    }
    assert_eq!(additions.until(6).await, [0, 1, 10, 11, 20, 21]);
}

#[tokio::test]
async fn names_that_no_component_can_have_are_refused_at_the_start() {
    let builder = || async { App::open("memory:").await.unwrap().aggregate::<Counter>() };
    let all = EventFilter::default;
    let bad = builder()
        .await
        .projector("Additions!", all(), Additions::default())
        .projector("good", all(), Additions::default());
    let refused = bad.start().await.unwrap_err();
    assert!(matches!(refused, StartAppError::Component(_)), "{refused}");
    let twice = builder()
        .await
        .projector("additions", all(), Additions::default())
        .projector("additions", all(), Additions::default());
    match twice.start().await.unwrap_err() {
        StartAppError::ComponentTwice { name } => assert_eq!(name.as_str(), "additions"),
        other => panic!("{other}"),
    }
}
