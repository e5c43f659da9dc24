//! Implements COMMUTATIVE: it merges what does not overlap.
//!
//! With E the expected and A the current sequence, D the events in between, N the events of the command:
//!
//! ```text
//! N_E = decide(c, S_E)      N_A = decide(c, S_A)
//! merge  <=>  N_E == N_A                                     the decision did not depend on D
//!        and  fold(S_E, D ++ N_A) == fold(S_E, N_A ++ D)     the order does not matter
//!        and  fields(N_A) and fields(D) share nothing        only under Overlap::Fields
//!
//! done   <=>  N_A is empty and fold(S_E, N_E ++ D) == S_A    what it would have done is there already
//! merge  <=>  fold(S_E, N_E ++ D) == fold(S_A, N_A)          only under Overlap::Converging
//! ```
//!
//! The first two lines are Weihl's forward commutativity (1988), with the decision as the result of the operation. If
//! the decisions are equal, D is folded once and N_A twice. A state is serialised only under `Overlap::Fields`, if it
//! has a negative zero, and for a refusal, which names the fields that differ.

use std::collections::BTreeSet;

use super::{Collision, Resolution};
use crate::fold;
use crate::tree::{self, Tree, overlap};
use crate::{
    Aggregate, ConflictReason, EncodeError, Event, Fault, FieldPath, Message, Overlap, Payload,
    decide_each,
};

/// The most bytes of states, as JSON, that [`Overlap::Fields`] compares. Each MiB takes about 10 ms.
const COMPARED_BYTES: u64 = 16 * 1024 * 1024;

pub(super) fn resolve<A: Aggregate>(collision: &Collision<'_, A>) -> Resolution<A> {
    let now = decide_each(collision.current, collision.commands);
    if collision.expected.is_none() {
        let rejection = now.as_ref().err().map(Into::into);
        let reason = ConflictReason::MustNotExist;
        return Resolution::Refuse { reason, rejection };
    }
    let judged = match (decide_each(collision.base, collision.commands), now) {
        (Ok(then), Ok(now)) => judge(collision, &then, &now).map(|reason| (reason, now.concat())),
        (Err(then), Ok(now)) => {
            let then = Box::new((&then).into());
            Ok((Some(ConflictReason::PossibleNow { then }), now.concat()))
        }
        (Ok(_), Err(rejection)) => {
            return Resolution::Refuse {
                reason: ConflictReason::RejectedNow,
                rejection: Some((&rejection).into()),
            };
        }
        (Err(_), Err(rejection)) => return Resolution::Reject(rejection),
    };
    match judged {
        Ok((None, events)) => Resolution::Proceed(events),
        Ok((Some(reason), _)) => Resolution::refuse(reason),
        Err(fault) => Resolution::refuse(ConflictReason::NotComparable { fault }),
    }
}

/// Returns the reason why the events that the commands give `now` cannot be appended; `None` if they can.
fn judge<A: Aggregate>(
    collision: &Collision<'_, A>,
    then: &[Vec<A::Event>],
    now: &[Vec<A::Event>],
) -> Result<Option<ConflictReason>, Fault> {
    let ours_first = |ours: &[Vec<A::Event>]| {
        let all = ours.iter().flatten().chain(collision.intervening);
        fold(collision.base.clone(), all)
    };
    let theirs_first = || fold(collision.current.clone(), now.iter().flatten());
    if !same_decision(then, now) {
        let is_done = now.iter().all(Vec::is_empty);
        let may_converge = is_done || A::OVERLAP == Overlap::Converging;
        if may_converge && same_state(&ours_first(then), &theirs_first())? {
            return Ok(None);
        }
        return Ok(Some(ConflictReason::DecisionDiffers {
            changed: changed(collision.base, collision.current)?,
            then: payloads(then)?,
            now: payloads(now)?,
        }));
    }
    // Compares the events as they would be appended: `canonical` may have hidden a difference.
    let (ours_first, theirs_first) = (ours_first(now), theirs_first());
    if !same_state(&ours_first, &theirs_first)? {
        return Ok(Some(ConflictReason::OrderMatters {
            fields: different_results(&ours_first, &theirs_first)?,
        }));
    }
    match A::OVERLAP {
        Overlap::Fields => fields_of_both(collision, &now.concat()),
        Overlap::Order | Overlap::Converging => Ok(None),
    }
}

/// Compares decisions command by command. The same events for other commands of the book are another decision.
fn same_decision<E: Event>(then: &[Vec<E>], now: &[Vec<E>]) -> bool {
    let same = |(then, now): (&Vec<E>, &Vec<E>)| {
        let pairs = || then.iter().zip(now);
        then.len() == now.len() && pairs().all(|(then, now)| then.canonical() == now.canonical())
    };
    then.iter().zip(now).all(same)
}

/// Compares two states, including the signs of zeros, which `PartialEq` does not see.
fn same_state<A: Aggregate>(left: &A, right: &A) -> Result<bool, Fault> {
    if left != right {
        return Ok(false);
    }
    let has_negative_zero = tree::has_negative_zero(left) || tree::has_negative_zero(right);
    Ok(!has_negative_zero || to_tree(left)? == to_tree(right)?)
}

fn fields_of_both<A: Aggregate>(
    collision: &Collision<'_, A>,
    events: &[A::Event],
) -> Result<Option<ConflictReason>, Fault> {
    let behind = collision.intervening.len() as u64;
    let state_bytes = to_tree(collision.current)?.to_string().len() as u64;
    if behind.saturating_mul(state_bytes) > COMPARED_BYTES {
        return Ok(Some(ConflictReason::TooMuchToCompare {
            behind,
            state_bytes,
            limit_bytes: COMPARED_BYTES,
        }));
    }
    let theirs = fields_changed(collision.base, collision.intervening)?;
    // Both states are tried: an event that overwrites a field with its current value changes nothing in the current
    // state.
    let mut ours = fields_changed(collision.current, events)?;
    ours.extend(fields_changed(collision.base, events)?);
    let mut both = overlap(&ours, &theirs);
    if both.is_empty() {
        // The intervening events may have overwritten a field with the value that it already had.
        let ours_first = fold(collision.base.clone(), events);
        both = overlap(&ours, &fields_changed(&ours_first, collision.intervening)?);
    }
    let overlap = both;
    Ok((!overlap.is_empty()).then_some(ConflictReason::FieldsOverlap { overlap }))
}

/// Returns the fields that `events` change, event by event. A field that is changed and changed back counts.
fn fields_changed<A: Aggregate>(
    state: &A,
    events: &[A::Event],
) -> Result<BTreeSet<FieldPath>, Fault> {
    let mut state = state.clone();
    let mut before = to_tree(&state)?;
    let mut changed = BTreeSet::new();
    for event in events {
        state.evolve(event);
        let after = to_tree(&state)?;
        changed.append(&mut before.differences(&after));
        before = after;
    }
    Ok(changed)
}

/// Returns the fields in which two unequal results differ. The order of a list counts only if nothing else differs.
fn different_results<A: Aggregate>(left: &A, right: &A) -> Result<Vec<FieldPath>, Fault> {
    let (left, right) = (to_tree(left)?, to_tree(right)?);
    let mut fields = left.differences(&right);
    if fields.is_empty() {
        fields = left.differences_in_order(&right);
    }
    Ok(fields.into_iter().collect())
}

/// Returns the fields in which two states differ.
fn changed<A: Aggregate>(before: &A, after: &A) -> Result<Vec<FieldPath>, Fault> {
    let changed = to_tree(before)?.differences(&to_tree(after)?);
    Ok(changed.into_iter().collect())
}

fn to_tree<A: Aggregate>(state: &A) -> Result<Tree, Fault> {
    Tree::of(state).map_err(|error| Fault::state(&error))
}

fn payloads<E: Event>(events: &[Vec<E>]) -> Result<Vec<Payload>, Fault> {
    let encoded: Result<_, EncodeError> = events.iter().flatten().map(Message::encode).collect();
    encoded.map_err(|error| Fault::unencodable("event", &error))
}
