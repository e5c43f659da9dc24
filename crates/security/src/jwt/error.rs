//! Says why a JSON web token is not accepted.

/// The reason why a JSON web token is not accepted. No text of it contains what the caller has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// It does not have three parts, or they cannot be read.
    #[error("it cannot be read")]
    Malformed,
    /// It is longer than any token that is taken.
    #[error("it is too long")]
    TooLong,
    /// It is signed in a way that this server does not take.
    #[error("it is signed with an algorithm that this server does not take")]
    Algorithm,
    /// It has extensions that must be understood, and are not.
    #[error("it has extensions that this server does not know")]
    Critical,
    /// The issuer has no such key.
    #[error("it is signed with a key that its issuer does not publish")]
    UnknownKey,
    /// The signature does not belong to it.
    #[error("its signature is wrong")]
    Signature,
    /// The claims cannot be read, or one that is needed is missing.
    #[error("its claims cannot be read, or `iss`, `aud`, `exp` or `sub` is missing")]
    Claims,
    /// It is of another issuer.
    #[error("it is of another issuer")]
    Issuer,
    /// It is for another audience.
    #[error("it is for another audience")]
    Audience,
    /// Its time has not begun.
    #[error("it is not valid yet")]
    NotYet,
    /// No principal may have its subject as a name.
    #[error("its subject cannot be the name of a principal")]
    Subject,
    /// Its subject is the name of a principal that shows itself in another way.
    #[error("its subject is the name of a principal that shows who it is in another way")]
    NameTaken,
}

impl JwtError {
    /// All reasons.
    pub const ALL: [Self; 12] = [
        Self::Malformed,
        Self::TooLong,
        Self::Algorithm,
        Self::Critical,
        Self::UnknownKey,
        Self::Signature,
        Self::Claims,
        Self::Issuer,
        Self::Audience,
        Self::NotYet,
        Self::Subject,
        Self::NameTaken,
    ];

    /// Returns a stable name of the reason, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "jwt_malformed",
            Self::TooLong => "jwt_too_long",
            Self::Algorithm => "jwt_algorithm",
            Self::Critical => "jwt_critical",
            Self::UnknownKey => "jwt_unknown_key",
            Self::Signature => "jwt_signature",
            Self::Claims => "jwt_claims",
            Self::Issuer => "jwt_issuer",
            Self::Audience => "jwt_audience",
            Self::NotYet => "jwt_not_yet",
            Self::Subject => "jwt_subject",
            Self::NameTaken => "jwt_name_taken",
        }
    }
}
