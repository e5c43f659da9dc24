//! Says what an error of the driver means, by its SQLSTATE and, where keys collide, by the constraint's name.

use seriatim_core::{StoreError, StoreErrorKind};
use sqlx::Error;
use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// The meaning of an error: it says what must be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The connection is gone, or cannot be trusted any more. Its last statement may have been done.
    Lost,
    /// A key of the log exists already: another process has written, or the external id was used before.
    KeyTaken,
    /// Two transactions conflicted; the same again will work.
    Again,
    /// The statement was refused and has changed nothing.
    Refused(StoreErrorKind),
}

/// The one place where errors of the driver are told apart.
pub(crate) fn meaning(error: &Error) -> Meaning {
    match error {
        Error::Database(error) => match error.try_downcast_ref::<PgDatabaseError>() {
            Some(error) => meaning_of(error),
            None => Meaning::Refused(StoreErrorKind::Refused),
        },
        Error::ColumnDecode { .. }
        | Error::Decode(_)
        | Error::ColumnNotFound(_)
        | Error::ColumnIndexOutOfBounds { .. }
        | Error::RowNotFound
        | Error::TypeNotFound { .. } => Meaning::Refused(StoreErrorKind::Corrupt),
        Error::Encode(_) => Meaning::Refused(StoreErrorKind::Refused),
        // Input and output, TLS, or a protocol that is out of step.
        _ => Meaning::Lost,
    }
}

fn meaning_of(error: &PgDatabaseError) -> Meaning {
    let code = error.code();
    let ends_connection = matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic);
    if ends_connection || code.starts_with("08") || code.starts_with("57P") {
        return Meaning::Lost;
    }
    match code {
        "23505" if is_key_of_the_log(error.constraint()) => Meaning::KeyTaken,
        "40001" | "40P01" => Meaning::Again,
        code => Meaning::Refused(kind_of(code)),
    }
}

/// Returns what a SQLSTATE means for the store. Trouble that does not pass by itself is never called unavailable,
/// because senders would wait for ever. Everything that is not known to pass is refused.
fn kind_of(code: &str) -> StoreErrorKind {
    match code {
        "53100" => StoreErrorKind::Full,
        // A standby, or a server that was told to refuse writes.
        "25006" => StoreErrorKind::ReadOnly,
        // The statement is not permitted; the user or the password is refused; the database does not exist any more.
        "42501" | "28000" | "28P01" | "3D000" => StoreErrorKind::Denied,
        // A file of the database is gone.
        "58P01" => StoreErrorKind::Corrupt,
        code => match code.get(..2).unwrap_or_default() {
            // A connection; a transaction, or a statement prepared in another; too few resources; another session's
            // lock; a statement that took too long, or a server that shuts down; a device.
            "08" | "25" | "26" | "40" | "53" | "55" | "57" | "58" => StoreErrorKind::Unavailable,
            // Damaged pages; tables that are not as the migrations made them.
            "XX" | "42" => StoreErrorKind::Corrupt,
            // Mainly errors of the data (22) and of the rules of a table (23).
            _ => StoreErrorKind::Refused,
        },
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

/// Returns the kind of trouble that the store has.
pub(crate) fn kind(error: &Error) -> StoreErrorKind {
    match meaning(error) {
        // A refused login ends the connection, and the next one too.
        Meaning::Lost => code(error).map_or(StoreErrorKind::Unavailable, |code| kind_of(&code)),
        Meaning::Again => StoreErrorKind::Unavailable,
        // In other places it means that what is stored contradicts what was read.
        Meaning::KeyTaken => StoreErrorKind::Corrupt,
        Meaning::Refused(kind) => kind,
    }
}

pub(crate) fn store_error(action: &'static str, error: Error) -> StoreError {
    StoreError::new(action, kind(&error), error)
}

/// Returns the SQLSTATE, if the server gave one.
pub(crate) fn code(error: &Error) -> Option<String> {
    let error = error.as_database_error()?;
    error.code().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_by_itself_is_worth_waiting_for() {
        for (code, expected) in [
            ("57014", StoreErrorKind::Unavailable),
            ("55P03", StoreErrorKind::Unavailable),
            ("53300", StoreErrorKind::Unavailable),
            ("57P03", StoreErrorKind::Unavailable),
            ("08006", StoreErrorKind::Unavailable),
            ("58030", StoreErrorKind::Unavailable),
            ("53100", StoreErrorKind::Full),
            ("25006", StoreErrorKind::ReadOnly),
            ("42501", StoreErrorKind::Denied),
            ("28P01", StoreErrorKind::Denied),
            // Out of range, no text, a number that has run out, a rule, too large, a trigger of somebody's.
            ("22003", StoreErrorKind::Refused),
            ("22021", StoreErrorKind::Refused),
            ("2200H", StoreErrorKind::Refused),
            ("23514", StoreErrorKind::Refused),
            ("54000", StoreErrorKind::Refused),
            ("P0001", StoreErrorKind::Refused),
            ("42P01", StoreErrorKind::Corrupt),
            ("XX001", StoreErrorKind::Corrupt),
        ] {
            assert_eq!(kind_of(code), expected, "{code}");
        }
    }
}
