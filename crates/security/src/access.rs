//! Finds out who a caller is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use tokio::sync::watch;

use crate::jwt::{Checked, JwtVerifier, Verified};
use crate::{
    Config, Credentials, JwtError, Limits, Policy, Principal, Token, Tokens, Unauthenticated, Way,
    check_principal_name,
};

/// Finds out who callers are, by what they show and what is configured. Cheap to clone; clones are one.
#[derive(Clone, Debug)]
pub struct Access(Arc<Data>);

#[derive(Debug)]
struct Data {
    /// `None` if nobody is asked.
    rules: Option<RwLock<Arc<Rules>>>,
    /// Everybody, if nobody is asked.
    unasked: Principal,
    tokens: Tokens,
    changes: watch::Sender<u64>,
}

/// What is configured.
#[derive(Clone, Debug)]
struct Rules {
    policy: Arc<Policy>,
    takes_tokens: bool,
    jwt: Option<JwtVerifier>,
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

    /// Asks everybody for an API token or a client certificate.
    pub fn new(policy: Policy, tokens: Tokens) -> Self {
        let rules = Rules {
            policy: Arc::new(policy),
            takes_tokens: true,
            jwt: None,
        };
        Self::with(Some(rules), tokens)
    }

    /// Asks as a configuration says. Keys for JSON web tokens are fetched in the background from now on.
    ///
    /// # Panics
    /// Outside a Tokio runtime, if the configuration has JSON web tokens.
    pub fn of(config: &Config) -> Self {
        let rules = config.asks().then(|| Rules::of(config, None));
        Self::with(rules, Tokens::default())
    }

    fn with(rules: Option<Rules>, tokens: Tokens) -> Self {
        Self(Arc::new(Data {
            rules: rules.map(|rules| RwLock::new(Arc::new(rules))),
            unasked: Principal::unasked(),
            tokens,
            changes: watch::Sender::new(0),
        }))
    }

    /// Returns whether callers must show who they are.
    pub fn asks(&self) -> bool {
        self.0.rules.is_some()
    }

    /// Returns the policy in force; `None` if nobody is asked.
    pub fn policy(&self) -> Option<Arc<Policy>> {
        self.rules().map(|rules| Arc::clone(&rules.policy))
    }

    /// Puts another policy in force, for the calls that are open too.
    pub fn replace(&self, policy: Policy) {
        if let Some(rules) = self.rules() {
            let policy = Arc::new(policy);
            self.put(Rules {
                policy,
                ..Rules::clone(&rules)
            });
        }
    }

    /// Puts another configuration in force, for the calls that are open too. Fails if callers would be asked now and
    /// were not before, or the reverse: that needs a restart, and nothing changes.
    ///
    /// # Panics
    /// As [`Access::of`] does.
    pub fn apply(&self, config: &Config) -> Result<(), RestartNeeded> {
        match (self.rules(), config.asks()) {
            (Some(rules), true) => {
                self.put(Rules::of(config, rules.jwt.as_ref()));
                Ok(())
            }
            (None, false) => Ok(()),
            (Some(_), false) | (None, true) => Err(RestartNeeded),
        }
    }

    fn rules(&self) -> Option<Arc<Rules>> {
        let rules = self.0.rules.as_ref()?;
        let rules = rules.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&rules))
    }

    fn put(&self, rules: Rules) {
        if let Some(current) = &self.0.rules {
            *current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
            self.0.changes.send_modify(|changes| *changes += 1);
        }
    }

    /// Returns the tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// Finds out who shows this. It must be called on a Tokio runtime.
    pub fn identify(&self, shown: &Credentials) -> Identified {
        let Some(rules) = self.rules() else {
            return Identified::Now(Ok(self.0.unasked.clone()));
        };
        let Some(value) = &shown.authorization else {
            let names = shown.certificate.as_deref();
            return Identified::Now(by_certificate(&rules.policy, names));
        };
        let text = match bearer(value) {
            Ok(text) => text,
            Err(error) => return Identified::Now(Err(error)),
        };
        match &rules.jwt {
            _ if Token::is_meant_by(text) => Identified::Now(self.by_token(&rules, text)),
            Some(jwt) => self.by_jwt(&rules, jwt, text),
            None => Identified::Now(Err(Unauthenticated::NotTaken)),
        }
    }

    fn by_jwt(&self, rules: &Rules, jwt: &JwtVerifier, text: &str) -> Identified {
        match jwt.check(text) {
            Checked::Now(checked) => {
                Identified::Now(checked.and_then(|verified| self.of_jwt(&rules.policy, &verified)))
            }
            Checked::Later(checked) => {
                let access = self.clone();
                Identified::Later(Box::pin(async move {
                    let verified = checked.await?;
                    // The policy may have changed meanwhile.
                    let policy = access.policy().ok_or(Unauthenticated::NotTaken)?;
                    access.of_jwt(&policy, &verified)
                }))
            }
        }
    }

    /// A name belongs to one way: a subject that nobody has configured must not be the name of somebody else.
    fn of_jwt(&self, policy: &Policy, verified: &Verified) -> Result<Principal, Unauthenticated> {
        let subject = verified.subject.as_str();
        let name = match policy.of_subject(subject) {
            Some(name) => name,
            None if check_principal_name(subject).is_err() => {
                return Err(JwtError::Subject.into());
            }
            None if policy.principals.contains_key(subject) || self.0.tokens.is_taken(subject) => {
                return Err(JwtError::NameTaken.into());
            }
            None => subject,
        };
        let (roles, expires) = (&verified.roles, Some(verified.expires));
        Ok(principal(policy, name, Way::Jwt, roles, expires))
    }

    fn by_token(&self, rules: &Rules, text: &str) -> Result<Principal, Unauthenticated> {
        if !rules.takes_tokens {
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
        let (name, roles) = (&known.name, &known.roles);
        Ok(principal(
            &rules.policy,
            name,
            Way::Token,
            roles,
            known.expires,
        ))
    }

    /// Returns a principal with the rights that the policy in force gives to its name and to the roles that it has
    /// brought. It is for a caller who was known, and cannot be asked again at this moment.
    pub fn renewed(&self, known: &Principal) -> Principal {
        let Some(policy) = self.policy() else {
            return known.clone();
        };
        let (name, way) = (known.name(), known.way());
        principal(&policy, name, way, known.roles(), known.expires())
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

impl Rules {
    /// The keys of an issuer are kept if they come from the same place.
    fn of(config: &Config, before: Option<&JwtVerifier>) -> Self {
        let ways = config.authentication.as_ref();
        let jwt = ways.and_then(|ways| ways.jwt.as_ref()).map(|jwt| {
            before.map_or_else(
                || JwtVerifier::start(jwt.clone()),
                |before| before.with(jwt),
            )
        });
        Self {
            policy: Arc::new(config.policy().clone()),
            takes_tokens: ways.is_some_and(|ways| ways.tokens),
            jwt,
        }
    }
}

/// Callers must be asked who they are and were not before, or the reverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("whether callers are asked who they are cannot change while it runs; restart it for that")]
pub struct RestartNeeded;

/// The changes that somebody has seen.
#[derive(Clone, Debug)]
pub struct Seen {
    policies: watch::Receiver<u64>,
    tokens: watch::Receiver<u64>,
}

impl Seen {
    /// Returns whether there was a change since. What was found out before it does not hold any more.
    pub fn is_old(&self) -> bool {
        self.policies.has_changed().unwrap_or(true) || self.tokens.has_changed().unwrap_or(true)
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
    Ok(principal(policy, name, Way::Certificate, &[], None))
}

/// Makes a principal with the roles of the policy and those that it has brought.
fn principal(
    policy: &Policy,
    name: &str,
    way: Way,
    brought: &[String],
    expires: Option<SystemTime>,
) -> Principal {
    let own = policy.principals.get(name).map(|policy| &policy.roles[..]);
    let (mut rights, _) = policy.rights(own.unwrap_or_default().iter().map(String::as_str));
    let (more, unknown) = policy.rights(brought.iter().map(String::as_str));
    if !unknown.is_empty() {
        let roles = unknown.len();
        tracing::debug!(principal = ?name, roles, "some of its roles are not defined, and give nothing");
    }
    rights.add(&more);
    let limits: Limits = policy.limits_of(name);
    Principal::new(name, way, rights, limits, expires).with_roles(brought)
}
