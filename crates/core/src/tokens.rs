//! API tokens as those who administer them see them.

use uuid::Uuid;

use crate::Timestamp;

/// A token to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// The name of the principal that shows it. Several tokens may have the same name, so that one can replace another.
    pub name: String,
    /// The roles that it brings. The server that it is shown to says what they give.
    pub roles: Vec<String>,
    /// The time after which it is not valid any more; `None` if it does not end by itself.
    pub expires: Option<Timestamp>,
}

/// What may be shown of a token. Its secret part is known to its owner alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its id.
    pub id: Uuid,
    /// The name of the principal.
    pub name: String,
    /// The roles that it brings.
    pub roles: Vec<String>,
    /// The time at which it was made.
    pub created: Timestamp,
    /// Who made it, if somebody was named.
    pub created_by: Option<String>,
    /// The time after which it is not valid any more.
    pub expires: Option<Timestamp>,
    /// The first use on the last day (UTC) on which it was used.
    pub last_used: Option<Timestamp>,
    /// The time at which it was revoked.
    pub revoked: Option<Timestamp>,
    /// Who revoked it, if somebody was named.
    pub revoked_by: Option<String>,
}
