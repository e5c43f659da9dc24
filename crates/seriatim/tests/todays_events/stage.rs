//! A store that yesterday's program has written to.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seriatim::core::{EventFilter, RecordedEvent, Store};
use seriatim::prelude::*;
use seriatim::{AppBuilder, Projector, open_store};

use crate::accounts::{Account, Happened, yesterday};

pub(crate) use seriatim_testkit::until;

/// Long enough for a busy machine; nothing waits so long unless it fails.
const LIMIT: Duration = Duration::from_secs(60);

/// A store, and the account in it: 3 euros (0), a greeting (1), 2 euros (2).
pub(crate) async fn written_yesterday() -> (Arc<dyn Store>, Uuid) {
    use yesterday::Do;
    let store = open_store("memory:").await.unwrap();
    let root = Uuid::now_v7();
    let app = yesterday_on(&store).await;
    let greet = Do::Greet {
        text: "hello".into(),
    };
    for command in [Do::Add { euros: 3 }, greet, Do::Add { euros: 2 }] {
        app.of::<yesterday::Account>(root)
            .send(command)
            .await
            .unwrap();
    }
    app.shutdown().await.unwrap();
    (store, root)
}

pub(crate) async fn yesterday_on(store: &Arc<dyn Store>) -> App {
    let app = App::on(Arc::clone(store)).aggregate::<yesterday::Account>();
    app.start().await.unwrap()
}

pub(crate) fn today_on(store: &Arc<dyn Store>) -> AppBuilder {
    App::on(Arc::clone(store)).aggregate::<Account>()
}

pub(crate) fn only(types: &[&str]) -> EventFilter {
    EventFilter {
        types: types.iter().map(|name| (*name).into()).collect(),
        ..EventFilter::default()
    }
}

/// The events it was given, each with its name and the money in it.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<BTreeMap<Sequence, (String, u64)>>>);

impl Seen {
    /// The names, and the money in all of them.
    pub(crate) fn get(&self) -> (Vec<String>, u64) {
        let seen = self.0.lock().unwrap();
        let names = seen.values().map(|(name, _)| name.clone());
        (names.collect(), seen.values().map(|(_, cents)| cents).sum())
    }
}

impl Projector for Seen {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        for event in events {
            let Some(happened) = event.of::<Account>() else {
                continue;
            };
            let Happened::Deposited { cents } = happened?;
            let named = (event.payload.type_name.to_string(), cents);
            self.0.lock().unwrap().insert(event.sequence, named);
        }
        Ok(())
    }
}

/// Waits for what must come.
pub(crate) async fn in_time<T>(what: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(LIMIT, what).await;
    waited.expect("it never came")
}
