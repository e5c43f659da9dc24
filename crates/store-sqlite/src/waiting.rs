//! Waiting for events: told at once by the writer of this store, and found by looking if another process has written.

use std::time::{Duration, Instant};

use seriatim_core::{EventStore, LogPartition, Position};
use tokio::sync::{Mutex, watch};

use crate::SqliteStore;

/// How long the store goes without a look at the file while somebody waits. A look is a read of one row.
const INTERVAL: Duration = Duration::from_millis(50);

/// What those who wait have in common.
#[derive(Default)]
pub(crate) struct Waiting {
    head: watch::Sender<Position>,
    /// Whoever has this looks for all, not before the time in it.
    turn: Mutex<Option<Instant>>,
}

impl Waiting {
    /// To be told of every commit.
    pub(crate) fn head(&self) -> watch::Sender<Position> {
        self.head.clone()
    }
}

/// Tells those who wait that the log has come to `position`.
pub(crate) fn tell(head: &watch::Sender<Position>, position: Position) {
    head.send_if_modified(|head| {
        let is_news = *head < position;
        *head = position.max(*head);
        is_news
    });
}

/// Returns when the log may have gone past `position`.
pub(crate) async fn wait_past(store: &SqliteStore, position: Position) {
    let mut head = store.waiting().head.subscribe();
    tokio::select! {
        moved = head.wait_for(|head| *head > position) => {
            moved.expect("the store keeps the sender");
        }
        never = look_for_all(store) => match never {},
    }
}

/// One of those who wait does this until it has waited enough, and then another; so there are looks as long as
/// somebody waits, and no more of them however many do.
async fn look_for_all(store: &SqliteStore) -> std::convert::Infallible {
    let mut next = store.waiting().turn.lock().await;
    loop {
        if let Some(next) = *next {
            tokio::time::sleep_until(next.into()).await;
        }
        // Before the look: a waiter that is dropped during it must not make the next one start at once.
        *next = Some(Instant::now() + INTERVAL);
        // A file that cannot be read now is looked at again.
        if let Ok(position) = store.head(LogPartition::FIRST).await {
            tell(&store.waiting().head, position);
        }
    }
}
