//! Waiting for events. The writer of this store tells the waiters at once; what another process has written is found by
//! a regular check.

use std::time::{Duration, Instant};

use seriatim_core::{EventStore, LogPartition, Position};
use tokio::sync::{Mutex, watch};

use crate::SqliteStore;

/// The time between two checks of the file while somebody waits. A check is a read of one row.
const INTERVAL: Duration = Duration::from_millis(50);

/// The state that all waiters share.
#[derive(Default)]
pub(crate) struct Waiting {
    head: watch::Sender<Position>,
    /// The waiter that holds this checks for all, not before the time in it.
    turn: Mutex<Option<Instant>>,
}

impl Waiting {
    /// To be told of every commit.
    pub(crate) fn head(&self) -> watch::Sender<Position> {
        self.head.clone()
    }
}

/// Tells the waiters that the log has reached `position`.
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

/// One of the waiters does this until it stops waiting, and then another one. So there are checks as long as somebody
/// waits, and the number of waiters does not increase them.
async fn look_for_all(store: &SqliteStore) -> std::convert::Infallible {
    let mut next = store.waiting().turn.lock().await;
    loop {
        if let Some(next) = *next {
            tokio::time::sleep_until(next.into()).await;
        }
        // Set before the check: if the waiter is dropped during it, the next one must not start at once.
        *next = Some(Instant::now() + INTERVAL);
        // A file that cannot be read now is checked again.
        if let Ok(position) = store.head(LogPartition::FIRST).await {
            tell(&store.waiting().head, position);
        }
    }
}
