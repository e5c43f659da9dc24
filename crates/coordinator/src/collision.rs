//! Resolves the collision of a command with a stream that has moved on: reads what its strategy needs, and asks it.

use seriatim_core::merge::{Collision, Resolution, against_premises, resolve, resolve_unseen};
use seriatim_core::{
    Aggregate, Conflict, ConflictReason, Fault, FieldPath, Log, MergeStrategy, RecordedEvent,
    Sequence, StoreError, StreamId, decide_all,
};

use crate::beside::beside;
use crate::guard::guarded;
use crate::history::{self, Standing, Trouble, decode_all, events_between};

/// The rule by which commands that collide are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Their strategy decides.
    Strategy(MergeStrategy),
    /// A person has resubmitted them: they are decided on the current state if their premises still hold.
    Premises,
}

/// A command that collides with a stream.
#[derive(Debug)]
pub(crate) struct Colliding<'a, A: Aggregate> {
    pub(crate) stream: &'a StreamId,
    pub(crate) commands: &'a [A::Command],
    pub(crate) premises: &'a [FieldPath],
    pub(crate) conflict: Conflict,
    /// The most events in between that are compared.
    pub(crate) limit: u32,
}

/// Returns the resolution by `rule`. `Ok(None)` means that `standing` is not what the store holds any more.
pub(crate) async fn ask<A: Aggregate>(
    log: &Log,
    rule: Rule,
    colliding: &Colliding<'_, A>,
    standing: &Standing<A>,
) -> Result<Option<Resolution<A>>, StoreError> {
    match compare(log, rule, colliding, standing).await {
        Ok(resolution) => Ok(resolution),
        Err(Trouble::Fault(fault)) => Ok(Some(Resolution::refuse(ConflictReason::NotComparable {
            fault,
        }))),
        Err(Trouble::Store(error)) => Err(error),
    }
}

/// Returns how many events came in between.
pub(crate) fn behind(conflict: Conflict) -> u64 {
    let believed = conflict.expected.believed().flatten();
    Sequence::count(conflict.current).saturating_sub(Sequence::count(believed))
}

async fn compare<A: Aggregate>(
    log: &Log,
    rule: Rule,
    colliding: &Colliding<'_, A>,
    standing: &Standing<A>,
) -> Result<Option<Resolution<A>>, Trouble> {
    let Colliding {
        stream, conflict, ..
    } = *colliding;
    let (behind, limit) = (behind(conflict), u64::from(colliding.limit));
    let believed = conflict.expected.believed().flatten();
    let sees_events = match rule {
        Rule::Premises => false,
        Rule::Strategy(strategy) if !strategy.compares() => {
            return Ok(Some(resolve_unseen(strategy)));
        }
        // The strategy never merges a new stream with an existing one, whatever that holds.
        Rule::Strategy(MergeStrategy::Commutative) => believed.is_some(),
        Rule::Strategy(_) => true,
    };
    if sees_events && behind > limit {
        let reason = ConflictReason::TooFarBehind { behind, limit };
        return Ok(Some(Resolution::refuse(reason)));
    }
    let base = base::<A>(log, stream, believed).await?;
    let recorded = match sees_events {
        true => events_between(log, stream, believed, conflict.current, usize::MAX).await?,
        false => Vec::new(),
    };
    if base.current != believed || sees_events && recorded.len() as u64 != behind {
        return Ok(None);
    }
    let seen = Seen {
        commands: colliding.commands.to_vec(),
        premises: colliding.premises.to_vec(),
        base,
        recorded,
        current: standing.state.clone(),
    };
    Ok(Some(beside(move || seen.judge(rule)).await??))
}

/// The data that a strategy is shown, owned so that it can go to another thread.
struct Seen<A: Aggregate> {
    commands: Vec<A::Command>,
    premises: Vec<FieldPath>,
    base: Standing<A>,
    recorded: Vec<RecordedEvent>,
    current: A,
}

impl<A: Aggregate> Seen<A> {
    fn judge(self, rule: Rule) -> Result<Resolution<A>, Fault> {
        let intervening = decode_all::<A>(&self.recorded)?;
        let collision = Collision {
            commands: &self.commands,
            expected: self.base.current,
            base: &self.base.state,
            intervening: &intervening,
            current: &self.current,
            premises: &self.premises,
        };
        guarded("merge", || match rule {
            Rule::Strategy(strategy) => resolve(strategy, &collision),
            Rule::Premises => against_premises(&collision).unwrap_or_else(|| {
                match decide_all(collision.current, collision.commands) {
                    Ok(events) => Resolution::Proceed(events),
                    Err(rejection) => Resolution::Reject(rejection),
                }
            }),
        })
    }
}

/// Returns the state that the sender knew. Never uses a later snapshot.
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
