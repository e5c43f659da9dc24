//! Says why a caller has not shown who it is.

use crate::JwtError;

/// The caller has not shown who it is. No text of it contains what the caller has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// It has shown nothing.
    #[error(
        "show who you are: send `authorization: Bearer TOKEN`, with a token that this server accepts"
    )]
    Missing,
    /// The header `authorization` cannot be read.
    #[error("the header `authorization` must be `Bearer TOKEN`, once")]
    Malformed,
    /// The token is not one of this server. It may have been mistyped.
    #[error("this server does not know the token; ask who runs it for a new one")]
    Unknown,
    /// The token, or the certificate, is not valid any more.
    #[error("what you show has expired; take a new one and try again")]
    Expired,
    /// The token was revoked.
    #[error("the token was revoked; ask who runs this server for a new one")]
    Revoked,
    /// No principal has the names in the client certificate.
    #[error("no principal of this server has a name that is in your client certificate")]
    UnknownCertificate,
    /// This server takes no tokens of this kind.
    #[error("this server takes no tokens of this kind")]
    NotTaken,
    /// The JSON web token is not one that this server accepts.
    #[error("the JSON web token is not accepted: {0}")]
    Jwt(#[from] JwtError),
    /// The provider of identities does not answer, so a token cannot be checked now.
    #[error("the keys that the token was signed with cannot be fetched now; try again")]
    Unavailable,
}

impl Unauthenticated {
    const PLAIN: [Self; 8] = [
        Self::Missing,
        Self::Malformed,
        Self::Unknown,
        Self::Expired,
        Self::Revoked,
        Self::UnknownCertificate,
        Self::NotTaken,
        Self::Unavailable,
    ];

    /// Returns all reasons.
    pub fn all() -> impl Iterator<Item = Self> {
        let of_jwt = JwtError::ALL.into_iter().map(Self::Jwt);
        Self::PLAIN.into_iter().chain(of_jwt)
    }

    /// Returns a stable name of the reason, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::UnknownCertificate => "unknown_certificate",
            Self::NotTaken => "not_taken",
            Self::Jwt(error) => error.as_str(),
            Self::Unavailable => "unavailable",
        }
    }
}
