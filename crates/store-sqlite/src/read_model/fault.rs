//! Whose fault it is that a step failed: that of the events, or the database's.

use std::error::Error as StdError;

use rusqlite::{ErrorCode, ffi};
use seriatim_core::{ReactionError, StoreError, StoreErrorKind, cause};
use sqlx::Error;

use crate::refused;

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
    let kind = match failure(&error) {
        Some(failure) => refused::kind_of(&failure),
        None => kind(&error).unwrap_or(StoreErrorKind::Corrupt),
    };
    StoreError::new(action, kind, error)
}

/// What the matter is with the database; `None`: nothing.
fn kind(error: &Error) -> Option<StoreErrorKind> {
    match (error, failure(error)) {
        // The statement of user code.
        (_, Some(failure)) if failure.code == ErrorCode::Unknown => None,
        (_, Some(failure)) if failure.code == ErrorCode::ConstraintViolation => None,
        (_, Some(failure)) => {
            Some(refused::kind_of(&failure)).filter(|kind| *kind != StoreErrorKind::Refused)
        }
        // User code asked for what is not there.
        (
            Error::RowNotFound
            | Error::ColumnNotFound(_)
            | Error::ColumnIndexOutOfBounds { .. }
            | Error::ColumnDecode { .. }
            | Error::Decode(_)
            | Error::Encode(_)
            | Error::TypeNotFound { .. },
            None,
        ) => None,
        (_, None) => Some(StoreErrorKind::Unavailable),
    }
}

/// What SQLite itself said.
fn failure(error: &Error) -> Option<ffi::Error> {
    let code = error.as_database_error()?.code()?;
    Some(ffi::Error::new(code.parse().ok()?))
}
