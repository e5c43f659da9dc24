//! Decides whether the events or the database caused the failure of a step.

use std::error::Error as StdError;

use rusqlite::{ErrorCode, ffi};
use seriatim_core::{ReactionError, StoreError, StoreErrorKind, cause};
use sqlx::Error;

use crate::opening::damage;
use crate::opening::driver_error;

pub(super) const ACTION: &str = "write a read model";

/// The failure of user code. If its cause is an error of the driver, that error decides.
pub(super) fn of_user(failure: Box<dyn StdError + Send + Sync>) -> ReactionError {
    match cause(failure.as_ref()).and_then(kind) {
        Some(kind) => ReactionError::Store(StoreError::new(ACTION, kind, failure)),
        None => ReactionError::Failed(failure),
    }
}

/// The driver's error for a statement of ours.
pub(super) fn of_driver(error: Error) -> ReactionError {
    match kind(&error) {
        Some(kind) => ReactionError::Store(StoreError::new(ACTION, kind, error)),
        None => ReactionError::Failed(error.into()),
    }
}

/// The same if there are no events.
pub(super) fn store_error(action: &'static str, error: Error) -> StoreError {
    let kind = match failure(&error) {
        Some(failure) => driver_error::kind_of(&failure),
        None => kind(&error).unwrap_or(StoreErrorKind::Corrupt),
    };
    StoreError::new(action, kind, error)
}

/// Returns what SQLite says if it says that the file is damaged.
pub(super) fn damage(error: &ReactionError) -> Option<String> {
    let ReactionError::Store(error) = error else {
        return None;
    };
    let error: &Error = cause(error)?;
    let failure = failure(error)?;
    damage::is_damage_code(&failure).then(|| error.to_string())
}

/// Returns the kind of trouble that the database has; `None` means none.
fn kind(error: &Error) -> Option<StoreErrorKind> {
    match (error, failure(error)) {
        // The statement of user code.
        (_, Some(failure)) if failure.code == ErrorCode::Unknown => None,
        (_, Some(failure)) if failure.code == ErrorCode::ConstraintViolation => None,
        (_, Some(failure)) => {
            Some(driver_error::kind_of(&failure)).filter(|kind| *kind != StoreErrorKind::Refused)
        }
        // User code used something that does not exist.
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

/// Returns the error of SQLite itself.
fn failure(error: &Error) -> Option<ffi::Error> {
    let code = error.as_database_error()?.code()?;
    Some(ffi::Error::new(code.parse().ok()?))
}
