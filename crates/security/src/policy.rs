//! Holds what the configuration says about principals.

use std::collections::BTreeMap;
use std::fmt;

use seriatim_core::Domain;

use crate::{DomainPattern, Limits, Rights, Verb};

/// What is configured about principals: roles, who has them, and limits. It is plain data; [`Access`](crate::Access)
/// applies it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The roles by name.
    pub roles: BTreeMap<String, Rights>,
    /// The principals by name. A token or a JSON web token may also bring roles of its own.
    pub principals: BTreeMap<String, PrincipalPolicy>,
    /// What principals may take of which nothing else is said.
    pub limits: Limits,
}

/// What is configured about one principal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrincipalPolicy {
    /// Its roles.
    pub roles: Vec<String>,
    /// The names in client certificates that show that a caller is this principal: a DNS name or a URI.
    pub certificates: Vec<String>,
    /// The subjects of JSON web tokens that show it.
    pub subjects: Vec<String>,
    /// Its own limits; what they leave open is taken from [`Policy::limits`].
    pub limits: Limits,
}

impl Policy {
    /// Returns the rights of roles, and the roles that do not exist, which give none.
    pub fn rights<'r>(&self, roles: impl IntoIterator<Item = &'r str>) -> (Rights, Vec<&'r str>) {
        let (mut rights, mut unknown) = (Rights::default(), Vec::new());
        for role in roles {
            match self.roles.get(role) {
                Some(granted) => rights.add(granted),
                None => unknown.push(role),
            }
        }
        (rights, unknown)
    }

    /// Returns the limits of a principal.
    pub fn limits_of(&self, principal: &str) -> Limits {
        let own = self.principals.get(principal).map(|policy| &policy.limits);
        own.map_or_else(|| self.limits.clone(), |own| own.or(&self.limits))
    }

    /// Returns the principal that a client certificate with these names shows; `None` if it could be several.
    pub fn of_certificate(&self, names: &[String]) -> Option<&str> {
        let mut found = self.principals.iter().filter(|(_, policy)| {
            let mut configured = policy.certificates.iter();
            configured.any(|name| names.iter().any(|shown| is_same(name, shown)))
        });
        let (name, _) = found.next()?;
        found.next().is_none().then_some(name)
    }

    /// Returns the principal that a JSON web token with this subject shows, if one is configured.
    pub fn of_subject(&self, subject: &str) -> Option<&str> {
        self.find(|policy| policy.subjects.iter().any(|known| known == subject))
    }

    /// Fails if a grant selects none of these domains, which are those of an application: it was mistyped, or is out of
    /// date. Seriatim's own domains are known.
    pub fn check_domains(&self, domains: &[Domain]) -> Result<(), UnknownDomains> {
        let is_known = |pattern: &DomainPattern| {
            pattern.is_of_own() || domains.iter().any(|domain| pattern.matches(domain))
        };
        let mut grants = Vec::new();
        for (role, rights) in &self.roles {
            for (verb, patterns) in rights.iter() {
                let unknown = patterns.iter().filter(|pattern| !is_known(pattern));
                grants.extend(unknown.map(|pattern| (role.clone(), verb, pattern.clone())));
            }
        }
        match grants.is_empty() {
            true => Ok(()),
            false => Err(UnknownDomains {
                grants,
                known: domains.to_vec(),
            }),
        }
    }

    fn find(&self, is_it: impl Fn(&PrincipalPolicy) -> bool) -> Option<&str> {
        let found = self.principals.iter().find(|(_, policy)| is_it(policy));
        found.map(|(name, _)| name.as_str())
    }
}

/// Some grants select no domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDomains {
    /// The role, the verb, and the pattern that selects nothing.
    pub grants: Vec<(String, Verb, DomainPattern)>,
    /// The domains that there are.
    pub known: Vec<Domain>,
}

impl fmt::Display for UnknownDomains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grants = self.grants.iter();
        let grants = grants.map(|(role, verb, pattern)| {
            format!("the role `{role}` grants `{verb}` for `{pattern}`, which selects no domain")
        });
        let known: Vec<_> = self
            .known
            .iter()
            .map(|domain| format!("`{domain}`"))
            .collect();
        let grants = grants.collect::<Vec<_>>().join("; ");
        write!(f, "{grants}; the domains are {}", known.join(", "))
    }
}

impl std::error::Error for UnknownDomains {}

/// The case of a DNS name has no meaning. That of a URI has one.
fn is_same(configured: &str, shown: &str) -> bool {
    match configured.contains(':') {
        true => configured == shown,
        false => configured.eq_ignore_ascii_case(shown),
    }
}

impl Limits {
    /// Returns these limits, and those of `other` where there is none.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            in_flight: self.in_flight.or(other.in_flight),
            per_second: self.per_second.or(other.per_second),
            subscriptions: self.subscriptions.or(other.subscriptions),
        }
    }
}
