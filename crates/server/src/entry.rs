//! Makes a complete request wait before it runs: for its place in work, or for room for its answer.
//!
//! A request that is still arriving has neither. Otherwise its client could hold it for as long as a request may take
//! to arrive, and so keep everybody else waiting.

use std::fmt;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use tonic::Status;

use crate::call::Call;

/// The wait of one complete request.
pub(crate) struct Entry {
    turn: BoxFuture<'static, Result<(), Status>>,
    /// The reason why the request need not even be read.
    refusal: Option<Status>,
}

impl Entry {
    /// Makes the entry of a request to write something.
    pub(crate) fn to_work(call: &Call) -> Self {
        let refusal = call.gate().check().err();
        let call = call.clone();
        Self {
            turn: Box::pin(async move {
                call.enter(call.gate().enter().await?);
                Ok(())
            }),
            refusal,
        }
    }

    /// Makes the entry of a question whose answer may take this many bytes.
    pub(crate) fn to_room(call: &Call, bytes: usize) -> Self {
        let call = call.clone();
        Self {
            turn: Box::pin(async move {
                call.add_room(call.unread().wait(bytes).await);
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
