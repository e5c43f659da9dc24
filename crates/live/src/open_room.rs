//! One stream that somebody has joined: its state as of the last event that was told, and who is told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use seriatim_core::{RecordedEvent, StreamId};
use tokio::sync::OnceCell;

use crate::kind::State;
use crate::outbox::{Outbox, Ticket};
use crate::telling::{Entered, Missing, NoEntry, Telling};

/// The events that may come while the state is loaded. It is loaded again if there are more.
const EARLY: usize = 10_000;

/// A stream that somebody has joined.
pub(crate) struct OpenRoom {
    stream: StreamId,
    /// The stream as it is written in frames.
    name: String,
    /// Set once the state is loaded.
    pub(crate) loaded: OnceCell<()>,
    inner: Mutex<Telling>,
}

impl OpenRoom {
    pub(crate) fn new(stream: StreamId) -> Self {
        Self {
            name: stream.to_string(),
            stream,
            loaded: OnceCell::new(),
            inner: Mutex::default(),
        }
    }

    pub(crate) fn stream(&self) -> &StreamId {
        &self.stream
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn inner(&self) -> MutexGuard<'_, Telling> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with a state. Returns the events that came while it was loaded: deliver them.
    #[must_use = "nobody else delivers these events"]
    pub(crate) fn begin(&self, state: Box<dyn State>, next: u64) -> Vec<RecordedEvent> {
        let mut inner = self.inner();
        inner.state = Some(state);
        inner.next = next;
        std::mem::take(&mut inner.early)
    }

    /// Tells everybody these events of the stream, in order. Events that were told are left out. Fails if an event is
    /// missing before one of them; what comes before the gap was told.
    pub(crate) fn deliver(&self, events: &[RecordedEvent]) -> Result<(), Missing> {
        let mut inner = self.inner();
        if inner.state.is_none() {
            match inner.early.len() + events.len() <= EARLY {
                true => inner.early.extend_from_slice(events),
                false => inner.is_closed = true,
            }
            return Ok(());
        }
        inner.deliver(&self.name, events)
    }

    /// Pushes a frame to everybody.
    pub(crate) fn push(&self, frame: &Utf8Bytes) {
        self.inner().push(frame);
    }

    /// Returns the sequence of the next event to be told.
    pub(crate) fn next(&self) -> u64 {
        self.inner().next
    }

    /// Returns the sequence of the next event to be told to a member; `None` if the membership has ended.
    pub(crate) fn reach(&self, ticket: Ticket) -> Option<u64> {
        self.inner().reach(ticket)
    }

    /// Returns whether a user may read the stream now.
    pub(crate) fn admits(&self, user: &str) -> bool {
        self.inner().admits(user)
    }

    /// Returns what a user is shown now, and the sequence of the next event.
    pub(crate) fn look(&self, user: &str) -> Result<Entered, NoEntry> {
        self.inner().look(user)
    }

    /// Lets a user in: every event from the returned sequence on is pushed.
    pub(crate) fn enter(
        &self,
        ticket: Ticket,
        user: &Arc<str>,
        outbox: &Outbox,
    ) -> Result<Entered, NoEntry> {
        self.inner().enter(ticket, user, outbox)
    }

    /// Ends a membership. Nothing is pushed for it any more.
    pub(crate) fn leave(&self, ticket: Ticket) {
        self.inner().leave(ticket);
    }

    /// Keeps it open until [`Self::end_visit`]. Returns `false` if it is closed.
    pub(crate) fn begin_visit(&self) -> bool {
        let mut inner = self.inner();
        inner.visits += usize::from(!inner.is_closed);
        !inner.is_closed
    }

    pub(crate) fn end_visit(&self) {
        self.inner().visits -= 1;
    }

    /// Closes it if nobody is in it, or on the way in. Returns whether it is closed.
    pub(crate) fn close_if_empty(&self) -> bool {
        let mut inner = self.inner();
        inner.is_closed |= inner.is_empty() && inner.visits == 0;
        inner.is_closed
    }

    /// Closes it, and tells everybody in it.
    pub(crate) fn close(&self) {
        self.inner().break_off();
    }

    /// Returns whether nothing is told any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.inner().is_closed
    }
}
