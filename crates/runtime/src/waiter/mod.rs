//! Waits until components have handled what was just written, whichever process does their work.
//!
//! ```text
//! its work is done here ────► told by the loop as soon as it is done
//! by another process ───────► the checkpoint, read again and again, once for all who wait for it
//! ```

mod poll;
mod through;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use seriatim_core::{
    CheckpointStore, Component, FieldViolation, FirstResult, LogPartition, NotHandled, Outcome,
    Position, Reaction, ReactionLetter, Receipt, RecordedEvent, Sequence, StreamId, SubmitError,
    WaitFor, WhyNotHandled, Work,
};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use self::poll::{Poll, Source, why_parked};
use crate::{Feed, PieceState, PieceStatus, Reactions};

/// The time after which a sender should try again if its components cannot be looked up.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Waits until components have handled what was just written. It is cheap to clone; clones share what they read.
#[derive(Clone)]
pub struct Waiter {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn CheckpointStore>,
    feed: Feed,
    /// The components that this process may work for.
    reactions: Vec<Arc<dyn Reaction>>,
    pieces: Vec<watch::Receiver<PieceStatus>>,
    /// Components of other processes that were seen to exist.
    elsewhere: Mutex<BTreeSet<Component>>,
    polls: Mutex<HashMap<Component, Arc<Poll>>>,
}

/// The events that are waited for.
struct Written<'a> {
    stream: &'a StreamId,
    partition: LogPartition,
    /// The position of the last event.
    last: Position,
    /// The sequence of the first event.
    first: Sequence,
    /// The sequence of the last event.
    sequence: Sequence,
    /// The events; empty if they are not known.
    events: &'a [RecordedEvent],
}

impl Written<'_> {
    /// Returns true if the events are in this piece of work.
    fn is_in(&self, work: &Work) -> bool {
        work.partition == self.partition && work.share.has(self.stream)
    }

    /// Returns true if one of the events queues behind this parked one.
    fn is_behind(&self, parked: &ReactionLetter, work: &Work) -> bool {
        parked.work == *work && parked.stream == *self.stream && parked.sequence <= self.sequence
    }
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter").finish_non_exhaustive()
    }
}

impl Waiter {
    /// Makes a waiter that knows the components of this process, and those of others that keep their checkpoints in
    /// `store`.
    pub fn new(reactions: &Reactions, store: Arc<dyn CheckpointStore>) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                feed: reactions.feed.clone(),
                reactions: reactions.enrolled().to_vec(),
                pieces: reactions.watch(),
                elsewhere: Mutex::default(),
                polls: Mutex::default(),
            }),
        }
    }

    /// Fails if a component does not exist, if there are too many, or if the wait is too long. Call it before anything
    /// is written, so that a typing error costs nothing.
    pub async fn check(&self, wait: &WaitFor) -> Result<(), SubmitError> {
        let violations = wait.check();
        if !violations.is_empty() {
            return Err(SubmitError::Invalid(violations));
        }
        let mut components = wait.components.iter();
        if components.all(|component| self.inner.reaction(component).is_some()) {
            return Ok(());
        }
        let all = self.inner.store.checkpoints(None).await;
        let all = all.map_err(|error| SubmitError::of_store(error, RETRY_AFTER))?;
        let names = all.into_iter().map(|checkpoint| checkpoint.work.component);
        lock(&self.inner.elsewhere).extend(names);
        let violations: Vec<_> = (0..)
            .zip(&wait.components)
            .filter_map(|(at, component): (usize, _)| {
                let why = self.why_not(component)?;
                Some(FieldViolation::new(
                    format!("wait_for.components[{at}]"),
                    why,
                ))
            })
            .collect();
        match violations.is_empty() {
            true => Ok(()),
            false => Err(SubmitError::Invalid(violations)),
        }
    }

    /// Waits until all components have handled the events of the receipt. Returns at once if it has none, and gives up
    /// when `closing` ends.
    pub async fn wait(
        &self,
        receipt: &Receipt,
        wait: &WaitFor,
        closing: impl Future<Output = ()>,
    ) -> Result<(), NotHandled> {
        let (position, first, sequence, events) = match &receipt.outcome {
            Outcome::Committed(commit) => {
                let events = commit.events.as_slice();
                (commit.position, commit.first, commit.last, events)
            }
            Outcome::Duplicate(FirstResult::Committed {
                position,
                first,
                last,
            }) => (*position, *first, *last, &[][..]),
            Outcome::Duplicate(_) | Outcome::Unchanged { .. } | Outcome::DeadLettered { .. } => {
                return Ok(());
            }
        };
        let written = Written {
            stream: &receipt.stream,
            partition: LogPartition::of(&receipt.stream, self.inner.feed.partitions()),
            last: position,
            first,
            sequence,
            events,
        };
        let deadline = Instant::now() + wait.limit.min(WaitFor::LONGEST);
        let mut closing = std::pin::pin!(closing);
        for component in &wait.components {
            let handled = tokio::select! {
                biased;
                handled = timeout_at(deadline, self.handled(component, &written)) => {
                    handled.unwrap_or_else(|_| Err(WhyNotHandled::TimePassed {
                        limit: wait.limit,
                        position: self.last_seen(component, &written),
                    }))
                }
                () = &mut closing => Err(WhyNotHandled::ShuttingDown),
            };
            handled.map_err(|why| NotHandled {
                component: component.clone(),
                why,
            })?;
        }
        Ok(())
    }

    async fn handled(
        &self,
        component: &Component,
        written: &Written<'_>,
    ) -> Result<(), WhyNotHandled> {
        match self.leader(component, written) {
            Some(leader) => self.handled_through(leader, component, written).await,
            None => self.handled_itself(component, written).await,
        }
    }

    async fn handled_itself(
        &self,
        component: &Component,
        written: &Written<'_>,
    ) -> Result<(), WhyNotHandled> {
        if self.concerns_others(component, written) {
            return Ok(());
        }
        let poll = self.poll(component);
        let Some(mut piece) = self.piece(component, written) else {
            return poll.handled(written).await;
        };
        let mut looked_at = 0;
        loop {
            let PieceStatus {
                work,
                state,
                position,
                parked,
            } = piece.borrow_and_update().clone();
            let has_passed = position >= written.last;
            // An event that is parked before these events holds them back, even if the checkpoint has passed them.
            if parked > 0 && (has_passed || parked != looked_at) {
                match poll.held_back(&work, written).await {
                    Ok(None) => {}
                    Ok(Some(parked)) if parked.decision.is_none() => {
                        return Err(why_parked(&parked));
                    }
                    Ok(Some(_)) | Err(_) => return poll.handled(written).await,
                }
            }
            if has_passed {
                return Ok(());
            }
            looked_at = parked;
            let working = match state {
                PieceState::Paused { error, .. } => {
                    return Err(WhyNotHandled::Paused { failure: error });
                }
                PieceState::Working
                | PieceState::Retrying { .. }
                | PieceState::WaitingForTarget { .. } => true,
                PieceState::StandingBy { .. }
                | PieceState::Beginning
                | PieceState::CannotBegin { .. }
                | PieceState::WaitingForStore { .. }
                | PieceState::Stopped => false,
            };
            tokio::select! {
                changed = piece.changed() => if changed.is_err() {
                    return poll.handled(written).await;
                },
                handled = poll.handled(written), if !working => return handled,
            }
        }
    }

    /// Returns true if it is known here that none of the events are for the component. Its checkpoint would move over
    /// them only some time later.
    fn concerns_others(&self, component: &Component, written: &Written<'_>) -> bool {
        let Some(reaction) = self.inner.reaction(component) else {
            return false;
        };
        let mut events = written.events.iter();
        !written.events.is_empty() && !events.any(|event| reaction.filter().matches(event))
    }

    /// Returns the piece of work of this process that the events are in.
    fn piece(
        &self,
        component: &Component,
        written: &Written<'_>,
    ) -> Option<watch::Receiver<PieceStatus>> {
        let mut pieces = self.inner.pieces.iter();
        let has = |piece: &&watch::Receiver<PieceStatus>| {
            let work = &piece.borrow().work;
            work.component == *component && written.is_in(work)
        };
        pieces.find(has).cloned()
    }

    fn last_seen(&self, component: &Component, written: &Written<'_>) -> Position {
        let here = self
            .piece(component, written)
            .map(|piece| piece.borrow().position);
        let there = self.poll(component).last_seen(written);
        here.unwrap_or_default().max(there)
    }

    fn poll(&self, component: &Component) -> Arc<Poll> {
        let mut polls = lock(&self.inner.polls);
        let poll = polls.entry(component.clone()).or_insert_with(|| {
            let source = match self.inner.reaction(component) {
                Some(reaction) => Source::Reaction(Arc::clone(reaction)),
                None => Source::Store(Arc::clone(&self.inner.store)),
            };
            Arc::new(Poll::new(
                component.clone(),
                source,
                self.inner.feed.clone(),
            ))
        });
        Arc::clone(poll)
    }

    /// Returns the reason why a component cannot be waited for; `None` if it can.
    fn why_not(&self, component: &Component) -> Option<String> {
        if self.inner.reaction(component).is_some() {
            return None;
        }
        if !lock(&self.inner.elsewhere).contains(component) {
            let names = self.names();
            return Some(format!(
                "there is no component `{component}`; there is {names}"
            ));
        }
        let inputs = self.inputs_elsewhere(component)?;
        Some(format!(
            "`{component}` belongs to a process manager of another process, which alone knows what it does because of an event; wait for `{inputs}`, which records it"
        ))
    }

    fn names(&self) -> String {
        let mut names = lock(&self.inner.elsewhere).clone();
        names.extend((self.inner.reactions.iter()).map(|reaction| reaction.component().clone()));
        if names.is_empty() {
            return "none".into();
        }
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    }
}

impl Inner {
    fn reaction(&self, component: &Component) -> Option<&Arc<dyn Reaction>> {
        let mut reactions = self.reactions.iter();
        reactions.find(|reaction| reaction.component() == component)
    }
}

/// Locks a mutex. Nothing panics while a lock is held.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
