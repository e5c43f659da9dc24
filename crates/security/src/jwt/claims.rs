//! The claims of a token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::JwtError;
use crate::{JwtConfig, Unauthenticated};

/// The last second that a token may name: the end of the year 9999.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// The claims of a token. One of the wrong type is an error, and never counts as missing.
#[derive(Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: OneOrMany,
    exp: f64,
    nbf: Option<f64>,
    sub: String,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Claims {
    pub(super) fn parse(text: &[u8]) -> Result<Self, JwtError> {
        serde_json::from_slice(text).map_err(|_| JwtError::Claims)
    }

    /// Fails if the token is of somebody else, for somebody else, or for another time.
    pub(super) fn check(&self, config: &JwtConfig, now: SystemTime) -> Result<(), Unauthenticated> {
        let is_ours = |audience: &String| config.audience.contains(audience);
        let is_for_us = match &self.aud {
            OneOrMany::One(audience) => is_ours(audience),
            OneOrMany::Many(all) => all.iter().any(is_ours),
        };
        if self.iss != config.issuer {
            return Err(JwtError::Issuer.into());
        }
        if !is_for_us {
            return Err(JwtError::Audience.into());
        }
        let begins = self.nbf.map(at).transpose()?;
        if begins.is_some_and(|begins| now + config.leeway < begins) {
            return Err(JwtError::NotYet.into());
        }
        match now < self.expires(config)? {
            true => Ok(()),
            false => Err(Unauthenticated::Expired),
        }
    }

    /// Returns the time after which the token is not taken any more.
    pub(super) fn expires(&self, config: &JwtConfig) -> Result<SystemTime, JwtError> {
        Ok(at(self.exp)? + config.leeway)
    }

    pub(super) fn subject(&self) -> &str {
        &self.sub
    }

    /// Returns the roles in a claim, which is an array or a text with spaces. Anything else has none.
    pub(super) fn roles(&self, claim: &str) -> Vec<String> {
        match self.find(claim) {
            Some(Value::String(roles)) => roles.split_whitespace().map(str::to_owned).collect(),
            Some(Value::Array(roles)) => {
                let roles = roles.iter().filter_map(Value::as_str);
                roles.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns a claim by its name, which may have dots in it, or by a path of names.
    fn find(&self, claim: &str) -> Option<&Value> {
        let by_path = || {
            let (first, rest) = claim.split_once('.')?;
            let mut names = rest.split('.');
            names.try_fold(self.others.get(first)?, |value, name| value.get(name))
        };
        self.others.get(claim).or_else(by_path)
    }
}

fn at(seconds: f64) -> Result<SystemTime, JwtError> {
    match (0.0..=LAST_SECOND).contains(&seconds) {
        true => Ok(UNIX_EPOCH + Duration::from_secs_f64(seconds)),
        false => Err(JwtError::Claims),
    }
}
