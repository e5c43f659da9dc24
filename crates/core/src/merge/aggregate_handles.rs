//! Implements AGGREGATE_HANDLES: the aggregate merges.

use super::{Collision, Resolution};
use crate::{Aggregate, ConflictReason, Merge, ParkReason};

/// Asks the aggregate for each command, on the state that the ones before it leave. The first answer other than
/// "proceed" is the answer for all.
pub(super) fn resolve<A: Aggregate>(collision: &Collision<'_, A>) -> Resolution<A> {
    let mut state = collision.current.clone();
    let mut all = Vec::new();
    for command in collision.commands {
        match state.merge(command, collision.base, collision.intervening) {
            Merge::Proceed(events) => {
                events.iter().for_each(|event| state.evolve(event));
                all.extend(events);
            }
            Merge::Reject(rejection) => return Resolution::Reject(rejection),
            Merge::Conflict => return Resolution::refuse(ConflictReason::AggregateRefused),
            Merge::Manual(reason) => return Resolution::Park(ParkReason::Aggregate(reason)),
        }
    }
    Resolution::Proceed(all)
}
