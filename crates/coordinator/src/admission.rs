//! Bounds how many requests may be in work, and decides whether any may come in at all.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{Payload, SubmitError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::{Settings, meter};

/// The number of copies of a payload in memory: as it came, decoded, as an event, and in the answer.
const COPIES: usize = 4;

/// Counts the requests that are admitted and not yet answered: how many there are, and about how much memory they take.
#[derive(Debug)]
pub(crate) struct Admission {
    places: Room,
    bytes: Room,
    retry_after: Duration,
}

/// A place in the queue and some of its bytes; dropping it frees them.
#[derive(Debug)]
pub(crate) struct Place {
    _place: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
    _of_caller: OfCaller,
}

/// A permit that the caller holds; it is given back with the place.
pub(crate) type OfCaller = Option<Arc<dyn Any + Send + Sync>>;

impl Admission {
    pub(crate) fn new(settings: &Settings) -> Self {
        let bytes = u32::try_from(settings.queue_bytes).unwrap_or(u32::MAX);
        Self {
            places: Room::of(settings.queue_places),
            bytes: Room::of(bytes),
            retry_after: settings.retry_after,
        }
    }

    /// Takes a place for these payloads. Fails with the reason if there is none. It never waits. A request that is
    /// larger than the queue is admitted when the queue is empty.
    pub(crate) fn admit<'a>(
        &self,
        payloads: impl Iterator<Item = &'a Payload>,
        of_caller: &OfCaller,
    ) -> Result<Place, SubmitError> {
        let bytes: usize = payloads.map(|payload| COPIES * payload.data.len()).sum();
        let refused = |error| match error {
            TryAcquireError::Closed => SubmitError::ShuttingDown,
            TryAcquireError::NoPermits => SubmitError::Overloaded {
                retry_after: self.retry_after,
            },
        };
        Ok(Place {
            _place: self.places.take(1).map_err(refused)?,
            _bytes: self.bytes.take(bytes).map_err(refused)?,
            _of_caller: of_caller.clone(),
        })
    }

    /// Reports how full the queue is.
    pub(crate) fn observe(&self) {
        meter::queue(self.places.taken(), self.places.size());
        meter::queue_bytes(self.bytes.taken(), self.bytes.size());
    }

    /// Returns whether it admits anything.
    pub(crate) fn is_open(&self) -> bool {
        !self.places.left.is_closed()
    }

    /// Admits nothing more, and returns when everything admitted is answered.
    pub(crate) async fn close(&self) {
        // Waiting for all places first would let new commands in for as long as somebody sends some. `close` fails
        // waiting acquirers, so the taken places are counted instead.
        self.places.left.close();
        while self.places.taken() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// A budget of which parts can be taken.
#[derive(Debug)]
struct Room {
    left: Arc<Semaphore>,
    all: u32,
}

impl Room {
    fn of(all: u32) -> Self {
        let all = all.max(1);
        Self {
            left: Arc::new(Semaphore::new(all as usize)),
            all,
        }
    }

    /// Takes room. Takes all there is if more is wanted than exists.
    fn take(&self, wanted: usize) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX).min(self.all);
        Arc::clone(&self.left).try_acquire_many_owned(wanted)
    }

    fn size(&self) -> usize {
        self.all as usize
    }

    fn taken(&self) -> usize {
        self.size().saturating_sub(self.left.available_permits())
    }
}
