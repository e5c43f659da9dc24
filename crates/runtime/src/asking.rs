//! Asks a component again which effects an event has.

use std::panic::{AssertUnwindSafe, catch_unwind};

use seriatim_core::{Accountable, Asked, Reaction, RecordedEvent};

/// Returns the effects that an event has for a component; none if the component is not given the event. A panic of its
/// code counts as its failure.
pub(super) fn asked(
    reaction: &dyn Reaction,
    accountable: &dyn Accountable,
    event: &RecordedEvent,
) -> Result<Vec<Asked>, String> {
    if !reaction.filter().matches(event) {
        return Ok(Vec::new());
    }
    match catch_unwind(AssertUnwindSafe(|| accountable.asked(event))) {
        Ok(Ok(asked)) => Ok(asked),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("it panicked".to_owned()),
    }
}
