//! Takes a token apart.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::JwtError;
use crate::Algorithm;

/// The longest token that is read, in bytes.
const MOST_BYTES: usize = 8 * 1024;

/// A token whose signature is not checked yet.
pub(super) struct Parts<'t> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    /// The part that is signed.
    pub(super) signed: &'t [u8],
    pub(super) claims: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// A member that comes twice is an error, so nobody can show one value to one reader and another to the next.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
    b64: Option<IgnoredAny>,
}

impl<'t> Parts<'t> {
    pub(super) fn of(token: &'t str) -> Result<Self, JwtError> {
        if token.len() > MOST_BYTES {
            return Err(JwtError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(JwtError::Malformed)?;
        let header = decode(header)?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| JwtError::Malformed)?;
        if header.crit.is_some() || header.b64.is_some() {
            return Err(JwtError::Critical);
        }
        Ok(Self {
            algorithm: Algorithm::by_name(&header.alg).ok_or(JwtError::Algorithm)?,
            key_id: header.kid,
            signed: signed.as_bytes(),
            claims: decode(claims)?,
            signature: decode(signature)?,
        })
    }
}

/// Decodes without padding, and refuses what has another encoding too.
pub(super) fn decode(part: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| JwtError::Malformed)
}
