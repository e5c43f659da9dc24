//! Knows the tokens of a server.

use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use seriatim_core::Timestamp;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::issued::day;
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
    /// The first use on the last day on which it was used.
    pub last_used: Option<Timestamp>,
}

/// A use of a token that may not be recorded yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usage {
    /// The token.
    pub id: Uuid,
    /// The time of the use.
    pub at: Timestamp,
}

/// The tokens that a server knows, in memory. Cheap to clone; clones are one.
#[derive(Clone, Debug)]
pub struct Tokens(Arc<Data>);

#[derive(Debug)]
struct Data {
    known: RwLock<Known>,
    changes: watch::Sender<u64>,
    are_read: watch::Sender<bool>,
    uses: Mutex<BTreeSet<Usage>>,
    used: Notify,
}

#[derive(Debug, Default)]
struct Known {
    tokens: HashMap<Uuid, Entry>,
    /// How many tokens that are not revoked have a name.
    names: HashMap<String, usize>,
}

#[derive(Debug)]
struct Entry {
    token: Arc<KnownToken>,
    /// True if it is kept in the store, and false if the program has put it here.
    is_stored: bool,
    /// The last day on which it is known to be used.
    used: AtomicI64,
}

impl Default for Tokens {
    fn default() -> Self {
        Self(Arc::new(Data {
            known: RwLock::default(),
            changes: watch::Sender::new(0),
            are_read: watch::Sender::new(false),
            uses: Mutex::default(),
            used: Notify::new(),
        }))
    }
}

impl Tokens {
    /// Adds a token that the program has made itself, or replaces what is known of it. It is in no store: this server
    /// alone knows it, its uses are not recorded, and it is gone with the process.
    pub fn put(&self, token: KnownToken) {
        self.know(token, false);
    }

    /// Adds a token of the store, or replaces what is known of it.
    pub fn learn(&self, token: KnownToken) {
        self.know(token, true);
    }

    fn know(&self, token: KnownToken, is_stored: bool) {
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = known.put(token, is_stored);
        drop(known);
        if is_new {
            self.0.changes.send_modify(|changes| *changes += 1);
        }
    }

    /// Forgets all tokens of the store and knows these.
    pub fn replace(&self, tokens: impl IntoIterator<Item = KnownToken>) {
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut all = Known::default();
        let before = mem::take(&mut *known).tokens.into_values();
        for entry in before.filter(|entry| !entry.is_stored) {
            all.put(KnownToken::clone(&entry.token), false);
        }
        for token in tokens {
            all.put(token, true);
        }
        *known = all;
        drop(known);
        self.0.are_read.send_replace(true);
        self.0.changes.send_modify(|changes| *changes += 1);
    }

    /// Waits until those of the store are known. Until then, valid ones are refused.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn until_read(&self) {
        let mut are_read = self.0.are_read.subscribe();
        // The sender lives as long as this.
        let _ = are_read.wait_for(|are_read| *are_read).await;
    }

    /// Returns what is known of a token, revoked and expired ones included. Fails if it is not known or its secret is
    /// another.
    pub fn find(&self, token: &Token) -> Result<Arc<KnownToken>, Unauthenticated> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known
            .tokens
            .get(&token.id())
            .map(|entry| Arc::clone(&entry.token));
        drop(known);
        found
            .filter(|known| known.digest.is_of(token))
            .ok_or(Unauthenticated::Unknown)
    }

    /// Notes that a token was used. It costs a look into memory, and does more only once a day for each token.
    pub fn note_use(&self, id: Uuid, at: SystemTime) {
        let at = Timestamp::from(at);
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        let is_new = known.tokens.get(&id).is_some_and(|entry| {
            entry.is_stored
                && entry.used.load(Ordering::Relaxed) < day(at)
                && entry.used.fetch_max(day(at), Ordering::Relaxed) < day(at)
        });
        drop(known);
        if is_new {
            let mut uses = self.0.uses.lock().unwrap_or_else(PoisonError::into_inner);
            uses.insert(Usage { id, at });
            drop(uses);
            self.0.used.notify_one();
        }
    }

    /// Waits for uses that are to be recorded. Returns each once; one task may wait at a time.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn uses(&self) -> BTreeSet<Usage> {
        loop {
            let uses = mem::take(&mut *self.0.uses.lock().unwrap_or_else(PoisonError::into_inner));
            if !uses.is_empty() {
                return uses;
            }
            self.0.used.notified().await;
        }
    }

    /// Returns whether a token that is not revoked has this name.
    pub fn is_taken(&self, name: &str) -> bool {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.names.contains_key(name)
    }

    /// Returns a number that grows with each change of what tokens give. That one was used is no such change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }
}

impl Known {
    /// Returns whether what the token gives is new.
    fn put(&mut self, token: KnownToken, is_stored: bool) -> bool {
        if !token.revoked {
            *self.names.entry(token.name.clone()).or_default() += 1;
        }
        let entry = Entry::of(token, is_stored);
        let now = Arc::clone(&entry.token);
        let Some(Entry { token: before, .. }) = self.tokens.insert(now.id, entry) else {
            return true;
        };
        if !before.revoked
            && let Some(count) = self.names.get_mut(&before.name)
        {
            *count -= 1;
            if *count == 0 {
                self.names.remove(&before.name);
            }
        }
        !before.gives_the_same(&now)
    }
}

impl Entry {
    fn of(token: KnownToken, is_stored: bool) -> Self {
        Self {
            is_stored,
            used: AtomicI64::new(token.last_used.map_or(i64::MIN, day)),
            token: Arc::new(token),
        }
    }
}

impl KnownToken {
    /// Returns whether it lets the same caller do the same.
    fn gives_the_same(&self, other: &Self) -> bool {
        self.digest == other.digest
            && self.name == other.name
            && self.roles == other.roles
            && self.expires == other.expires
            && self.revoked == other.revoked
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn known(token: &Token) -> KnownToken {
        KnownToken {
            id: token.id(),
            digest: token.digest(),
            name: "billing".into(),
            roles: Vec::new(),
            expires: None,
            revoked: false,
            last_used: None,
        }
    }

    #[tokio::test]
    async fn a_use_is_recorded_once_a_day_and_changes_nothing() {
        let (tokens, token) = (Tokens::default(), Token::generate().unwrap());
        tokens.learn(known(&token));
        let changes = tokens.changes();
        let day = |count: u64| UNIX_EPOCH + Duration::from_secs(86_400 * count + 3600);
        for time in [day(1), day(1), day(2), day(1)] {
            tokens.note_use(token.id(), time);
        }
        let of = |time| Usage {
            id: token.id(),
            at: Timestamp::from(time),
        };
        assert_eq!(
            tokens.uses().await,
            BTreeSet::from([of(day(1)), of(day(2))])
        );
        let used = KnownToken {
            last_used: Some(day(2).into()),
            ..known(&token)
        };
        tokens.learn(used.clone());
        tokens.note_use(token.id(), day(2));
        tokens.note_use(Uuid::new_v4(), day(3));
        assert!(!changes.has_changed().unwrap());
        tokens.learn(KnownToken {
            revoked: true,
            ..used
        });
        assert!(changes.has_changed().unwrap());
        tokens.note_use(token.id(), day(4));
        assert_eq!(tokens.uses().await, BTreeSet::from([of(day(4))]));
    }

    #[test]
    fn a_token_with_another_secret_is_not_known() {
        let (tokens, token) = (Tokens::default(), Token::generate().unwrap());
        tokens.put(known(&token));
        let secret = Token::generate().unwrap().reveal();
        let mixed = format!("srt_{}{}", token.id().simple(), &secret[36..]);
        assert!(tokens.find(&token).is_ok() && tokens.is_taken("billing"));
        assert!(tokens.find(&mixed.parse().unwrap()).is_err());
        let revoked = KnownToken {
            revoked: true,
            ..known(&token)
        };
        tokens.learn(revoked);
        assert!(!tokens.is_taken("billing"));
        tokens.replace([known(&token)]);
        assert!(tokens.is_taken("billing"));
        tokens.replace([]);
        assert!(tokens.find(&token).is_err() && !tokens.is_taken("billing"));
        tokens.put(known(&token));
        tokens.replace([]);
        assert!(tokens.find(&token).is_ok() && tokens.is_taken("billing"));
    }
}
