//! Handles the failures of events: parks, skips or pauses, and tries again what a person resubmits.

use std::time::Duration;

use seriatim_core::{
    Advance, Bookmark, Hold, LetterDecision, LetterStatus, Position, ReactionLetter, RecordedEvent,
    Sequence, StoreError, StreamId, Tenure, Timestamp, Update, Verb,
};
use tokio::time::Instant;
use uuid::Uuid;

use super::piece::{End, Piece};
use super::policy::Then;
use super::queues::{Hand, Queues};
use super::status::Failure;

/// The most streams of one piece of work that are parked. If there are more, the component is broken, not the events.
const MOST_PARKED: usize = 1000;

/// The most streams of one piece of work that are between two tries. A component that fails on everything would
/// otherwise park the whole log.
const MOST_RETRIED: usize = 64;

/// The number of events of a parked stream that are read at once. While they are handled, other streams wait.
const PAGE: usize = 100;

/// The most bytes that are kept of a component's failure.
const FAILURE_BYTES: usize = 4096;

/// Events of a parked stream that wait, and the place of the first that is not read yet.
struct Line {
    events: Vec<RecordedEvent>,
    rest: Option<Sequence>,
}

impl Line {
    /// Returns the sequence of the event at this index, or of the first after the last that was read; `None` if there
    /// are no more.
    fn sequence(&self, index: usize) -> Option<Sequence> {
        let here = self.events.get(index).map(|event| event.sequence);
        here.or(self.rest)
    }
}

impl Piece {
    /// Reads the parked streams when the work begins.
    pub(crate) async fn parked(&mut self, tenure: &Tenure) -> Result<Queues, End> {
        let mut tried = 0;
        loop {
            match self.look_for_parked().await {
                Ok(parked) => return Ok(Queues::new(parked)),
                Err(error) => {
                    tried += 1;
                    self.wait_for_store(&error, tried, tenure).await?;
                }
            }
        }
    }

    /// Looks for people's decisions, if there is something to decide.
    pub(crate) async fn hear(&self, hand: &mut Hand) {
        if hand.queues.is_empty() {
            return;
        }
        match self.look_for_parked().await {
            Ok(parked) => hand.queues.hear(parked),
            Err(error) => {
                tracing::warn!(work = %self.work, error = error.to_string(), "looking for decisions again later");
            }
        }
    }

    async fn look_for_parked(
        &self,
    ) -> Result<impl Iterator<Item = ReactionLetter> + use<>, StoreError> {
        let checkpoints = self.reaction.checkpoints();
        let all = checkpoints.parked(Some(&self.work.component)).await?;
        let work = self.work.clone();
        Ok(all.into_iter().filter(move |parked| parked.work == work))
    }

    /// Returns true if the stream of a failed event may wait while the others go on. If too many streams are parked,
    /// the fault is in the component, which is then paused before this event.
    pub(crate) fn may_set_aside(&self, hand: &Hand) -> bool {
        self.policy.then == Then::Park && hand.queues.len() < MOST_PARKED
    }

    /// Waits until one more stream may be between two tries. Meanwhile those that are due are tried.
    pub(crate) async fn make_room(
        &mut self,
        before: &Bookmark,
        hand: &mut Hand,
    ) -> Result<(), End> {
        while hand.queues.retried() >= MOST_RETRIED {
            let due = hand.queues.next_due().unwrap_or_else(Instant::now);
            let pause = due.saturating_duration_since(Instant::now());
            self.pause(pause, &hand.tenure).await?;
            self.retry_parked(hand, before).await?;
        }
        Ok(())
    }

    /// Moves past a failed event that will be tried again. Its stream is parked without a letter id, as if a person had
    /// resubmitted it, so that a process that takes the work over tries it again too.
    pub(crate) async fn set_aside(
        &mut self,
        event: &RecordedEvent,
        failure: Failure,
        pause: Duration,
        to: &Bookmark,
        hand: &mut Hand,
    ) -> Result<(), End> {
        let retried = ReactionLetter {
            id: None,
            decision: Some(LetterDecision {
                verb: Verb::Resubmit,
                actor: None,
                reason: None,
                at: Timestamp::now(),
            }),
            ..self.given_up(event, for_people(&failure.error), 1)
        };
        let park = Update::Park(Box::new(retried.clone()), *to);
        self.write(&park, &hand.tenure).await?;
        hand.queues.set_aside(retried, pause);
        self.has_finished(to, hand);
        Ok(())
    }

    /// Moves past an event that has failed too often, or pauses before it.
    pub(crate) async fn give_up(
        &mut self,
        event: &RecordedEvent,
        failure: Failure,
        tries: u32,
        to: &Bookmark,
        hand: &mut Hand,
    ) -> Result<(), End> {
        let error = for_people(&failure.error);
        if self.policy.skips(event) {
            let given_up = self.given_up(event, error, tries);
            let skip = Update::Skip(self.skipped(event, &given_up), Advance::Checkpoint(*to));
            self.write(&skip, &hand.tenure).await?;
        } else if self.policy.then == Then::Pause {
            return Err(End::Paused(Some(failure), error));
        } else if hand.queues.len() >= MOST_PARKED {
            let error = format!(
                "{error}; {MOST_PARKED} streams are parked already, so it is not about single events: correct the component, then resume it"
            );
            return Err(End::Paused(Some(failure), error));
        } else {
            let parked = self.given_up(event, error, tries);
            let park = Update::Park(Box::new(parked.clone()), *to);
            self.write(&park, &hand.tenure).await?;
            self.is_parked(&parked);
            hand.queues.add(parked);
        }
        self.has_finished(to, hand);
        Ok(())
    }

    /// Does one step for the parked streams.
    pub(crate) async fn retry_parked(
        &mut self,
        hand: &mut Hand,
        seen: &Bookmark,
    ) -> Result<(), End> {
        // Only events that the checkpoint has passed wait in line. If the stream were unparked now, those of its events
        // that were read since and left out would be lost.
        if seen.position > hand.tenure.at.position {
            let advance = Update::Advance(Advance::Checkpoint(*seen));
            self.write(&advance, &hand.tenure).await?;
            self.has_finished(seen, hand);
        }
        let Some(parked) = hand.queues.due().cloned() else {
            return Ok(());
        };
        match self.line(&parked, hand.tenure.at.position).await {
            Ok(line) => {
                hand.log_failures = 0;
                self.retry(&parked, &line, hand).await?;
            }
            Err(error) => {
                hand.log_failures += 1;
                let tried = hand.log_failures;
                return self.wait_for_store(&error, tried, &hand.tenure).await;
            }
        }
        let at = hand.tenure.at;
        self.has_finished(&at, hand);
        Ok(())
    }

    async fn line(
        &self,
        parked: &ReactionLetter,
        checkpoint: Position,
    ) -> Result<Line, StoreError> {
        let log = self.feed.log();
        let mut events = log
            .read_stream(&parked.stream, parked.sequence, PAGE)
            .await?;
        let waiting = events.partition_point(|event| event.position <= checkpoint);
        events.truncate(waiting);
        let last = events.last().filter(|_| waiting == PAGE);
        let rest = last.and_then(|event| Sequence::after(Some(event.sequence)).ok());
        let filter = self.reaction.filter();
        events.retain(|event| filter.matches(event));
        Ok(Line { events, rest })
    }

    async fn retry(
        &mut self,
        parked: &ReactionLetter,
        line: &Line,
        hand: &mut Hand,
    ) -> Result<(), End> {
        let stream = &parked.stream;
        let Some(first) = line
            .events
            .first()
            .filter(|event| event.sequence == parked.sequence)
        else {
            // None of the events up to there concern the component.
            let to = line.sequence(0);
            let past = Update::Advance(advance(stream, parked.sequence, to));
            self.write(&past, &hand.tenure).await?;
            hand.queues.moved(stream, to);
            return Ok(());
        };
        let decision = parked.decision.as_ref();
        let is_to_be_skipped = decision.is_some_and(|decision| decision.verb == Verb::Discard);
        if is_to_be_skipped {
            let next = line.sequence(1);
            let past = Update::Advance(advance(stream, first.sequence, next));
            self.write(&past, &hand.tenure).await?;
            hand.queues.moved(stream, next);
            return Ok(());
        }
        let events: Vec<_> = line.events.iter().collect();
        let end = line.sequence(events.len());
        let all = advance(stream, first.sequence, end);
        if events.len() > 1 && self.attempt(&events, &all, hand).await?.is_ok() {
            hand.queues.moved(stream, end);
            return Ok(());
        }
        for (event, next) in events.iter().zip(1..) {
            let next = line.sequence(next);
            let one = advance(stream, event.sequence, next);
            if let Err(error) = self.attempt(&[event], &one, hand).await? {
                return self.failed_again(event, &error, next, hand).await;
            }
            hand.queues.moved(stream, next);
        }
        Ok(())
    }

    /// Plans the next try, so that other streams do not wait for it, or gives the event up.
    async fn failed_again(
        &mut self,
        event: &RecordedEvent,
        error: &str,
        next: Option<Sequence>,
        hand: &mut Hand,
    ) -> Result<(), End> {
        let Some(queue) = hand.queues.get_mut(&event.stream) else {
            return Ok(());
        };
        let tried = queue.failed(for_people(error));
        tracing::warn!(work = %self.work, stream = %event.stream, sequence = %event.sequence, tried, error, "failed again");
        if let Some(pause) = self.policy.back_off.pause(tried) {
            queue.try_in(pause);
            return Ok(());
        }
        let parked = queue.give_back().clone();
        if self.policy.skips(event) {
            let past = advance(&event.stream, event.sequence, next);
            let skip = Update::Skip(self.skipped(event, &parked), past);
            self.write(&skip, &hand.tenure).await?;
            hand.queues.moved(&event.stream, next);
            return Ok(());
        }
        let again = Update::ParkAgain(Box::new(parked.clone()));
        self.write(&again, &hand.tenure).await?;
        self.is_parked(&parked);
        Ok(())
    }

    fn is_parked(&self, parked: &ReactionLetter) {
        let (stream, sequence, letter) = (&parked.stream, parked.sequence, parked.id);
        let (tries, reason) = (parked.tries, &parked.failure);
        tracing::warn!(work = %self.work, %stream, %sequence, tries, reason, letter = letter.map(|id| id.to_string()), "parked");
    }

    fn given_up(&self, event: &RecordedEvent, failure: String, tries: u32) -> ReactionLetter {
        ReactionLetter {
            work: self.work.clone(),
            stream: event.stream.clone(),
            sequence: event.sequence,
            id: Some(Uuid::now_v7()),
            failure,
            tries,
            parked_at: Timestamp::now(),
            attempts: Vec::new(),
            decision: None,
            status: LetterStatus::Parked,
            closed_at: None,
        }
    }

    /// Returns the letter about an event that the policy skips.
    fn skipped(&self, event: &RecordedEvent, given_up: &ReactionLetter) -> Box<ReactionLetter> {
        let (type_name, reason) = (&*event.payload.type_name, &given_up.failure);
        tracing::warn!(work = %self.work, stream = %event.stream, sequence = %event.sequence, type_name, reason, "skipped, as its type is one that the policy skips");
        let now = Timestamp::now();
        Box::new(ReactionLetter {
            decision: Some(LetterDecision {
                verb: Verb::Discard,
                actor: None,
                reason: Some(format!("the policy skips `{}`", event.payload.type_name)),
                at: now,
            }),
            status: LetterStatus::Discarded,
            closed_at: Some(now),
            ..given_up.clone()
        })
    }

    /// Writes until the store answers. If a write was done although it seemed to fail, the next try finds the tenure
    /// lost, and the state is read again.
    async fn write(&mut self, update: &Update, tenure: &Tenure) -> Result<(), End> {
        let mut tried = 0;
        loop {
            let checkpoints = self.reaction.checkpoints();
            match checkpoints.write(tenure, update, self.lease).await {
                Ok(Hold::Held) => return Ok(()),
                Ok(Hold::Lost) => return Err(End::Lost),
                Err(error) => {
                    tried += 1;
                    self.wait_for_store(&error, tried, tenure).await?;
                }
            }
        }
    }
}

fn advance(stream: &StreamId, from: Sequence, to: Option<Sequence>) -> Advance {
    Advance::Parked {
        stream: stream.clone(),
        from,
        to,
    }
}

/// Returns the text in a form that every store can keep, cut to a length that a person reads.
pub(crate) fn for_people(text: &str) -> String {
    let end = text.floor_char_boundary(FAILURE_BYTES);
    text[..end].replace('\0', "\u{fffd}")
}
