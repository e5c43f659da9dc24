//! Converts API tokens.

use seriatim_core::{NewToken, TokenRecord};

use super::identity::uuid;
use super::invalid::{Found, Invalid};
use super::time::{optional_time, time};
use crate::v1;

/// Reads the token to make.
pub fn new_token(request: v1::TokenServiceCreateRequest) -> Result<NewToken, Invalid> {
    Ok(NewToken {
        name: request.name,
        roles: request.roles,
        expires: optional_time(request.expires_at, "expires_at")?,
    })
}

impl From<&NewToken> for v1::TokenServiceCreateRequest {
    fn from(token: &NewToken) -> Self {
        Self {
            name: token.name.clone(),
            roles: token.roles.clone(),
            expires_at: token.expires.map(Into::into),
        }
    }
}

impl From<&TokenRecord> for v1::TokenSummary {
    fn from(token: &TokenRecord) -> Self {
        Self {
            id: Some(token.id.into()),
            name: token.name.clone(),
            roles: token.roles.clone(),
            created_at: Some(token.created.into()),
            created_by: token.created_by.clone(),
            expires_at: token.expires.map(Into::into),
            last_used_at: token.last_used.map(Into::into),
            revoked_at: token.revoked.map(Into::into),
            revoked_by: token.revoked_by.clone(),
        }
    }
}

impl TryFrom<v1::TokenSummary> for TokenRecord {
    type Error = Invalid;

    fn try_from(token: v1::TokenSummary) -> Result<Self, Invalid> {
        let mut found = Found::default();
        let id = found.take(uuid(token.id.as_ref(), "id"));
        let created = found.take(time(token.created_at, "created_at"));
        let expires = found.take(optional_time(token.expires_at, "expires_at"));
        let last_used = found.take(optional_time(token.last_used_at, "last_used_at"));
        let revoked = found.take(optional_time(token.revoked_at, "revoked_at"));
        let all = id.zip(created).zip(expires).zip(last_used).zip(revoked);
        let ((((id, created), expires), last_used), revoked) = found.give(all)?;
        Ok(Self {
            id,
            name: token.name,
            roles: token.roles,
            created,
            created_by: token.created_by,
            expires,
            last_used,
            revoked,
            revoked_by: token.revoked_by,
        })
    }
}
