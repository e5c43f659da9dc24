//! Names a caller that has shown who it is.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::Rights;

/// The way in which a caller has shown who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// It was not asked.
    Unasked,
    /// By an API token.
    Token,
    /// By a JSON web token of a provider of identities.
    Jwt,
    /// By a client certificate.
    Certificate,
}

/// A caller that has shown who it is, with its rights at this moment. Cheap to clone.
#[derive(Clone)]
pub struct Principal(Arc<Data>);

struct Data {
    name: String,
    way: Way,
    rights: Rights,
    limits: Limits,
    expires: Option<SystemTime>,
    /// The roles that it has brought itself, in a token.
    roles: Vec<String>,
}

/// What one principal may take of a server at once. `None` means that only the limits of the server apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The number of requests that may be unanswered at once.
    pub in_flight: Option<u32>,
    /// The number of requests in a second, with a burst of as many.
    pub per_second: Option<u32>,
    /// The number of subscriptions that may be open at once.
    pub subscriptions: Option<u32>,
}

impl Principal {
    /// Makes a principal. After `expires` it must show again who it is.
    pub fn new(
        name: impl Into<String>,
        way: Way,
        rights: Rights,
        limits: Limits,
        expires: Option<SystemTime>,
    ) -> Self {
        Self(Arc::new(Data {
            name: name.into(),
            way,
            rights,
            limits,
            expires,
            roles: Vec::new(),
        }))
    }

    /// Notes the roles that it has brought itself, of which the rights were made.
    pub(crate) fn with_roles(mut self, roles: &[String]) -> Self {
        if let Some(data) = Arc::get_mut(&mut self.0) {
            data.roles = roles.to_vec();
        }
        self
    }

    pub(crate) fn roles(&self) -> &[String] {
        &self.0.roles
    }

    /// Returns the one principal of a server that does not ask who its callers are. It may do everything.
    pub fn unasked() -> Self {
        let everything = Rights::everything();
        Self::new("", Way::Unasked, everything, Limits::default(), None)
    }

    /// Returns its name, which is unique among the principals of a server, however they show who they are. It is empty
    /// if nobody asked.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns how it has shown who it is.
    pub fn way(&self) -> Way {
        self.0.way
    }

    /// Returns what it may do.
    pub fn rights(&self) -> &Rights {
        &self.0.rights
    }

    /// Returns what it may take at once.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Returns whether it must show again who it is.
    pub fn has_expired(&self) -> bool {
        (self.0.expires).is_some_and(|expires| expires <= SystemTime::now())
    }

    /// Returns the time after which it must show again who it is.
    pub fn expires(&self) -> Option<SystemTime> {
        self.0.expires
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("name", &self.0.name)
            .field("way", &self.0.way)
            .finish_non_exhaustive()
    }
}
