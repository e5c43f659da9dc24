//! A command meets a stream that has moved on: gather what its strategy must see, and ask it.

use seriatim_core::merge::{Collision, Resolution, resolve, resolve_unseen};
use seriatim_core::{
    Aggregate, Conflict, ConflictReason, FieldPath, Log, MergeStrategy, Sequence, StreamId,
};

use crate::guard::guarded;
use crate::history::{self, Standing, Trouble, decode_all, events_between};

/// What collides with a stream.
#[derive(Debug)]
pub(crate) struct Colliding<'a, A: Aggregate> {
    pub(crate) stream: &'a StreamId,
    pub(crate) commands: &'a [A::Command],
    pub(crate) premises: &'a [FieldPath],
    pub(crate) conflict: Conflict,
}

/// What becomes of it, by `strategy`. `Ok(None)`: `standing` is not what the store holds any more.
pub(crate) async fn ask<A: Aggregate>(
    log: &Log,
    strategy: MergeStrategy,
    colliding: &Colliding<'_, A>,
    standing: &Standing<A>,
    compared_events: u32,
) -> Result<Option<Resolution<A>>, seriatim_core::StoreError> {
    if !strategy.compares() {
        return Ok(Some(resolve_unseen(strategy)));
    }
    let behind = behind(colliding.conflict);
    let limit = u64::from(compared_events);
    if behind > limit {
        return Ok(Some(refuse(ConflictReason::TooFarBehind { behind, limit })));
    }
    match compare(log, strategy, colliding, standing).await {
        Ok(resolution) => Ok(resolution),
        Err(Trouble::Fault(fault)) => Ok(Some(refuse(ConflictReason::NotComparable { fault }))),
        Err(Trouble::Store(error)) => Err(error),
    }
}

/// How many events came in between.
pub(crate) fn behind(conflict: Conflict) -> u64 {
    let believed = conflict.expected.believed().flatten();
    Sequence::count(conflict.current).saturating_sub(Sequence::count(believed))
}

async fn compare<A: Aggregate>(
    log: &Log,
    strategy: MergeStrategy,
    colliding: &Colliding<'_, A>,
    standing: &Standing<A>,
) -> Result<Option<Resolution<A>>, Trouble> {
    let Colliding {
        stream, conflict, ..
    } = *colliding;
    let believed = conflict.expected.believed().flatten();
    let base = base::<A>(log, stream, believed).await?;
    let recorded = events_between(log, stream, believed, conflict.current, usize::MAX).await?;
    if base.current != believed || recorded.len() as u64 != behind(conflict) {
        return Ok(None);
    }
    let intervening = decode_all::<A>(&recorded)?;
    let collision = Collision {
        commands: colliding.commands,
        base: &base.state,
        intervening: &intervening,
        current: &standing.state,
        premises: colliding.premises,
    };
    Ok(Some(guarded("merge", || resolve(strategy, &collision))?))
}

/// The state the sender knew. Never from a snapshot that is past it.
pub(crate) async fn base<A: Aggregate>(
    log: &Log,
    stream: &StreamId,
    believed: Option<Sequence>,
) -> Result<Standing<A>, Trouble> {
    match believed {
        Some(sequence) => history::load(log, stream, Some(sequence)).await,
        None => Ok(Standing::new()),
    }
}

fn refuse<A: Aggregate>(reason: ConflictReason) -> Resolution<A> {
    Resolution::Refuse {
        reason,
        rejection: None,
    }
}
