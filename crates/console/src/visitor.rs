//! Holds who looks at a page, and asks what they may do.

use seriatim_core::Domain;
use seriatim_security::{Principal, Verb, authorise};

use crate::refusal::Refusal;

/// Somebody who looks at a page. The door asks anew for each request.
#[derive(Clone, Debug)]
pub(crate) struct Visitor(pub(crate) Principal);

impl Visitor {
    /// Returns the name under which it acts; `None` if nobody asked.
    pub(crate) fn name(&self) -> Option<String> {
        let name = self.0.name();
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// Returns whether it may do something to a domain.
    pub(crate) fn may(&self, verb: Verb, domain: &Domain) -> bool {
        authorise(&self.0, verb, Some(domain)).is_ok()
    }

    /// Returns whether it may do something to any domain at all, or to the whole server.
    pub(crate) fn may_at_all(&self, verb: Verb) -> bool {
        authorise(&self.0, verb, None).is_ok()
    }

    /// Fails if it may not do something to any domain at all, or to the whole server.
    pub(crate) fn check(&self, verb: Verb) -> Result<(), Refusal> {
        authorise(&self.0, verb, None).map_err(|denied| Refusal::Denied(denied.verb))
    }
}
