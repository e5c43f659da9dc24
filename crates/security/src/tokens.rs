//! Knows the tokens of a server.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use tokio::sync::watch;
use uuid::Uuid;

use crate::{Token, TokenDigest, Unauthenticated};

/// What a server knows of a token.
#[derive(Clone, Debug)]
pub struct KnownToken {
    /// The part of it that may be shown.
    pub id: Uuid,
    /// The SHA-256 of the rest.
    pub digest: TokenDigest,
    /// The name of the principal.
    pub name: String,
    /// The roles that it brings.
    pub roles: Vec<String>,
    /// The time after which it is not valid any more.
    pub expires: Option<SystemTime>,
    /// True if it was revoked.
    pub revoked: bool,
}

/// The tokens that a server knows, in memory. Cheap to clone; clones are one.
#[derive(Clone, Debug)]
pub struct Tokens(Arc<Data>);

#[derive(Debug)]
struct Data {
    known: RwLock<HashMap<Uuid, Arc<KnownToken>>>,
    changes: watch::Sender<u64>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self(Arc::new(Data {
            known: RwLock::default(),
            changes: watch::Sender::new(0),
        }))
    }
}

impl Tokens {
    /// Adds a token, or replaces what is known of it.
    pub fn put(&self, token: KnownToken) {
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(token.id, Arc::new(token));
        drop(known);
        self.0.changes.send_modify(|changes| *changes += 1);
    }

    /// Returns what is known of a token, revoked and expired ones included. Fails if it is not known or its secret is
    /// another.
    pub fn find(&self, token: &Token) -> Result<Arc<KnownToken>, Unauthenticated> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(&token.id()).map(Arc::clone);
        drop(known);
        found
            .filter(|known| known.digest.is_of(token))
            .ok_or(Unauthenticated::Unknown)
    }

    /// Returns whether a token that is not revoked has this name.
    pub fn is_taken(&self, name: &str) -> bool {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .values()
            .any(|token| token.name == name && !token.revoked)
    }

    /// Returns a number that grows with each change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }
}
