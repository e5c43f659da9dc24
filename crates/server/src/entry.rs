//! Makes a complete request wait before it runs: for its place in work, or for room for its answer.
//!
//! A request that is still arriving has neither. Otherwise its client could hold it for as long as a request may take
//! to arrive, and so keep everybody else waiting.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use tonic::Status;

use crate::gate::{Gate, InWork};
use crate::ration::{Held, Ration};

/// A permit or room on its way from the code that got it to the code that needs it.
#[derive(Debug)]
pub(crate) struct Got<T>(Arc<Mutex<Option<T>>>);

impl<T> Got<T> {
    /// Takes it. Returns it to the first caller only.
    pub(crate) fn take(&self) -> Option<T> {
        self.lock().take()
    }

    fn put(&self, got: T) {
        *self.lock() = Some(got);
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Got<Held> {
    /// Adds room to what was not taken yet.
    pub(crate) fn add(&self, room: Held) {
        match &mut *self.lock() {
            Some(got) => got.merge(room),
            none => *none = Some(room),
        }
    }
}

impl<T> Clone for Got<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Got<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// The wait of one complete request.
pub(crate) struct Entry {
    turn: BoxFuture<'static, Result<(), Status>>,
    /// The reason why the request need not even be read.
    refusal: Option<Status>,
}

impl Entry {
    /// Makes the entry of a request to write something.
    pub(crate) fn to_work(gate: &Arc<Gate>, in_work: &Got<InWork>) -> Self {
        let refusal = gate.check().err();
        let (gate, in_work) = (Arc::clone(gate), in_work.clone());
        Self {
            turn: Box::pin(async move {
                in_work.put(gate.enter().await?);
                Ok(())
            }),
            refusal,
        }
    }

    /// Makes the entry of a question whose answer may take this many bytes.
    pub(crate) fn to_room(unread: &Ration, bytes: usize, room: &Got<Held>) -> Self {
        let (unread, room) = (unread.clone(), room.clone());
        Self {
            turn: Box::pin(async move {
                room.put(unread.wait(bytes).await);
                Ok(())
            }),
            refusal: None,
        }
    }

    /// Returns the refusal of a request that could not even wait now.
    pub(crate) fn refusal(&self) -> Option<Status> {
        self.refusal.clone()
    }

    /// Is ready when the request may run, or is refused.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.turn.as_mut().poll(cx)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").finish_non_exhaustive()
    }
}
