//! JSON web tokens: the keys of the issuer, the signature, and the claims.
//!
//! ```text
//! verifier ─► parts: header, claims, signature
//!     ├────► key_store ─► fetch: the keys, from a file or a URL
//!     ├────► keys: which key, does the signature belong to it
//!     └────► claims: issuer, audience, times, subject, roles
//! ```

mod claims;
mod error;
mod fetch;
mod key_store;
mod keys;
mod parts;
mod verifier;

pub(crate) use claims::Claims;
pub use error::JwtError;
pub(crate) use fetch::may_be_fetched;
pub(crate) use keys::check_keys;
pub(crate) use verifier::{Checked, JwtVerifier, Verified};

#[cfg(test)]
mod tests;
