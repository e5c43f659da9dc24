//! What operators did, as those who look at it see it.

use uuid::Uuid;

use crate::Timestamp;

/// Something that an operator or an administrator asked a server to do, or callers that it turned away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationRecord {
    /// Its id.
    pub id: Uuid,
    /// The time at which it was asked for.
    pub at: Timestamp,
    /// Who asked for it; `None` if nobody has shown who it is, or if the server did it by itself.
    pub actor: Option<String>,
    /// A stable name of what was asked for, for example `pause`.
    pub what: String,
    /// What it was done to: a component, a letter, a token; for callers that were turned away, why.
    pub target: String,
    /// The reason that was given.
    pub reason: Option<String>,
    /// How often it was tried; more than 1 only for callers that were turned away.
    pub times: u64,
    /// Why it was not done; `None` if it was.
    pub failure: Option<String>,
}
