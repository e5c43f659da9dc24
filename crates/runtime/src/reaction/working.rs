//! Does an owner's work: follows the log, hands over new events, and leaves out those of parked streams.

use std::pin::Pin;

use seriatim_core::{
    Advance, Bookmark, Hold, Position, RecordedEvent, SubscribeError, Tenure, Update,
};
use tokio::time::Instant;

use super::piece::{End, Piece, let_go, stopped};
use super::queues::{Hand, Queues};
use super::status::{Failure, PieceState};
use super::step::{Tried, attempt};
use crate::Subscription;

impl Piece {
    /// Works until something ends it. Returns the reason, and where the checkpoint is then.
    pub(crate) async fn work(&mut self, tenure: Tenure) -> (End, Bookmark) {
        let mut hand = Hand {
            tenure,
            queues: Queues::default(),
            log_failures: 0,
        };
        let Err(end) = self.go_on(&mut hand).await;
        (end, hand.tenure.at)
    }

    async fn go_on(&mut self, hand: &mut Hand) -> Result<std::convert::Infallible, End> {
        self.may_begin(&hand.tenure).await?;
        self.agree_on_scope(&hand.tenure).await?;
        hand.queues = self.parked(&hand.tenure).await?;
        let mut subscription = self.follow(&hand.tenure).await?;
        let at = hand.tenure.at;
        self.has_finished(&at, hand);
        self.heartbeat.reset_immediately();
        loop {
            self.step(&mut subscription, hand).await?;
        }
    }

    async fn follow(&mut self, tenure: &Tenure) -> Result<Subscription, End> {
        let mut tried = 0;
        loop {
            let filter = self.reaction.filter().clone();
            let begun = (self.feed).follow(self.work.partition, &tenure.at, filter);
            match begun.await {
                Ok(subscription) => return Ok(subscription),
                Err(SubscribeError::Store(error)) => {
                    tried += 1;
                    self.wait_for_store(&error, tried, tenure).await?;
                }
                Err(fault) => return Err(self.cannot_follow(&fault)),
            }
        }
    }

    /// Returns the reason to pause the work. Nothing is handled of a log that has replaced another, wherever the
    /// checkpoint is.
    fn cannot_follow(&self, fault: &SubscribeError) -> End {
        if let SubscribeError::Replaced(_) = fault {
            self.change(|status| status.position = Position::START);
        }
        End::Paused(None, self.why_not(fault))
    }

    /// Waits for the next events and handles them. Meanwhile parked streams that are due are tried.
    async fn step(&mut self, subscription: &mut Subscription, hand: &mut Hand) -> Result<(), End> {
        let seen = subscription.cursor().get(self.work.partition);
        let next = subscription.next();
        tokio::pin!(next);
        let batch = loop {
            let due = hand.queues.next_due();
            tokio::select! {
                // A long stretch of events that concern others must not delay the heartbeat, and the heartbeat must not
                // interrupt a long read.
                biased;
                () = stopped(&mut self.stop) => return Err(End::Stopped),
                () = let_go(&mut self.call) => return Err(End::LetGo),
                _ = self.heartbeat.tick() => {
                    self.move_on(hand, &seen).await?;
                    self.heed_pause().await?;
                    self.hear(hand).await;
                }
                () = self.bell.notified() => self.heartbeat.reset_immediately(),
                turn = next_or_due(next.as_mut(), due) => match turn {
                    Some(batch) => break batch,
                    None => self.retry_parked(hand, &seen).await?,
                },
            }
        };
        match batch {
            Ok(batch) => {
                hand.log_failures = 0;
                let ours = |event: &&RecordedEvent| self.work.share.has(&event.stream);
                let events: Vec<_> = batch.events().filter(ours).collect();
                let to = batch.cursor().get(self.work.partition);
                self.handle(&events, seen, &to, hand).await
            }
            Err(SubscribeError::Store(error)) => {
                hand.log_failures += 1;
                self.wait_for_store(&error, hand.log_failures, &hand.tenure)
                    .await
            }
            Err(fault) => Err(self.cannot_follow(&fault)),
        }
    }

    /// Moves the checkpoint over events that concern others. This happens with the heartbeat, because it only saves
    /// reading them again.
    async fn move_on(&mut self, hand: &mut Hand, seen: &Bookmark) -> Result<(), End> {
        let update = match seen.position > hand.tenure.at.position {
            true => Update::Advance(Advance::Checkpoint(*seen)),
            false => Update::Renew,
        };
        let checkpoints = self.reaction.checkpoints();
        match (checkpoints.write(&hand.tenure, &update, self.lease)).await {
            // The checkpoints may be in another store than the log, so the log is asked too.
            Ok(Hold::Held) if hand.log_failures > 0 && !self.log_answers().await => {
                hand.tenure.at = *seen;
                self.change(|status| status.position = seen.position);
            }
            Ok(Hold::Held) => {
                hand.log_failures = 0;
                self.has_finished(seen, hand);
            }
            Ok(Hold::Lost) => return Err(End::Lost),
            // If it was moved all the same, the next step finds the tenure lost and corrects that.
            Err(error) => self.store_failed(&error)?,
        }
        Ok(())
    }

    /// Returns true if the log answers. If there is nothing new, only a read shows that.
    async fn log_answers(&self) -> bool {
        let head = self.feed.log().head(self.work.partition);
        let answer = tokio::time::timeout(self.lease / 3, head).await;
        answer.is_ok_and(|head| head.is_ok())
    }

    /// Handles the events of a batch that begins after `before`, except those of parked streams. It hands over all at
    /// once. If that fails, it hands them over one by one, to find the one that fails.
    async fn handle(
        &mut self,
        events: &[&RecordedEvent],
        mut before: Bookmark,
        to: &Bookmark,
        hand: &mut Hand,
    ) -> Result<(), End> {
        let is_free = |event: &&&RecordedEvent| !hand.queues.has(&event.stream);
        let free: Vec<_> = events.iter().filter(is_free).copied().collect();
        if free.is_empty() {
            return Ok(());
        }
        let all = Advance::Checkpoint(*to);
        if free.len() > 1 && self.attempt(&free, &all, hand).await?.is_ok() {
            self.has_finished(to, hand);
            return Ok(());
        }
        for (index, event) in events.iter().enumerate() {
            let here = Bookmark::of(self.feed.log().id(), event);
            // This is checked again, because its stream may have been parked or unparked since.
            if !hand.queues.has(&event.stream) {
                let last = index + 1 == events.len();
                let to = if last { to } else { &here };
                self.insist(event, &before, to, hand).await?;
            }
            before = here;
        }
        Ok(())
    }

    /// Tries one event until it is handled, its stream waits aside, or no tries are left. All events up to `before` are
    /// handled, or belong to parked streams.
    async fn insist(
        &mut self,
        event: &RecordedEvent,
        before: &Bookmark,
        to: &Bookmark,
        hand: &mut Hand,
    ) -> Result<(), End> {
        let advance = Advance::Checkpoint(*to);
        let mut tried = 0;
        while let Err(error) = self.attempt(&[event], &advance, hand).await? {
            tried += 1;
            tracing::warn!(work = %self.work, stream = %event.stream, sequence = %event.sequence, tried, error, "failed");
            let failure = Failure::of(event, error);
            let Some(pause) = self.policy.back_off.pause(tried) else {
                return self.give_up(event, failure, tried, to, hand).await;
            };
            if self.may_set_aside(hand) {
                self.make_room(before, hand).await?;
                return self.set_aside(event, failure, pause, to, hand).await;
            }
            self.is(PieceState::Retrying { failure, tried });
            self.pause(pause, &hand.tenure).await?;
        }
        self.has_finished(to, hand);
        Ok(())
    }

    /// Tries some events until the store and the targets answer. The inner `Err` is the component's own failure.
    pub(crate) async fn attempt(
        &mut self,
        events: &[&RecordedEvent],
        advance: &Advance,
        hand: &Hand,
    ) -> Result<Result<(), String>, End> {
        let tenure = &hand.tenure;
        let mut down = 0;
        loop {
            let limits = (self.lease, self.deepest);
            match attempt(&*self.reaction, tenure, events, advance, limits).await {
                Tried::Done => return Ok(Ok(())),
                Tried::Lost => return Err(End::Lost),
                Tried::Failed(error) => return Ok(Err(error)),
                Tried::StoreFailed(error) => {
                    down += 1;
                    self.wait_for_store(&error, down, tenure).await?;
                }
                Tried::TargetDown(target, error) => {
                    down += 1;
                    self.is(PieceState::WaitingForTarget { target, error });
                    let pause = self.policy.back_off.pause_without_end(down);
                    self.pause(pause, tenure).await?;
                }
            }
        }
    }
}

/// Waits for both, and returns the one that comes first; `None` if it is the time. If both are ready, each is chosen
/// equally often.
async fn next_or_due<T>(
    next: Pin<&mut impl Future<Output = T>>,
    due: Option<Instant>,
) -> Option<T> {
    let time = async {
        match due {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        next = next => Some(next),
        () = time => None,
    }
}
