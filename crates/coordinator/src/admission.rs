//! The door: how much may wait, and whether anything may come in at all.

use std::sync::Arc;

use seriatim_core::{Payload, SubmitError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::{Settings, meter};

/// Bytes of payload that take one more place in the queue.
const BYTES_PER_PLACE: usize = 4096;

/// Counts what is admitted and not yet answered.
#[derive(Debug)]
pub(crate) struct Admission {
    places: Arc<Semaphore>,
    all: u32,
}

/// A place in the queue, free again when this is dropped.
pub(crate) type Place = OwnedSemaphorePermit;

impl Admission {
    pub(crate) fn new(settings: &Settings) -> Self {
        let all = settings.queue_places.max(1);
        Self {
            places: Arc::new(Semaphore::new(all as usize)),
            all,
        }
    }

    /// Takes places for these payloads, or says why there are none. Never waits.
    pub(crate) fn admit<'a>(
        &self,
        payloads: impl Iterator<Item = &'a Payload>,
        settings: &Settings,
    ) -> Result<Place, SubmitError> {
        let bytes: usize = payloads.map(|payload| payload.data.len()).sum();
        let places = u32::try_from(1 + bytes / BYTES_PER_PLACE).unwrap_or(u32::MAX);
        Arc::clone(&self.places)
            .try_acquire_many_owned(places.min(self.all))
            .map_err(|error| match error {
                TryAcquireError::Closed => SubmitError::ShuttingDown,
                TryAcquireError::NoPermits => SubmitError::Overloaded {
                    retry_after: settings.retry_after,
                },
            })
    }

    /// Tells the metrics how full the queue is.
    pub(crate) fn observe(&self) {
        let all = self.all as usize;
        meter::queue(all.saturating_sub(self.places.available_permits()), all);
    }

    /// Whether the door is open.
    pub(crate) fn is_open(&self) -> bool {
        !self.places.is_closed()
    }

    /// Admits nothing more, and returns when everything admitted is answered.
    pub(crate) async fn close(&self) {
        // Waiting for all places first would let new commands in for as long as somebody sends some.
        // `close` fails waiting acquirers, so what is out is counted instead.
        self.places.close();
        while self.places.available_permits() < self.all as usize {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}
