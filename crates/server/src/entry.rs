//! What one complete request waits for before it runs: its place in work, or room for its answer.
//!
//! A request that is still arriving has neither: its client could hold it for as long as a request may take to arrive,
//! and so keep everybody else waiting.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use tonic::Status;

use crate::gate::{Gate, InWork};
use crate::ration::{Held, Ration};

/// What an [`Entry`] has got, for whoever runs the request.
#[derive(Debug)]
pub(crate) struct Got<T>(Arc<Mutex<Option<T>>>);

impl<T> Got<T> {
    /// Takes it. Only the first caller gets it.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, got: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(got);
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

/// One request that must wait for something once it is complete.
pub(crate) struct Entry {
    turn: BoxFuture<'static, Result<(), Status>>,
    /// Why it need not even be read.
    refusal: Option<Status>,
}

impl Entry {
    /// Makes that of a request to write something.
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

    /// Makes that of a question whose answer may take so many bytes.
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

    /// Returns why the request is refused, if it could not even wait now.
    pub(crate) fn refusal(&self) -> Option<Status> {
        self.refusal.clone()
    }

    /// Ready when the request may run, or is refused.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.turn.as_mut().poll(cx)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").finish_non_exhaustive()
    }
}
