//! COMMUTATIVE: merges what does not overlap.
//!
//! With E the expected and A the current sequence, D the events in between, N the events of the command:
//!
//! ```text
//! N_E = decide(c, S_E)      N_A = decide(c, S_A)
//! merge  <=>  N_E == N_A                                     the decision did not depend on D
//!        and  fold(S_E, D ++ N_A) == fold(S_E, N_A ++ D)     the order does not matter
//!        and  premises(c) and fields(D) share nothing        what the sender looked at still holds
//!        and  fields(N_A) and fields(D) share nothing        only under Overlap::Fields
//! ```
//!
//! The first two lines are Weihl's forward commutativity (1988) with the decision as the result of the operation.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Collision, Resolution};
use crate::field_path::{changed_fields, overlap};
use crate::{Aggregate, ConflictReason, Event, Fault, FieldPath, Overlap, decide_all, fold};

pub(super) fn resolve<A: Aggregate>(collision: &Collision<'_, A>) -> Resolution<A> {
    let then = decide_all(collision.base, collision.commands);
    let events = match (then, decide_all(collision.current, collision.commands)) {
        (Ok(then), Ok(now)) if same_events(&then, &now) => now,
        (Ok(_) | Err(_), Ok(_)) => return differs(collision),
        (Ok(_), Err(rejection)) => {
            return Resolution::Refuse {
                reason: ConflictReason::RejectedNow,
                rejection: Some((&rejection).into()),
            };
        }
        (Err(_), Err(rejection)) => return Resolution::Reject(rejection),
    };
    match refusal(collision, &events) {
        Ok(None) => Resolution::Proceed(events),
        Ok(Some(reason)) => refuse(reason),
        Err(fault) => refuse(ConflictReason::NotComparable { fault }),
    }
}

fn refuse<A: Aggregate>(reason: ConflictReason) -> Resolution<A> {
    Resolution::Refuse {
        reason,
        rejection: None,
    }
}

fn differs<A: Aggregate>(collision: &Collision<'_, A>) -> Resolution<A> {
    refuse(
        match fields_changed(collision.base, collision.intervening) {
            Ok(changed) => ConflictReason::DecisionDiffers {
                changed: changed.into_iter().collect(),
            },
            Err(fault) => ConflictReason::NotComparable { fault },
        },
    )
}

fn same_events<E: Event>(then: &[E], now: &[E]) -> bool {
    then.len() == now.len()
        && then
            .iter()
            .zip(now)
            .all(|(then, now)| then.canonical() == now.canonical())
}

/// What stands against appending `events`, which the command gives before and after the intervening ones.
fn refusal<A: Aggregate>(
    collision: &Collision<'_, A>,
    events: &[A::Event],
) -> Result<Option<ConflictReason>, Fault> {
    let theirs_first = fold(collision.current.clone(), events);
    let ours_first = fold(
        collision.base.clone(),
        events.iter().chain(collision.intervening),
    );
    if theirs_first != ours_first {
        return Ok(Some(ConflictReason::OrderMatters {
            overlap: fields_of_both(collision, events)?,
        }));
    }
    if !collision.premises.is_empty() {
        let premises = collision.premises.iter().cloned().collect();
        let changed = overlap(
            &premises,
            &fields_changed(collision.base, collision.intervening)?,
        );
        if !changed.is_empty() {
            return Ok(Some(ConflictReason::PremiseChanged { changed }));
        }
    }
    if A::OVERLAP == Overlap::Fields {
        let overlap = fields_of_both(collision, events)?;
        if !overlap.is_empty() {
            return Ok(Some(ConflictReason::FieldsOverlap { overlap }));
        }
    }
    Ok(None)
}

fn fields_of_both<A: Aggregate>(
    collision: &Collision<'_, A>,
    events: &[A::Event],
) -> Result<Vec<FieldPath>, Fault> {
    let theirs = fields_changed(collision.base, collision.intervening)?;
    // Where the command's events land both ways: a field that they overwrite with what is there already would
    // not show from the current state alone.
    let mut ours = fields_changed(collision.current, events)?;
    ours.extend(fields_changed(collision.base, events)?);
    let both = overlap(&ours, &theirs);
    if !both.is_empty() {
        return Ok(both);
    }
    // The intervening events may have overwritten a field with what was there already.
    let ours_first = fold(collision.base.clone(), events);
    Ok(overlap(
        &ours,
        &fields_changed(&ours_first, collision.intervening)?,
    ))
}

/// The fields that `events` change, event by event: one that is changed and changed back counts.
fn fields_changed<A: Aggregate>(
    state: &A,
    events: &[A::Event],
) -> Result<BTreeSet<FieldPath>, Fault> {
    let mut state = state.clone();
    let mut before = to_json(&state)?;
    let mut changed = BTreeSet::new();
    for event in events {
        state.evolve(event);
        let after = to_json(&state)?;
        changed.append(&mut changed_fields(&before, &after));
        before = after;
    }
    Ok(changed)
}

fn to_json<A: Aggregate>(state: &A) -> Result<Value, Fault> {
    serde_json::to_value(state).map_err(|error| Fault::Unencodable {
        what: "state",
        why: error.to_string(),
    })
}
