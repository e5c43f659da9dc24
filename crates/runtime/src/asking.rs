//! Asks a component again which effects an event has.

use std::panic::{AssertUnwindSafe, catch_unwind};

use seriatim_core::{Accountable, Asked, Reaction, RecordedEvent, panic_message};

/// Returns the effects that an event has for a component, or none if the component does not get the event. A panic of
/// the component counts as its failure.
pub(crate) fn asked(
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
        Err(panic) => Err(format!("it panicked: {}", panic_message(panic.as_ref()))),
    }
}
