//! What an error of the driver means, told by its SQLSTATE and, where keys collide, by the constraint's name.

use seriatim_core::{StoreError, StoreErrorKind};
use sqlx::Error;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// What is to be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The connection is gone, or no longer to be trusted. What it was last asked may have been done.
    Lost,
    /// A key of the log exists already: somebody else has written, or the external id was spent before.
    KeyTaken,
    /// Two transactions were in each other's way; the same again will work.
    Again,
    /// The statement was refused and has changed nothing.
    Refused(StoreErrorKind),
}

/// The one place where errors of the driver are told apart.
pub(crate) fn meaning(error: &Error) -> Meaning {
    match error {
        Error::Database(error) => match error.try_downcast_ref::<PgDatabaseError>() {
            Some(error) => meaning_of(error),
            None => Meaning::Refused(StoreErrorKind::Unavailable),
        },
        Error::ColumnDecode { .. }
        | Error::Decode(_)
        | Error::ColumnNotFound(_)
        | Error::ColumnIndexOutOfBounds { .. }
        | Error::RowNotFound
        | Error::TypeNotFound { .. } => Meaning::Refused(StoreErrorKind::Corrupt),
        Error::Encode(_) => Meaning::Refused(StoreErrorKind::Unavailable),
        // Input and output, TLS, a protocol that has got out of step.
        _ => Meaning::Lost,
    }
}

fn meaning_of(error: &PgDatabaseError) -> Meaning {
    if matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic) {
        return Meaning::Lost;
    }
    match error.code() {
        "23505" if is_key_of_the_log(error.constraint()) => Meaning::KeyTaken,
        "40001" | "40P01" => Meaning::Again,
        "53100" => Meaning::Refused(StoreErrorKind::Full),
        // A standby; or the user has no right to write.
        "25006" | "42501" => Meaning::Refused(StoreErrorKind::ReadOnly),
        code if code.starts_with("08") || code.starts_with("57P") => Meaning::Lost,
        // Damaged pages; tables that are not as the migrations made them; keys that only this program uses.
        code if ["XX", "42", "23"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            Meaning::Refused(StoreErrorKind::Corrupt)
        }
        _ => Meaning::Refused(StoreErrorKind::Unavailable),
    }
}

fn is_key_of_the_log(constraint: Option<&str>) -> bool {
    matches!(
        constraint,
        Some(
            "seriatim_events_stream_sequence"
                | "seriatim_events_position"
                | "seriatim_claims_external_id"
        )
    )
}

/// What the matter is with the store.
pub(crate) fn kind(error: &Error) -> StoreErrorKind {
    match meaning(error) {
        Meaning::Lost | Meaning::Again => StoreErrorKind::Unavailable,
        // Where nobody expects it, what is stored contradicts what was read.
        Meaning::KeyTaken => StoreErrorKind::Corrupt,
        Meaning::Refused(kind) => kind,
    }
}

pub(crate) fn store_error(action: &'static str, error: Error) -> StoreError {
    StoreError::new(action, kind(&error), error)
}

/// The SQLSTATE, if the server said one.
pub(crate) fn code(error: &Error) -> Option<String> {
    let error = error.as_database_error()?;
    error.code().map(std::borrow::Cow::into_owned)
}
