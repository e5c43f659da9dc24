//! Converts components and their progress, for those who run a system.

use std::num::NonZero;

use seriatim_core::{
    Bookmark, Checkpoint, Component, LogPartition, Position, Progress, Share, Work,
};

use super::invalid::{Invalid, required};
use super::time::{optional_time, time};
use crate::v1;

/// Reads the name of a component.
pub fn component(name: &str) -> Result<Component, Invalid> {
    Component::new(name).map_err(|error| Invalid::field("component", error.to_string()))
}

/// Reads the name of a component, which may be left out.
pub(super) fn optional_component(name: &str) -> Result<Option<Component>, Invalid> {
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

pub(super) fn work(work: Option<v1::Work>) -> Result<Work, Invalid> {
    let work = required(work, "work", "say whose and which")?;
    work.try_into()
        .map_err(|invalid: Invalid| invalid.within("work"))
}

impl From<&Progress> for v1::Progress {
    fn from(progress: &Progress) -> Self {
        let checkpoint = &progress.checkpoint;
        Self {
            work: Some((&checkpoint.work).into()),
            position: checkpoint.at.position.0,
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
                at: Bookmark::at(Position(progress.position)),
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
