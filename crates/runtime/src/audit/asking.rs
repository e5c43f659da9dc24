//! Asking a component again what an event makes it ask for.

use std::panic::{AssertUnwindSafe, catch_unwind};

use seriatim_core::{Accountable, Asked, Reaction, RecordedEvent};

/// What an event makes a component ask for; nothing if it is not given the event. A panic of its code is its failure.
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
