//! What an error of the driver means: the one place where its codes are read.

use std::path::Path;

use rusqlite::{Error, ErrorCode};
use seriatim_core::{AppendError, StoreError, StoreErrorKind};

use crate::OpenError;

/// What the matter is with the store.
pub(crate) fn kind(error: &Error) -> StoreErrorKind {
    match error {
        Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DiskFull => StoreErrorKind::Full,
            ErrorCode::ReadOnly => StoreErrorKind::ReadOnly,
            // A constraint is violated only by what contradicts what is stored: appends are checked before.
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::ConstraintViolation => StoreErrorKind::Corrupt,
            // Busy, locked, out of memory, a device that fails: it may work later.
            _ => StoreErrorKind::Unavailable,
        },
        // A row has not the form that this program gave it.
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Unavailable,
    }
}

/// For an operation that is a transaction of its own, or only reads.
pub(crate) fn store_error(action: &'static str, error: Error) -> StoreError {
    StoreError::new(action, kind(&error), error)
}

/// Whether a commit that failed so is certain to have written nothing.
///
/// With no space left, or no right to write, the last frame of the transaction, which is what makes it valid, is
/// not in the write-ahead log. A device that fails while the log is being synced leaves that open: a restart
/// might find the frame.
pub(crate) fn commit_error(action: &'static str, error: Error) -> AppendError {
    let nothing_written = matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::ConstraintViolation
        )
    );
    let error = store_error(action, error);
    if nothing_written {
        AppendError::NotWritten(error)
    } else {
        AppendError::Unknown(error)
    }
}

/// Why a database could not be opened.
pub(crate) fn open_error(path: &Path, error: Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { path },
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged {
            path,
            source: error,
        },
        Some(ErrorCode::ReadOnly) => OpenError::ReadOnly { path },
        Some(ErrorCode::DiskFull) => OpenError::Full { path },
        _ => OpenError::Unavailable {
            path,
            source: error,
        },
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn failure(code: i32) -> Error {
        Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn codes_have_the_kind_that_a_caller_can_act_on() {
        for (code, expected) in [
            (ffi::SQLITE_FULL, StoreErrorKind::Full),
            (ffi::SQLITE_READONLY, StoreErrorKind::ReadOnly),
            (ffi::SQLITE_READONLY_DBMOVED, StoreErrorKind::ReadOnly),
            (ffi::SQLITE_CORRUPT, StoreErrorKind::Corrupt),
            (ffi::SQLITE_CORRUPT_INDEX, StoreErrorKind::Corrupt),
            (ffi::SQLITE_NOTADB, StoreErrorKind::Corrupt),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, StoreErrorKind::Corrupt),
            (ffi::SQLITE_BUSY, StoreErrorKind::Unavailable),
            (ffi::SQLITE_LOCKED, StoreErrorKind::Unavailable),
            (ffi::SQLITE_IOERR_READ, StoreErrorKind::Unavailable),
            (ffi::SQLITE_NOMEM, StoreErrorKind::Unavailable),
        ] {
            assert_eq!(kind(&failure(code)), expected, "code {code}");
        }
    }

    #[test]
    fn a_commit_that_fails_on_the_device_is_left_open() {
        for code in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_WRITE] {
            let error = commit_error("append a batch", failure(code));
            assert!(matches!(error, AppendError::Unknown(_)), "code {code}");
        }
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY, ffi::SQLITE_READONLY] {
            let error = commit_error("append a batch", failure(code));
            assert!(matches!(error, AppendError::NotWritten(_)), "code {code}");
        }
    }
}
