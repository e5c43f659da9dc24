//! Whose fault it is that a step failed: that of the events, or the database's.

use std::error::Error as StdError;

use seriatim_core::{ReactionError, StoreError, StoreErrorKind, cause};
use sqlx::Error;

pub(super) const ACTION: &str = "write a read model";

/// What user code said. Where the cause is an error of the driver, that decides.
pub(super) fn of_user(failure: Box<dyn StdError + Send + Sync>) -> ReactionError {
    match cause(failure.as_ref()).and_then(kind) {
        Some(kind) => ReactionError::Store(StoreError::new(ACTION, kind, failure)),
        None => ReactionError::Failed(failure),
    }
}

/// What the driver said to a statement of ours.
pub(super) fn of_driver(error: Error) -> ReactionError {
    match kind(&error) {
        Some(kind) => ReactionError::Store(StoreError::new(ACTION, kind, error)),
        None => ReactionError::Failed(error.into()),
    }
}

/// The same where there are no events to blame.
pub(super) fn store_error(action: &'static str, error: Error) -> StoreError {
    let kind = kind(&error).unwrap_or(StoreErrorKind::Corrupt);
    StoreError::new(action, kind, error)
}

/// What the matter is with the database; `None`: nothing.
fn kind(error: &Error) -> Option<StoreErrorKind> {
    let Error::Database(error) = error else {
        return match error {
            // User code asked for what is not there.
            Error::RowNotFound
            | Error::ColumnNotFound(_)
            | Error::ColumnIndexOutOfBounds { .. }
            | Error::ColumnDecode { .. }
            | Error::Decode(_)
            | Error::Encode(_)
            | Error::TypeNotFound { .. } => None,
            _ => Some(StoreErrorKind::Unavailable),
        };
    };
    // Extended codes have the plain one in their lowest byte.
    let code: u32 = error.code()?.parse().ok()?;
    match code & 0xff {
        // Busy, locked, out of memory, a device that fails, a file that does not open.
        5 | 6 | 7 | 10 | 14 => Some(StoreErrorKind::Unavailable),
        8 => Some(StoreErrorKind::ReadOnly),
        11 | 26 => Some(StoreErrorKind::Corrupt),
        13 => Some(StoreErrorKind::Full),
        _ => None,
    }
}
