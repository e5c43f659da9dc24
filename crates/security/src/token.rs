//! Makes API tokens, and reads them.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

/// How every token begins, so that people and scanners recognise one.
const BEGIN: &str = "srt_";
/// The bytes of the part that names the token, and of the secret part.
const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// An API token: an id that may be shown, and 256 random bits that only its owner has. `Debug` shows the id alone.
#[derive(Clone)]
pub struct Token {
    id: Uuid,
    secret: [u8; SECRET_BYTES],
}

/// What a server keeps of a token: the SHA-256 of its secret part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenDigest([u8; 32]);

impl Token {
    /// Makes a token from the random numbers of the operating system.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        let id = Uuid::new_v4();
        Ok(Self { id, secret })
    }

    /// Returns the part that may be shown, by which it is listed and revoked.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Returns what a server keeps of it.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(Sha256::digest(self.secret).into())
    }

    /// Returns the whole token, which is to be shown once, to its owner.
    pub fn reveal(&self) -> String {
        format!("{BEGIN}{}{}", self.id.simple(), hex(&self.secret))
    }

    /// Returns whether text is meant to be a token of Seriatim.
    pub fn is_meant_by(text: &str) -> bool {
        text.starts_with(BEGIN)
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let rest = text.strip_prefix(BEGIN).ok_or(InvalidToken)?;
        let (id, secret) = rest.split_at_checked(2 * ID_BYTES).ok_or(InvalidToken)?;
        Ok(Self {
            id: Uuid::from_bytes(unhex(id).ok_or(InvalidToken)?),
            secret: unhex(secret).ok_or(InvalidToken)?,
        })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Token").field(&self.id).finish()
    }
}

impl TokenDigest {
    /// Returns whether it is that of a token. It takes the same time for every token.
    pub fn is_of(&self, token: &Token) -> bool {
        self.0.ct_eq(&token.digest().0).into()
    }

    /// Returns it in hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// Reads what [`TokenDigest::to_hex`] has written.
    pub fn from_hex(text: &str) -> Option<Self> {
        unhex(text).map(Self)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads as many bytes as are wanted, from lower-case digits.
fn unhex<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * BYTES || digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(bytes)
}

/// The error for text that is no token. It does not show the text, which may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no token; one begins with `srt_` and has 96 hexadecimal digits after it")]
pub struct InvalidToken;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_shown() {
        let token = Token::generate().unwrap();
        let read: Token = token.reveal().parse().unwrap();
        assert_eq!(read.id(), token.id());
        assert!(token.digest().is_of(&read));
        let kept = TokenDigest::from_hex(&token.digest().to_hex()).unwrap();
        assert!(kept.is_of(&token));
        assert!(!kept.is_of(&Token::generate().unwrap()));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let good = Token::generate().unwrap().reveal();
        let short = &good[..good.len() - 1];
        let long = format!("{good}0");
        for text in [
            "",
            "srt_",
            short,
            &long,
            &good.to_uppercase(),
            &good.replace("srt_", "srt_g"),
            "srt_ä",
        ] {
            assert!(text.parse::<Token>().is_err(), "{text}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let token = Token::generate().unwrap();
        assert!(!format!("{token:?}").contains(&hex(&token.secret)));
    }
}
