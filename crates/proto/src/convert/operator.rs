//! Components, as those who run them see them.

use std::num::NonZero;

use seriatim_core::{
    Checkpoint, Component, Decision, LogPartition, Parked, Position, Progress, Sequence, Share,
    Skipped, Will, Wish, Work,
};

use super::identity::{cover, non_empty, stream};
use super::invalid::{Found, Invalid, required};
use super::time::{optional_time, time};
use crate::v1;

/// A component by its name.
pub fn component(name: &str) -> Result<Component, Invalid> {
    Component::new(name).map_err(|error| Invalid::field("component", error.to_string()))
}

/// A component by its name, or none.
pub fn optional_component(name: &str) -> Result<Option<Component>, Invalid> {
    match name {
        "" => Ok(None),
        name => component(name).map(Some),
    }
}

impl From<&Work> for v1::Work {
    fn from(work: &Work) -> Self {
        Self {
            component: work.component.to_string(),
            partition: work.partition.0.into(),
            share: work.share.index().into(),
            share_count: work.share.count().get().into(),
        }
    }
}

impl TryFrom<v1::Work> for Work {
    type Error = Invalid;

    fn try_from(work: v1::Work) -> Result<Self, Invalid> {
        let partition = u16::try_from(work.partition);
        let partition = partition.map_err(|_| Invalid::field("partition", "there is none such"));
        let count = u16::try_from(work.share_count).ok().and_then(NonZero::new);
        let index = usize::try_from(work.share).unwrap_or(usize::MAX);
        let share = count.and_then(|count| Share::all(count).nth(index));
        Ok(Self {
            component: component(&work.component)?,
            partition: LogPartition(partition?),
            share: required(share, "share", "there is none such")?,
        })
    }
}

fn work(work: Option<v1::Work>) -> Result<Work, Invalid> {
    let work = required(work, "work", "say whose and which")?;
    work.try_into()
        .map_err(|invalid: Invalid| invalid.within("work"))
}

impl From<&Progress> for v1::Progress {
    fn from(progress: &Progress) -> Self {
        let checkpoint = &progress.checkpoint;
        Self {
            work: Some((&checkpoint.work).into()),
            position: checkpoint.position.0,
            head: progress.head.0,
            parked: u64::try_from(progress.parked).unwrap_or(u64::MAX),
            epoch: checkpoint.epoch,
            owner: checkpoint.owner.clone(),
            leased_until: Some(checkpoint.leased_until.into()),
            moved_at: Some(checkpoint.moved_at.into()),
            paused: checkpoint.paused.clone(),
            behind_since: progress.behind_since.map(Into::into),
            parked_since: progress.parked_since.map(Into::into),
        }
    }
}

impl TryFrom<v1::Progress> for Progress {
    type Error = Invalid;

    fn try_from(progress: v1::Progress) -> Result<Self, Invalid> {
        Ok(Self {
            checkpoint: Checkpoint {
                work: work(progress.work)?,
                position: Position(progress.position),
                epoch: progress.epoch,
                owner: progress.owner,
                leased_until: time(progress.leased_until, "leased_until")?,
                moved_at: time(progress.moved_at, "moved_at")?,
                paused: progress.paused,
            },
            head: Position(progress.head),
            behind_since: optional_time(progress.behind_since, "behind_since")?,
            parked: usize::try_from(progress.parked).unwrap_or(usize::MAX),
            parked_since: optional_time(progress.parked_since, "parked_since")?,
        })
    }
}

impl From<&Parked> for v1::ParkedStream {
    fn from(parked: &Parked) -> Self {
        Self {
            work: Some((&parked.work).into()),
            cover: Some(cover(&parked.stream)),
            sequence: parked.sequence.0,
            failure: parked.failure.clone(),
            tries: parked.tries,
            since: Some(parked.since.into()),
            attempts: parked.attempts.iter().map(Into::into).collect(),
            wish: parked.wish.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<v1::ParkedStream> for Parked {
    type Error = Invalid;

    fn try_from(parked: v1::ParkedStream) -> Result<Self, Invalid> {
        let attempts = parked.attempts.into_iter().map(TryInto::try_into);
        Ok(Self {
            work: work(parked.work)?,
            stream: stream(parked.cover.as_ref())?,
            sequence: Sequence(parked.sequence),
            failure: parked.failure,
            tries: parked.tries,
            since: time(parked.since, "since")?,
            attempts: attempts.collect::<Result<_, _>>()?,
            wish: parked.wish.map(TryInto::try_into).transpose()?,
        })
    }
}

impl From<Will> for v1::Will {
    fn from(will: Will) -> Self {
        match will {
            Will::Retry => Self::Retry,
            Will::Skip => Self::Skip,
        }
    }
}

fn will(number: i32) -> Result<Will, Invalid> {
    match v1::Will::try_from(number) {
        Ok(v1::Will::Retry) => Ok(Will::Retry),
        Ok(v1::Will::Skip) => Ok(Will::Skip),
        Ok(v1::Will::Unspecified) | Err(_) => Err(Invalid::field(
            "will",
            "say what is to be done: retry or skip",
        )),
    }
}

impl From<&Wish> for v1::Wish {
    fn from(wish: &Wish) -> Self {
        Self {
            will: v1::Will::from(wish.will).into(),
            actor: wish.actor.clone().unwrap_or_default(),
            reason: wish.reason.clone().unwrap_or_default(),
            at: Some(wish.at.into()),
        }
    }
}

impl TryFrom<v1::Wish> for Wish {
    type Error = Invalid;

    fn try_from(wish: v1::Wish) -> Result<Self, Invalid> {
        Ok(Self {
            will: will(wish.will)?,
            actor: non_empty(wish.actor),
            reason: non_empty(wish.reason),
            at: time(wish.at, "at")?,
        })
    }
}

impl From<&Skipped> for v1::SkippedEvent {
    fn from(skipped: &Skipped) -> Self {
        Self {
            work: Some((&skipped.work).into()),
            cover: Some(cover(&skipped.stream)),
            sequence: skipped.sequence.0,
            failure: skipped.failure.clone(),
            actor: skipped.actor.clone(),
            reason: skipped.reason.clone(),
            at: Some(skipped.at.into()),
        }
    }
}

impl TryFrom<v1::SkippedEvent> for Skipped {
    type Error = Invalid;

    fn try_from(skipped: v1::SkippedEvent) -> Result<Self, Invalid> {
        Ok(Self {
            work: work(skipped.work)?,
            stream: stream(skipped.cover.as_ref())?,
            sequence: Sequence(skipped.sequence),
            failure: skipped.failure,
            actor: skipped.actor,
            reason: skipped.reason,
            at: time(skipped.at, "at")?,
        })
    }
}

impl From<&Decision> for v1::DecideRequest {
    fn from(decision: &Decision) -> Self {
        Self {
            component: decision.component.to_string(),
            cover: Some(cover(&decision.stream)),
            sequence: decision.sequence.map(|Sequence(sequence)| sequence),
            will: v1::Will::from(decision.will).into(),
            reason: decision.reason.clone().unwrap_or_default(),
        }
    }
}

/// What a request decides; `actor` is from its metadata.
pub fn decision(request: v1::DecideRequest, actor: Option<String>) -> Result<Decision, Invalid> {
    let mut found = Found::default();
    let component = found.take(component(&request.component));
    let stream = found.take(stream(request.cover.as_ref()));
    let will = found.take(will(request.will));
    let read = (|| {
        Some(Decision {
            component: component?,
            stream: stream?,
            sequence: request.sequence.map(Sequence),
            will: will?,
            actor,
            reason: non_empty(request.reason),
        })
    })();
    found.give(read)
}
