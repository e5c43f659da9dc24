//! Reads the checkpoints of one component repeatedly, for as long as somebody waits for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use seriatim_core::{
    Checkpoint, CheckpointStore, Component, Position, Reaction, ReactionLetter, StoreError,
    WhyNotHandled, Work,
};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Written;
use crate::Feed;

/// The time between two looks. Waiting for another process costs half of it on average.
const EVERY: Duration = Duration::from_millis(20);

/// The place where checkpoints are kept.
pub(super) enum Source {
    /// The store of a component of this process.
    Reaction(Arc<dyn Reaction>),
    /// The store of components of other processes.
    Store(Arc<dyn CheckpointStore>),
}

/// Reads one component's checkpoints, once for all who wait.
pub(super) struct Poll {
    component: Component,
    source: Source,
    feed: Feed,
    /// True if a task reads. The task begins and ends under the lock, so there is never more than one.
    running: Mutex<bool>,
    seen: watch::Sender<Seen>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    /// The time when the look began. It shows everything that was written before.
    begun: Option<Instant>,
    checkpoints: Vec<Checkpoint>,
    /// The parked streams. They are read after the checkpoints, so they include every stream that is parked and that
    /// the checkpoints have passed.
    parked: Vec<ReactionLetter>,
}

impl Poll {
    pub(super) fn new(component: Component, source: Source, feed: Feed) -> Self {
        Self {
            component,
            source,
            feed,
            running: Mutex::new(false),
            seen: watch::Sender::default(),
        }
    }

    /// Waits until the outcome of the events is known. It is cancel safe.
    pub(super) async fn handled(
        self: &Arc<Self>,
        written: &Written<'_>,
    ) -> Result<(), WhyNotHandled> {
        let asked = Instant::now();
        let mut seen = self.seen.subscribe();
        self.start();
        loop {
            let looked = {
                let seen = seen.borrow_and_update();
                (seen.begun >= Some(asked)).then(|| seen.of(written))
            };
            if let Some(looked) = looked
                && let Some(known) = self.judge(looked, written).await
            {
                return known;
            }
            // This cannot fail, because `self` holds the sender.
            let _ = seen.changed().await;
        }
    }

    /// Returns the outcome of the events; `None` if it is still open, or if the log does not answer.
    async fn judge(
        &self,
        mut seen: Seen,
        written: &Written<'_>,
    ) -> Option<Result<(), WhyNotHandled>> {
        // A checkpoint of another log has passed no event of this one. Many may wait, so the log is read only before they
        // are told that their events are handled, or that the log was replaced.
        let (log, seems_handled) = (self.feed.log().id(), seen.judge(written) == Some(Ok(())));
        let is_doubtful = |checkpoint: &&mut Checkpoint| {
            let has_passed = checkpoint.at.position >= written.last;
            checkpoint.at.log.is_some_and(|named| named != log) || (seems_handled && has_passed)
        };
        for checkpoint in seen.checkpoints.iter_mut().filter(is_doubtful) {
            let confronted = self.feed.confront(std::slice::from_mut(checkpoint)).await;
            confronted
                .inspect_err(|error| self.looks_again(error))
                .ok()?;
        }
        seen.judge(written)
    }

    /// Logs the error. The waiters keep waiting, until the store answers or their time is over.
    fn looks_again(&self, error: &StoreError) {
        tracing::debug!(component = %self.component, error = error.to_string(), "no checkpoints");
    }

    /// Returns the event that holds back events which the checkpoint of their work has passed; `None` if nothing does.
    pub(super) async fn held_back(
        &self,
        work: &Work,
        written: &Written<'_>,
    ) -> Result<Option<ReactionLetter>, StoreError> {
        let parked = self.checkpoints().parked(Some(&self.component)).await?;
        Ok(parked
            .into_iter()
            .find(|parked| written.is_behind(parked, work)))
    }

    /// Returns the position of the component at the last look.
    pub(super) fn last_seen(&self, written: &Written<'_>) -> Position {
        let seen = self.seen.borrow();
        let positions = seen.works(written).map(|checkpoint| checkpoint.at.position);
        positions.max().unwrap_or_default()
    }

    /// Starts the task if it is not running. Only a listener may call this: the task ends as soon as nobody listens.
    fn start(self: &Arc<Self>) {
        let mut running = self.running();
        if !*running {
            *running = true;
            tokio::spawn(Arc::clone(self).follow());
        }
    }

    async fn follow(self: Arc<Self>) {
        loop {
            let begun = Instant::now();
            match self.look(begun).await {
                Ok(seen) => {
                    self.seen.send_replace(seen);
                }
                Err(error) => self.looks_again(&error),
            }
            tokio::time::sleep(EVERY).await;
            let mut running = self.running();
            if self.seen.receiver_count() == 0 {
                *running = false;
                return;
            }
        }
    }

    async fn look(&self, begun: Instant) -> Result<Seen, StoreError> {
        let store = self.checkpoints();
        Ok(Seen {
            begun: Some(begun),
            checkpoints: store.checkpoints(Some(&self.component)).await?,
            parked: store.parked(Some(&self.component)).await?,
        })
    }

    fn checkpoints(&self) -> &dyn CheckpointStore {
        match &self.source {
            Source::Reaction(reaction) => reaction.checkpoints(),
            Source::Store(store) => store.as_ref(),
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, bool> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Returns the part of it that concerns the events.
    fn of(&self, written: &Written<'_>) -> Self {
        let parked = self.parked.iter();
        Self {
            begun: self.begun,
            checkpoints: self.works(written).cloned().collect(),
            parked: parked
                .filter(|parked| parked.stream == *written.stream)
                .cloned()
                .collect(),
        }
    }

    /// Returns the checkpoints of the work that the events' stream is in. If the work was once cut into another number
    /// of shares, those checkpoints still exist.
    fn works(&self, written: &Written<'_>) -> impl Iterator<Item = &Checkpoint> {
        let has = |checkpoint: &&Checkpoint| written.is_in(&checkpoint.work);
        self.checkpoints.iter().filter(has)
    }

    /// Returns the outcome of the events; `None` if it is still open.
    fn judge(&self, written: &Written<'_>) -> Option<Result<(), WhyNotHandled>> {
        let parked = |work: &Work| {
            let mut parked = self.parked.iter();
            parked.find(|parked| written.is_behind(parked, work))
        };
        // Old checkpoints have passed only what they have handled, too.
        let passed = |checkpoint: &Checkpoint| {
            checkpoint.at.position >= written.last && parked(&checkpoint.work).is_none()
        };
        if self.works(written).any(passed) {
            return Some(Ok(()));
        }
        let now = self
            .works(written)
            .max_by_key(|checkpoint| (checkpoint.owner.is_some(), checkpoint.leased_until))?;
        match (parked(&now.work), &now.paused) {
            (Some(parked), _) if parked.decision.is_none() => Some(Err(why_parked(parked))),
            (None, Some(failure)) => Some(Err(WhyNotHandled::Paused {
                failure: failure.clone(),
            })),
            (Some(_), _) | (None, None) => None,
        }
    }
}

pub(super) fn why_parked(parked: &ReactionLetter) -> WhyNotHandled {
    WhyNotHandled::Parked {
        sequence: parked.sequence,
        failure: parked.failure.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use seriatim_core::{Domain, LogPartition, Sequence, Share, StreamId, Timestamp};
    use uuid::Uuid;

    use super::*;
    use seriatim_core::Bookmark;

    /// The work was once cut in another way, and a checkpoint is left of that, written while the clock was a day ahead.
    #[test]
    fn who_has_the_work_counts_and_not_whose_lease_ends_last() {
        let stream = StreamId::new(Domain::new("order").unwrap(), Uuid::nil());
        let two = NonZero::new(2).unwrap();
        let share = Share::all(two).find(|share| share.has(&stream)).unwrap();
        let now = Timestamp::now();
        let checkpoint = |share, owner: Option<&str>, ends_in, paused: Option<&str>| Checkpoint {
            work: Work {
                component: Component::new("printer").unwrap(),
                partition: LogPartition::FIRST,
                share,
            },
            at: Bookmark::at(Position(3)),
            epoch: 1,
            owner: owner.map(str::to_owned),
            leased_until: now.later_by(Duration::from_secs(ends_in)),
            moved_at: now,
            paused: paused.map(str::to_owned),
        };
        let seen = Seen {
            checkpoints: vec![
                checkpoint(Share::WHOLE, None, 24 * 3600, Some("no paper")),
                checkpoint(share, Some("one"), 10, None),
            ],
            ..Seen::default()
        };
        let written = Written {
            stream: &stream,
            partition: LogPartition::FIRST,
            last: Position(7),
            first: Sequence(0),
            sequence: Sequence(0),
            events: &[],
        };
        assert!(seen.judge(&written).is_none(), "it is worked on");
    }
}
