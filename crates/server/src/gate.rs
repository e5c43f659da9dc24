//! Keeps as many requests in work as the store can use, and lets the others wait outside.
//!
//! A store does not commit more if it is asked for more. More requests in work cost memory and time for every request,
//! so under overload less would be done than at the best load. A sender that is refused comes again at once, which
//! costs as much as being served. Waiting here costs almost nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use seriatim_core::SubmitError;
use seriatim_proto::status::WireError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tonic::Status;

use crate::ServerSettings;
use crate::allowance::Taken;
use crate::meter;

/// The time after which to send again after waiting without success.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The gate before all writes: counts the requests in work, and those that wait for that.
#[derive(Debug)]
pub(crate) struct Gate {
    in_work: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    patience: Duration,
    /// The refusal, made once, because it must cost as little as possible.
    refusal: Status,
}

/// The permit to be in work, with what the request takes of its caller's allowance; dropping it ends both. The store may
/// still work for a caller that has gone away, which must not be able to begin more meanwhile.
#[derive(Debug)]
pub(crate) struct InWork {
    _place: OwnedSemaphorePermit,
    _taken: Taken,
}

impl InWork {
    pub(crate) fn new(place: OwnedSemaphorePermit, taken: Taken) -> Self {
        Self {
            _place: place,
            _taken: taken,
        }
    }
}

impl Gate {
    pub(crate) fn new(settings: &ServerSettings) -> Self {
        let retry_after = RETRY_AFTER;
        let in_work = settings.in_work.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            in_work: Arc::new(Semaphore::new(in_work)),
            waiting: AtomicUsize::new(0),
            most_waiting: settings.waiting,
            patience: settings.waiting_time,
            refusal: SubmitError::Overloaded { retry_after }.to_status(),
        }
    }

    /// Returns a permit, if one is free.
    fn pass(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.in_work).try_acquire_owned().ok()
    }

    /// Refuses a request that could not even wait now. Call it before the request is read.
    pub(crate) fn check(&self) -> Result<(), Status> {
        let is_full = self.in_work.available_permits() == 0;
        match is_full && self.waiting.load(Relaxed) >= self.most_waiting {
            true => Err(self.refuse()),
            false => Ok(()),
        }
    }

    /// Waits for a permit, in the order of asking. Fails if that takes too long, or if too many wait already.
    pub(crate) async fn enter(&self) -> Result<OwnedSemaphorePermit, Status> {
        if let Some(in_work) = self.pass() {
            return Ok(in_work);
        }
        let waiting = Waiting::among(&self.waiting);
        if waiting.others >= self.most_waiting {
            return Err(self.refuse());
        }
        let entered = timeout(self.patience, self.wait()).await;
        entered.map_err(|_| self.refuse())
    }

    fn refuse(&self) -> Status {
        meter::kept_out();
        self.refusal.clone()
    }

    /// Waits for a permit, in the order of asking, however long that takes.
    pub(crate) async fn wait(&self) -> OwnedSemaphorePermit {
        let in_work = Arc::clone(&self.in_work).acquire_owned().await;
        in_work.expect("it is never closed")
    }
}

/// One of the waiting requests.
struct Waiting<'a> {
    all: &'a AtomicUsize,
    others: usize,
}

impl<'a> Waiting<'a> {
    fn among(all: &'a AtomicUsize) -> Self {
        let others = all.fetch_add(1, Relaxed);
        Self { all, others }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use futures::poll;
    use tokio::time::Instant;
    use tonic::Code;

    use super::*;

    fn gate(in_work: usize, waiting: usize) -> Gate {
        Gate::new(&ServerSettings {
            in_work,
            waiting,
            waiting_time: Duration::from_secs(2),
            ..ServerSettings::default()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_or_behind_too_many_is_refused() {
        let gate = gate(1, 2);
        let in_work = gate.enter().await.unwrap();
        let start = Instant::now();
        let refused = join_all((0..5).map(|_| async {
            let status = gate.enter().await.unwrap_err();
            assert_eq!(status.code(), Code::ResourceExhausted);
            start.elapsed().as_secs()
        }));
        let full = async {
            assert!(gate.check().is_err());
        };
        assert_eq!(tokio::join!(refused, full).0, [2, 2, 0, 0, 0]);
        gate.check().unwrap();
        drop(in_work);
        // Nobody is counted as waiting any more.
        assert_eq!(gate.waiting.load(Relaxed), 0);
        drop(gate.enter().await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_goes_through_in_turn() {
        let gate = gate(1, 9);
        let in_work = gate.enter().await.unwrap();
        let mut first = Box::pin(gate.enter());
        let mut second = Box::pin(gate.wait());
        assert!(poll!(&mut first).is_pending());
        assert!(poll!(&mut second).is_pending());
        drop(in_work);
        assert!(gate.pass().is_none());
        assert!(poll!(&mut second).is_pending());
        let in_work = first.await.unwrap();
        assert!(poll!(&mut second).is_pending());
        drop(in_work);
        drop(second.await);
        assert!(gate.pass().is_some());
    }
}
