//! Says what an error of the driver means. This is the one place where its codes are read.

use std::path::Path;

use rusqlite::{Error, ErrorCode, ffi};
use seriatim_core::{AppendError, StoreError, StoreErrorKind, cause};

use crate::OpenError;

/// Returns `true` if there was not enough memory, which may be because of one large value.
pub(crate) fn is_out_of_memory(error: &StoreError) -> bool {
    let code = cause::<Error>(&*error.source).and_then(Error::sqlite_error_code);
    code == Some(ErrorCode::OutOfMemory)
}

/// Returns the kind of trouble that the store has. Trouble that does not pass by itself is never called unavailable,
/// because senders would wait for ever. Everything that is not known to pass is refused.
pub(crate) fn kind(error: &Error) -> StoreErrorKind {
    if let Some(failure) = failure(error) {
        return kind_of(failure);
    }
    match error {
        // A row does not have the form that this program gave it, or a row that always exists is missing.
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..)
        | Error::QueryReturnedNoRows => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Refused,
    }
}

/// Returns `true` if a row with this key is there already.
pub(crate) fn is_key_taken(error: &Error) -> bool {
    let taken = [
        ffi::SQLITE_CONSTRAINT_UNIQUE,
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
    ];
    failure(error).is_some_and(|failure| taken.contains(&failure.extended_code))
}

/// Returns the error of SQLite itself, also for a statement that it does not understand.
pub(crate) fn failure(error: &Error) -> Option<&ffi::Error> {
    match error {
        Error::SqlInputError { error, .. } => Some(error),
        error => error.sqlite_error(),
    }
}

pub(crate) fn kind_of(failure: &ffi::Error) -> StoreErrorKind {
    match (failure.code, failure.extended_code) {
        // Appends are checked before, so what is stored contradicts what was read.
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            StoreErrorKind::Corrupt
        }
        // The file is shorter than its own header says.
        (_, ffi::SQLITE_IOERR_CORRUPTFS | ffi::SQLITE_IOERR_SHORT_READ) => StoreErrorKind::Corrupt,
        (ErrorCode::DiskFull, _) => StoreErrorKind::Full,
        (ErrorCode::ReadOnly, _) => StoreErrorKind::ReadOnly,
        (ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied, _) => {
            StoreErrorKind::Denied
        }
        // A statement that does not fit means that the tables are not as the migrations made them.
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown, _) => {
            StoreErrorKind::Corrupt
        }
        (
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OutOfMemory
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::SchemaChanged
            | ErrorCode::OperationAborted
            | ErrorCode::OperationInterrupted,
            _,
        ) => StoreErrorKind::Unavailable,
        // Too large, of another type, or against a rule of the table.
        _ => StoreErrorKind::Refused,
    }
}

/// For an operation that is a transaction of its own, or only reads.
pub(crate) fn store_error(action: &'static str, error: Error) -> StoreError {
    StoreError::new(action, kind(&error), error)
}

/// Returns whether a commit that failed in this way has certainly written nothing.
///
/// If there is no space left, or no right to write, the last frame of the transaction, which makes it valid, is not in
/// the write-ahead log. If a device fails while the log is being synced, it is not known: a restart might find the
/// frame.
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

/// Returns the reason why a database could not be opened.
pub(crate) fn open_error(path: &Path, error: Error) -> OpenError {
    let path = path.to_owned();
    if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
        return OpenError::NotADatabase { path };
    }
    match kind(&error) {
        StoreErrorKind::Corrupt | StoreErrorKind::Refused => OpenError::Damaged {
            path,
            source: error,
        },
        StoreErrorKind::ReadOnly | StoreErrorKind::Denied => OpenError::ReadOnly { path },
        StoreErrorKind::Full => OpenError::Full { path },
        StoreErrorKind::Unavailable => OpenError::Unavailable {
            path,
            source: error,
        },
    }
}

#[cfg(test)]
mod tests {
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
            (ffi::SQLITE_CONSTRAINT_PRIMARYKEY, StoreErrorKind::Corrupt),
            // "no such table"
            (ffi::SQLITE_ERROR, StoreErrorKind::Corrupt),
            (ffi::SQLITE_CONSTRAINT_CHECK, StoreErrorKind::Refused),
            (ffi::SQLITE_CONSTRAINT_NOTNULL, StoreErrorKind::Refused),
            (ffi::SQLITE_CONSTRAINT_DATATYPE, StoreErrorKind::Refused),
            (ffi::SQLITE_CONSTRAINT_TRIGGER, StoreErrorKind::Refused),
            (ffi::SQLITE_TOOBIG, StoreErrorKind::Refused),
            (ffi::SQLITE_MISMATCH, StoreErrorKind::Refused),
            (ffi::SQLITE_PERM, StoreErrorKind::Denied),
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
            let error = commit_error("append events", failure(code));
            assert!(matches!(error, AppendError::Unknown(_)), "code {code}");
        }
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY, ffi::SQLITE_READONLY] {
            let error = commit_error("append events", failure(code));
            assert!(matches!(error, AppendError::NotWritten(_)), "code {code}");
        }
    }
}
