//! Checks a token from its first character to its last.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use super::JwtError;
use super::key_store::{KeyStore, Known, Pace};
use super::parts::Parts;
use crate::jwt::Claims;
use crate::{JwtConfig, Unauthenticated};

/// Checks the tokens of one issuer. Cheap to clone; clones share the keys.
#[derive(Clone)]
pub(crate) struct JwtVerifier(Arc<Data>);

struct Data {
    config: JwtConfig,
    keys: Arc<KeyStore>,
}

impl fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JwtVerifier").field(&self.0.config).finish()
    }
}

/// What a token says, once it is known that its issuer said so.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) subject: String,
    pub(crate) roles: Vec<String>,
    pub(crate) expires: SystemTime,
}

/// The result of a check.
pub(crate) enum Checked {
    Now(Result<Verified, Unauthenticated>),
    Later(Pin<Box<dyn Future<Output = Result<Verified, Unauthenticated>> + Send>>),
}

impl JwtVerifier {
    /// Begins to fetch the keys. It must be called on a Tokio runtime.
    pub(crate) fn start(config: JwtConfig) -> Self {
        Self::with_pace(config, Pace::default())
    }

    pub(super) fn with_pace(config: JwtConfig, pace: Pace) -> Self {
        let keys = KeyStore::start(config.jwks.clone(), config.jwks_ca.clone(), pace);
        let keys = Arc::new(keys);
        Self(Arc::new(Data { config, keys }))
    }

    /// Returns a verifier with other settings. It has the same keys, if they come from the same place.
    pub(crate) fn with(&self, config: &JwtConfig) -> Self {
        let ours = &self.0.config;
        if (&ours.jwks, &ours.jwks_ca) != (&config.jwks, &config.jwks_ca) {
            return Self::start(config.clone());
        }
        Self(Arc::new(Data {
            config: config.clone(),
            keys: Arc::clone(&self.0.keys),
        }))
    }

    /// Checks a token. It waits only if the key that the token names is not known and a fetch of the keys may bring it.
    pub(crate) fn check(&self, token: &str) -> Checked {
        // What cannot be valid asks nobody for keys.
        match self.parts(token) {
            Err(error) => Checked::Now(Err(error.into())),
            Ok(parts) => {
                let checked = self.check_with(&self.0.keys.known(), &parts);
                if !matters_which_keys(&checked) {
                    return Checked::Now(checked);
                }
                let Some(fetched) = self.0.keys.fetched() else {
                    return Checked::Now(checked);
                };
                let (verifier, token) = (self.clone(), token.to_owned());
                Checked::Later(Box::pin(async move {
                    let known = fetched.await;
                    verifier.check_with(&known, &verifier.parts(&token)?)
                }))
            }
        }
    }

    fn parts<'t>(&self, token: &'t str) -> Result<Parts<'t>, JwtError> {
        let parts = Parts::of(token)?;
        match self.0.config.algorithms.contains(&parts.algorithm) {
            true => Ok(parts),
            false => Err(JwtError::Algorithm),
        }
    }

    fn check_with(&self, known: &Known, parts: &Parts<'_>) -> Result<Verified, Unauthenticated> {
        let keys = known.keys.as_ref().ok_or(Unauthenticated::Unavailable)?;
        let id = parts.key_id.as_deref();
        let verified = keys.verify(id, parts.algorithm, parts.signed, &parts.signature);
        verified.map_err(|error| match error {
            // The issuer may have a new key, and cannot be asked.
            JwtError::UnknownKey if known.failed => Unauthenticated::Unavailable,
            error => error.into(),
        })?;
        let config = &self.0.config;
        let claims = Claims::parse(&parts.claims)?;
        claims.check(config, SystemTime::now())?;
        Ok(Verified {
            subject: claims.subject().to_owned(),
            roles: claims.roles(&config.roles_claim),
            expires: claims.expires(config)?,
        })
    }
}

fn matters_which_keys(checked: &Result<Verified, Unauthenticated>) -> bool {
    matches!(
        checked,
        Err(Unauthenticated::Unavailable | Unauthenticated::Jwt(JwtError::UnknownKey))
    )
}
