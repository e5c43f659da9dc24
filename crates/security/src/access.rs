//! Finds out who a caller is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use tokio::sync::watch;

use crate::{Credentials, Limits, Policy, Principal, Token, Tokens, Unauthenticated, Way};

/// Finds out who callers are, by what they show and what is configured. Cheap to clone; clones are one.
#[derive(Clone, Debug)]
pub struct Access(Arc<Data>);

#[derive(Debug)]
struct Data {
    /// `None` if nobody is asked.
    policy: Option<RwLock<Arc<Policy>>>,
    /// Everybody, if nobody is asked.
    unasked: Principal,
    tokens: Tokens,
    changes: watch::Sender<u64>,
}

/// The answer to the question who a caller is.
pub enum Identified {
    /// It is known already.
    Now(Result<Principal, Unauthenticated>),
    /// Somebody else must be asked.
    Later(Pin<Box<dyn Future<Output = Result<Principal, Unauthenticated>> + Send>>),
}

impl fmt::Debug for Identified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(result) => f.debug_tuple("Now").field(result).finish(),
            Self::Later(_) => f.debug_tuple("Later").finish_non_exhaustive(),
        }
    }
}

impl Access {
    /// Asks nobody: every caller is [`Principal::unasked`].
    pub fn unasked() -> Self {
        Self::with(None, Tokens::default())
    }

    /// Asks everybody.
    pub fn new(policy: Policy, tokens: Tokens) -> Self {
        Self::with(Some(RwLock::new(Arc::new(policy))), tokens)
    }

    fn with(policy: Option<RwLock<Arc<Policy>>>, tokens: Tokens) -> Self {
        Self(Arc::new(Data {
            policy,
            unasked: Principal::unasked(),
            tokens,
            changes: watch::Sender::new(0),
        }))
    }

    /// Returns whether callers must show who they are.
    pub fn asks(&self) -> bool {
        self.0.policy.is_some()
    }

    /// Returns the policy in force; `None` if nobody is asked.
    pub fn policy(&self) -> Option<Arc<Policy>> {
        let policy = self.0.policy.as_ref()?;
        Some(Arc::clone(
            &policy.read().unwrap_or_else(PoisonError::into_inner),
        ))
    }

    /// Puts another policy in force, for the calls that are open too.
    pub fn replace(&self, policy: Policy) {
        if let Some(current) = &self.0.policy {
            *current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
            self.0.changes.send_modify(|changes| *changes += 1);
        }
    }

    /// Returns the tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// Finds out who shows this.
    pub fn identify(&self, shown: &Credentials) -> Identified {
        let Some(policy) = self.policy() else {
            return Identified::Now(Ok(self.0.unasked.clone()));
        };
        Identified::Now(match &shown.authorization {
            Some(value) => bearer(value).and_then(|text| self.by_token(&policy, text)),
            None => by_certificate(&policy, shown.certificate.as_deref()),
        })
    }

    fn by_token(&self, policy: &Policy, text: &str) -> Result<Principal, Unauthenticated> {
        if !Token::is_meant_by(text) {
            return Err(Unauthenticated::NotTaken);
        }
        let token: Token = text.parse().map_err(|_| Unauthenticated::Unknown)?;
        let known = self.0.tokens.find(&token)?;
        if known.revoked {
            return Err(Unauthenticated::Revoked);
        }
        let now = SystemTime::now();
        if known.expires.is_some_and(|expires| expires <= now) {
            return Err(Unauthenticated::Expired);
        }
        self.0.tokens.note_use(known.id, now);
        let roles = known.roles.iter().map(String::as_str);
        Ok(principal(
            policy,
            &known.name,
            Way::Token,
            roles,
            known.expires,
        ))
    }

    /// Waits until callers may be others than before, or may have other rights. Returns when it is time to ask again.
    pub async fn changed(&self, seen: &mut Seen) {
        let Seen { policies, tokens } = seen;
        tokio::select! {
            // The senders live as long as this.
            _ = policies.changed() => {}
            _ = tokens.changed() => {}
        }
    }

    /// Returns a number that grows with each policy that is put in force.
    pub fn policies(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Begins to watch for changes.
    pub fn watch(&self) -> Seen {
        Seen {
            policies: self.0.changes.subscribe(),
            tokens: self.0.tokens.changes(),
        }
    }
}

/// The changes that somebody has seen.
#[derive(Clone, Debug)]
pub struct Seen {
    policies: watch::Receiver<u64>,
    tokens: watch::Receiver<u64>,
}

impl Seen {
    /// Returns whether there was a change since, and counts it as seen.
    pub fn is_old(&mut self) -> bool {
        let is_old = self.policies.has_changed().unwrap_or(true)
            || self.tokens.has_changed().unwrap_or(true);
        if is_old {
            self.policies.mark_unchanged();
            self.tokens.mark_unchanged();
        }
        is_old
    }
}

fn bearer(value: &[u8]) -> Result<&str, Unauthenticated> {
    let text = std::str::from_utf8(value).map_err(|_| Unauthenticated::Malformed)?;
    let (scheme, token) = text.split_once(' ').ok_or(Unauthenticated::Malformed)?;
    match scheme.eq_ignore_ascii_case("bearer") {
        true => Ok(token.trim_matches(' ')),
        false => Err(Unauthenticated::Malformed),
    }
}

fn by_certificate(policy: &Policy, names: Option<&[String]>) -> Result<Principal, Unauthenticated> {
    let names = names.ok_or(Unauthenticated::Missing)?;
    let name = policy.of_certificate(names);
    let name = name.ok_or(Unauthenticated::UnknownCertificate)?;
    Ok(principal(policy, name, Way::Certificate, [], None))
}

/// Makes a principal with the roles of the policy and those that it has brought.
fn principal<'r>(
    policy: &Policy,
    name: &str,
    way: Way,
    brought: impl IntoIterator<Item = &'r str>,
    expires: Option<SystemTime>,
) -> Principal {
    let own = policy.principals.get(name).map(|policy| &policy.roles[..]);
    let (mut rights, _) = policy.rights(own.unwrap_or_default().iter().map(String::as_str));
    let (more, _) = policy.rights(brought);
    rights.add(&more);
    let limits: Limits = policy.limits_of(name);
    Principal::new(name, way, rights, limits, expires)
}
