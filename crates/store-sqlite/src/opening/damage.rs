//! Keeps what the store has found wrong with its file. After the first finding the store writes nothing more.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rusqlite::{Error, ErrorCode, ffi};
use seriatim_core::{StoreError, StoreErrorKind};

use crate::opening::driver_error;

/// Shared by all threads of a store.
#[derive(Clone, Debug)]
pub(crate) struct Damage {
    file: PathBuf,
    first: Arc<OnceLock<StoreError>>,
}

impl Damage {
    pub(crate) fn none_yet(file: PathBuf) -> Self {
        Self {
            file,
            first: Arc::default(),
        }
    }

    /// Returns why nothing may be written, if anything was found.
    pub(crate) fn found(&self) -> Option<&StoreError> {
        self.first.get()
    }

    /// Returns the meaning of `error`. If it means that the file is damaged, nothing is written from now on.
    pub(crate) fn store_error(&self, action: &'static str, error: Error) -> StoreError {
        match is_damage(&error) {
            true => self.stop(action, &error.to_string()),
            false => driver_error::store_error(action, error),
        }
    }

    /// Lets nothing be written from now on. Returns the reason, which is the first one that was found.
    pub(crate) fn stop(&self, action: &'static str, why: &str) -> StoreError {
        let first = self.first.get_or_init(|| {
            let file = self.file.display();
            tracing::error!(file = %file, reason = why, "the store writes nothing more");
            let advice =
                "nothing more is written; stop the program, then check or restore the file";
            StoreError::new(
                action,
                StoreErrorKind::Corrupt,
                format!("{file}: {why}: {advice}"),
            )
        });
        first.clone()
    }
}

/// Returns whether SQLite says that the file is damaged.
pub(crate) fn is_damage(error: &Error) -> bool {
    driver_error::failure(error).is_some_and(is_damage_code)
}

pub(crate) fn is_damage_code(failure: &ffi::Error) -> bool {
    matches!(
        failure.code,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase
    ) || matches!(
        failure.extended_code,
        ffi::SQLITE_IOERR_CORRUPTFS | ffi::SQLITE_IOERR_SHORT_READ
    )
}
