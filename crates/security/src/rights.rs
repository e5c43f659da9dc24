//! Says what a caller may do. This is the only place that says yes.

use std::collections::BTreeMap;

use seriatim_core::Domain;

use crate::{DomainPattern, Principal, Verb};

/// What somebody may do: the verbs, each for some domains. Everything else is denied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights(BTreeMap<Verb, Vec<DomainPattern>>);

impl Rights {
    /// Returns the right to do everything in every domain, Seriatim's own included.
    pub fn everything() -> Self {
        let own = format!("{}*", crate::OWN_DOMAINS).parse();
        let domains = vec![DomainPattern::all(), own.expect("it is a pattern")];
        Self(Verb::ALL.map(|verb| (verb, domains.clone())).into())
    }

    /// Adds a right. A verb of the whole server needs no domains.
    #[must_use]
    pub fn grant(mut self, verb: Verb, domains: impl IntoIterator<Item = DomainPattern>) -> Self {
        self.0.entry(verb).or_default().extend(domains);
        self
    }

    /// Adds all rights of `other`.
    pub fn add(&mut self, other: &Self) {
        for (verb, domains) in &other.0 {
            let ours = self.0.entry(*verb).or_default();
            ours.extend(domains.iter().cloned());
        }
    }

    /// Returns the verbs and their domains.
    pub fn iter(&self) -> impl Iterator<Item = (Verb, &[DomainPattern])> {
        self.0.iter().map(|(verb, domains)| (*verb, &domains[..]))
    }

    /// Returns whether they contain a verb for all domains of applications, and so need not be asked for each.
    pub fn are_everywhere(&self, verb: Verb) -> bool {
        let granted = self.0.get(&verb);
        granted.is_some_and(|domains| domains.contains(&DomainPattern::all()))
    }

    /// Returns whether they contain a verb for a domain, or at all if there is none.
    fn contain(&self, verb: Verb, domain: Option<&Domain>) -> bool {
        let granted = self.0.get(&verb);
        match domain {
            Some(domain) => {
                granted.is_some_and(|domains| domains.iter().any(|pattern| pattern.matches(domain)))
            }
            None => granted.is_some(),
        }
    }
}

/// Decides whether a principal may do something. Nothing else in Seriatim decides that.
///
/// `domain` is what it is done to. Without one the question is whether the principal may do it to any domain at all:
/// ask so before a request is read, or for a verb of the whole server.
pub fn authorise(principal: &Principal, verb: Verb, domain: Option<&Domain>) -> Result<(), Denied> {
    match principal.rights().contain(verb, domain) {
        true => Ok(()),
        false => Err(Denied { verb }),
    }
}

/// The caller may not do this. It does not say whether what was asked for exists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "you may not do this: it needs the right `{verb}` for what you asked for; ask who runs this server for a role with it"
)]
pub struct Denied {
    /// The missing right.
    pub verb: Verb,
}
