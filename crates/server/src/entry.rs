//! How one complete request goes through the gate.
//!
//! A request that is still arriving has no place in work: its client could hold the place for as long as a request may
//! take to arrive, and so keep everybody else outside.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use tonic::Status;

use crate::gate::{Gate, InWork};

/// The permit that a request is in work: its [`Entry`] puts it here, and the service that runs it takes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct InWorkOf(Arc<Mutex<Option<InWork>>>);

impl InWorkOf {
    pub(crate) fn take(&self) -> Option<InWork> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, in_work: InWork) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(in_work);
    }
}

/// One request before the gate.
pub(crate) struct Entry {
    gate: Arc<Gate>,
    in_work: InWorkOf,
    turn: Option<BoxFuture<'static, Result<InWork, Status>>>,
}

impl Entry {
    pub(crate) fn new(gate: &Arc<Gate>, in_work: &InWorkOf) -> Self {
        Self {
            gate: Arc::clone(gate),
            in_work: in_work.clone(),
            turn: None,
        }
    }

    /// Refuses a request that could not even wait now. Call it before anything of the request is read.
    pub(crate) fn check(&self) -> Result<(), Status> {
        self.gate.check()
    }

    /// Ready when the request is in work, or is refused.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        let in_work = match &mut self.turn {
            Some(turn) => ready!(turn.as_mut().poll(cx))?,
            None => match self.gate.pass() {
                Some(in_work) => in_work,
                None => {
                    let gate = Arc::clone(&self.gate);
                    let turn = Box::pin(async move { gate.enter().await });
                    ready!(self.turn.insert(turn).as_mut().poll(cx))?
                }
            },
        };
        self.in_work.put(in_work);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").finish_non_exhaustive()
    }
}
