//! One piece of a component's work in this process: standing by, working, standing by again.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{
    Advance, Hold, Position, Reaction, RecordedEvent, StoreError, SubscribeError, Taking, Tenure,
    Work,
};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};

use super::back_off::BackOff;
use super::status::{Failure, PieceState, PieceStatus};
use super::step::{Tried, attempt, lost};
use crate::{Feed, Subscription};

/// One piece of work, and what is needed to do it.
pub(crate) struct Piece {
    pub(crate) reaction: Arc<dyn Reaction>,
    pub(crate) work: Work,
    pub(crate) feed: Feed,
    pub(crate) owner: Arc<str>,
    pub(crate) lease: Duration,
    pub(crate) back_off: BackOff,
    pub(crate) status: watch::Sender<PieceStatus>,
    /// Becomes true, or is closed, when the program ends.
    pub(crate) stop: watch::Receiver<bool>,
}

/// Why an owner stops working.
enum End {
    /// Another has the work.
    Lost,
    /// The program ends.
    Stopped,
    /// It cannot go on.
    Paused(Option<Failure>, String),
}

impl Piece {
    /// Works until the program ends. Between two steps it is told; a step is finished.
    pub(crate) async fn run(mut self) {
        while let Some(tenure) = self.stand_by().await {
            self.is(PieceState::Working);
            let mut tenure = tenure;
            let end = match self.work(&mut tenure).await {
                End::Paused(failure, error) => {
                    tracing::error!(work = %self.work, error, "paused");
                    self.is(PieceState::Paused { failure, error });
                    // Until a person has looked at it, and the program was started again.
                    self.keep(&tenure).await
                }
                end => end,
            };
            // Also what seems to be lost: it may be ours still if the answer to the last move was.
            self.release(&tenure).await;
            if let End::Stopped = end {
                break;
            }
            tracing::info!(work = %self.work, "no longer the owner");
        }
        self.is(PieceState::Stopped);
    }

    /// Waits until the work is ours; `None` if the program ends.
    async fn stand_by(&mut self) -> Option<Tenure> {
        let mut tried = 0;
        loop {
            let taking = self.reaction.checkpoints().take(
                &self.work,
                &self.owner,
                self.lease,
                Position::START,
            );
            let pause = match taking.await {
                Ok(Taking::Taken(tenure)) => return Some(tenure),
                Ok(Taking::Busy { owner, .. }) => {
                    self.is(PieceState::StandingBy { owner: Some(owner) });
                    tried = 0;
                    // The clock that its lease goes by is another's, so this one is not asked.
                    self.lease / 3
                }
                Err(error) => {
                    tried += 1;
                    self.store_is_down(&error);
                    self.back_off.pause_without_end(tried)
                }
            };
            if !self.sleep(pause).await {
                return None;
            }
        }
    }

    async fn work(&mut self, tenure: &mut Tenure) -> End {
        let mut subscription = match self.follow(tenure).await {
            Ok(subscription) => subscription,
            Err(end) => return end,
        };
        let mut heartbeat = tokio::time::interval(self.lease / 3);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = self.step(&mut subscription, &mut heartbeat, tenure).await;
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn follow(&mut self, tenure: &Tenure) -> Result<Subscription, End> {
        let mut tried = 0;
        loop {
            let filter = self.reaction.filter().clone();
            let begun = (self.feed).follow(self.work.partition, tenure.position, filter);
            match begun.await {
                Ok(subscription) => return Ok(subscription),
                Err(SubscribeError::Store(error)) => {
                    tried += 1;
                    self.wait_for_store(&error, tried, tenure).await?;
                }
                Err(fault) => return Err(End::Paused(None, fault.to_string())),
            }
        }
    }

    /// Waits for the next events and handles them.
    async fn step(
        &mut self,
        subscription: &mut Subscription,
        heartbeat: &mut Interval,
        tenure: &mut Tenure,
    ) -> Result<(), End> {
        let seen = subscription.cursor().get(self.work.partition);
        let next = subscription.next();
        tokio::pin!(next);
        let batch = loop {
            tokio::select! {
                // The heartbeat must not be drowned by a long stretch of events that concern others; nor may it
                // break off a read that takes long.
                biased;
                () = stopped(&mut self.stop) => return Err(End::Stopped),
                _ = heartbeat.tick() => self.move_on(tenure, seen).await?,
                batch = &mut next => break batch,
            }
        };
        match batch {
            Ok(batch) => {
                let ours = |event: &&RecordedEvent| self.work.share.has(&event.stream);
                let events: Vec<_> = batch.events().filter(ours).collect();
                let to = batch.cursor().get(self.work.partition);
                self.handle(&events, to, tenure).await
            }
            Err(SubscribeError::Store(error)) => self.wait_for_store(&error, 1, tenure).await,
            Err(fault) => Err(End::Paused(None, fault.to_string())),
        }
    }

    /// Moves the checkpoint over events that concern others. That is done with the heartbeat: it only saves reading them
    /// again.
    async fn move_on(&mut self, tenure: &mut Tenure, seen: Position) -> Result<(), End> {
        let checkpoints = self.reaction.checkpoints();
        let held = match seen > tenure.position {
            true => {
                let advance = Advance::Checkpoint(seen);
                checkpoints.advance(tenure, &advance, self.lease).await
            }
            false => checkpoints.prolong(tenure, self.lease).await,
        };
        match held {
            Ok(Hold::Held) => self.has_finished(seen, tenure),
            Ok(Hold::Lost) => return Err(End::Lost),
            // If it was moved all the same, that shows as a lost tenure by the next step, and is sorted out there.
            Err(error) => self.store_is_down(&error),
        }
        Ok(())
    }

    /// All at once; if that fails, one after another, so that the one is found that fails.
    async fn handle(
        &mut self,
        events: &[&RecordedEvent],
        to: Position,
        tenure: &mut Tenure,
    ) -> Result<(), End> {
        if events.is_empty()
            || (events.len() > 1 && self.attempt(events, to, tenure).await?.is_ok())
        {
            return Ok(());
        }
        for (index, event) in events.iter().enumerate() {
            let last = index + 1 == events.len();
            let to = if last { to } else { event.position };
            self.insist(event, to, tenure).await?;
        }
        Ok(())
    }

    /// Tries one event until it is handled or the patience ends.
    async fn insist(
        &mut self,
        event: &RecordedEvent,
        to: Position,
        tenure: &mut Tenure,
    ) -> Result<(), End> {
        let mut tried = 0;
        while let Err(error) = self.attempt(&[event], to, tenure).await? {
            tried += 1;
            tracing::warn!(work = %self.work, stream = %event.stream, sequence = %event.sequence, tried, error, "failed");
            let failure = Failure::of(event, error.clone());
            let Some(pause) = self.back_off.pause(tried) else {
                return Err(End::Paused(Some(failure), error));
            };
            self.is(PieceState::Retrying { failure, tried });
            self.pause(pause, tenure).await?;
        }
        Ok(())
    }

    /// Tries some events, as often as it takes for the store and for the targets to answer. What is inside is the component's own failure.
    async fn attempt(
        &mut self,
        events: &[&RecordedEvent],
        to: Position,
        tenure: &mut Tenure,
    ) -> Result<Result<(), String>, End> {
        let mut down = 0;
        loop {
            match attempt(&*self.reaction, tenure, events, to, self.lease).await {
                Tried::Done => {
                    self.has_finished(to, tenure);
                    return Ok(Ok(()));
                }
                Tried::Lost => return Err(End::Lost),
                Tried::Failed(error) => return Ok(Err(error)),
                Tried::StoreDown(error) => {
                    down += 1;
                    self.wait_for_store(&error, down, tenure).await?;
                }
                Tried::TargetDown(target, error) => {
                    down += 1;
                    tracing::warn!(work = %self.work, %target, error, "waiting for the target");
                    self.is(PieceState::WaitingForTarget { target, error });
                    let pause = self.back_off.pause_without_end(down);
                    self.pause(pause, tenure).await?;
                }
            }
        }
    }

    async fn wait_for_store(
        &mut self,
        error: &StoreError,
        tried: u32,
        tenure: &Tenure,
    ) -> Result<(), End> {
        self.store_is_down(error);
        let pause = self.back_off.pause_without_end(tried);
        self.pause(pause, tenure).await
    }

    /// Lets time pass, and keeps the work meanwhile.
    async fn pause(&mut self, pause: Duration, tenure: &Tenure) -> Result<(), End> {
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            end = self.keep(tenure) => Err(end),
        }
    }

    /// Keeps the work, doing nothing for it.
    async fn keep(&self, tenure: &Tenure) -> End {
        let mut stop = self.stop.clone();
        tokio::select! {
            () = stopped(&mut stop) => End::Stopped,
            () = lost(&*self.reaction, tenure, self.lease) => End::Lost,
        }
    }

    async fn release(&self, tenure: &Tenure) {
        if let Err(error) = self.reaction.checkpoints().release(tenure).await {
            tracing::warn!(work = %self.work, %error, "not released; others wait until its lease runs out");
        }
    }

    /// Whether the program goes on.
    async fn sleep(&mut self, time: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(time) => true,
            () = stopped(&mut self.stop) => false,
        }
    }

    fn has_finished(&self, position: Position, tenure: &mut Tenure) {
        tenure.position = position;
        self.status.send_if_modified(|status| {
            let changed = status.position != position || status.state != PieceState::Working;
            status.position = position;
            status.state = PieceState::Working;
            changed
        });
    }

    fn store_is_down(&self, error: &StoreError) {
        tracing::warn!(work = %self.work, %error, "waiting for the store");
        let error = error.to_string();
        self.is(PieceState::WaitingForStore { error });
    }

    fn is(&self, state: PieceState) {
        self.status.send_if_modified(|status| {
            let changed = status.state != state;
            status.state = state;
            changed
        });
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Fails if whoever could say it is gone, which says it too.
    let _ = stop.wait_for(|stop| *stop).await;
}
