//! Decides whether the events or the database caused the failure of a step.

use std::error::Error as StdError;

use seriatim_core::{ReactionError, StoreError, cause};
use sqlx::Error;

use crate::opening::driver_error::{self, Meaning};

pub(super) const ACTION: &str = "write a read model";

/// The failure of user code. If its cause is an error of the driver, that error decides.
pub(super) fn of_user(failure: Box<dyn StdError + Send + Sync>) -> ReactionError {
    let database = cause(failure.as_ref()).filter(|error| is_the_databases(error));
    match database.map(driver_error::kind) {
        Some(kind) => ReactionError::Store(StoreError::new(ACTION, kind, failure)),
        None => ReactionError::Failed(failure),
    }
}

/// The driver's error for a statement of ours at the end of a step.
pub(super) fn of_driver(error: Error) -> ReactionError {
    // User code has ignored an error and gone on; the server does not accept that.
    let aborted = driver_error::code(&error).as_deref() == Some("25P02");
    // A deferred constraint is checked at the commit.
    let constraint = driver_error::code(&error).is_some_and(|code| code.starts_with("23"));
    match aborted || constraint {
        true => ReactionError::Failed(error.into()),
        false => ReactionError::Store(driver_error::store_error(ACTION, error)),
    }
}

/// Returns whether another try may succeed with the same events and the same code.
fn is_the_databases(error: &Error) -> bool {
    match driver_error::meaning(error) {
        Meaning::Lost | Meaning::Again => true,
        Meaning::KeyTaken => false,
        Meaning::Refused(_) => driver_error::code(error).is_some_and(|code| {
            // No space, memory or connections left; not writable; waited too long for a lock.
            code.starts_with("53") || matches!(code.as_str(), "25006" | "55P03")
        }),
    }
}
