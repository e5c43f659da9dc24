//! What waits to be written to one connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::mpsc;

use crate::frames::WhyLeft;

/// Something that a room pushes to a connection that has joined it.
#[derive(Debug)]
pub(crate) struct Push {
    /// The membership that it belongs to. If that has ended meanwhile, the push is not meant any more.
    pub(crate) ticket: Ticket,
    pub(crate) what: Pushed,
}

#[derive(Debug)]
pub(crate) enum Pushed {
    Frame(Utf8Bytes),
    /// The membership has ended.
    Left(WhyLeft),
}

/// Names one membership of one connection in one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(pub(crate) u64);

/// Where others push to a connection. It never waits: a client that is too slow loses the connection, and nobody else
/// waits.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    queue: mpsc::Sender<Push>,
    has_overflowed: Arc<AtomicBool>,
}

/// The other end of an [`Outbox`].
#[derive(Debug)]
pub(crate) struct Inbox {
    queue: mpsc::Receiver<Push>,
    has_overflowed: Arc<AtomicBool>,
}

/// The connection is too slow: something was not pushed.
#[derive(Debug)]
pub(crate) struct TooSlow;

/// Makes both ends. At most `most` pushes wait.
pub(crate) fn outbox(most: usize) -> (Outbox, Inbox) {
    let (sender, receiver) = mpsc::channel(most.max(1));
    let has_overflowed = Arc::new(AtomicBool::new(false));
    let outbox = Outbox {
        queue: sender,
        has_overflowed: Arc::clone(&has_overflowed),
    };
    let inbox = Inbox {
        queue: receiver,
        has_overflowed,
    };
    (outbox, inbox)
}

impl Outbox {
    pub(crate) fn push(&self, push: Push) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.queue.try_send(push) {
            self.has_overflowed.store(true, Ordering::Release);
        }
    }
}

impl Inbox {
    /// Waits for the next push. The connection that has this keeps an outbox, so it never ends by itself.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Push, TooSlow> {
        let push = self.queue.recv().await;
        self.check()?;
        push.ok_or(TooSlow)
    }

    /// Returns the next push if there is one now.
    pub(crate) fn ready(&mut self) -> Option<Push> {
        self.queue.try_recv().ok()
    }

    /// Fails if something was not pushed.
    pub(crate) fn check(&self) -> Result<(), TooSlow> {
        match self.has_overflowed.load(Ordering::Acquire) {
            true => Err(TooSlow),
            false => Ok(()),
        }
    }
}
