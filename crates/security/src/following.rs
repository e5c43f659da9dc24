//! Follows who a caller is while it stays connected.

use std::fmt;
use std::future::pending;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use crate::access::Seen;
use crate::{Access, Credentials, Identified, Principal, Unauthenticated};

/// The longest time until a clock is looked at again, because it may be set.
const LOOK: Duration = Duration::from_secs(60);
/// The time after which it is asked again who a caller is that could not be found out.
const AGAIN: Duration = Duration::from_secs(5);

type Answer = Pin<Box<dyn Future<Output = Result<Principal, Unauthenticated>> + Send>>;

/// A caller that stays connected, and what it may do as that changes. [`Access::follow`] makes it.
pub struct Following {
    access: Access,
    credentials: Credentials,
    seen: Seen,
    known: Principal,
    /// An answer of somebody else that is on its way.
    later: Option<Answer>,
    /// False until the caller was identified once since the watch began.
    has_begun: bool,
    /// True if somebody else could not be asked.
    is_open: bool,
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following")
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Follows a caller that was identified as `known` by what it shows.
    pub fn follow(&self, credentials: Credentials, known: Principal) -> Following {
        Following {
            seen: self.watch(),
            access: self.clone(),
            credentials,
            known,
            later: None,
            has_begun: false,
            is_open: false,
        }
    }
}

impl Following {
    /// Waits until the caller may have other rights, and returns who it is now. The first call returns without waiting
    /// for a change, so that no change before it is missed.
    ///
    /// Fails if what the caller shows has expired ([`Unauthenticated::Expired`]) or does not count any more. While a
    /// provider of identities cannot be asked, the caller keeps its roles, until it expires.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Principal, Unauthenticated> {
        let identified = match self.later.as_mut() {
            Some(later) => later.await,
            None => {
                if self.has_begun {
                    self.wait().await;
                }
                self.has_begun = true;
                match self.access.identify(&self.credentials) {
                    Identified::Now(identified) => identified,
                    Identified::Later(later) => {
                        self.later = Some(later);
                        // The rights follow the policy meanwhile.
                        return Ok(self.renew());
                    }
                }
            }
        };
        self.later = None;
        self.is_open = false;
        match identified {
            Ok(principal) => {
                self.known = principal.clone();
                Ok(principal)
            }
            // It was checked before. If it has expired by then, that is found without asking anybody.
            Err(Unauthenticated::Unavailable) if !self.known.has_expired() => {
                self.is_open = true;
                Ok(self.renew())
            }
            Err(Unauthenticated::Unavailable) => Err(Unauthenticated::Expired),
            Err(reason) => Err(reason),
        }
    }

    fn renew(&mut self) -> Principal {
        self.known = self.access.renewed(&self.known);
        self.known.clone()
    }

    async fn wait(&mut self) {
        tokio::select! {
            () = self.access.changed(&mut self.seen) => {}
            () = until(self.known.expires()) => {}
            // Nobody tells when the keys of web tokens can be fetched again.
            () = sleep(AGAIN), if self.is_open => {}
        }
    }
}

async fn until(expires: Option<SystemTime>) {
    let Some(expires) = expires else {
        return pending().await;
    };
    let left = expires
        .duration_since(SystemTime::now())
        .unwrap_or_default();
    sleep(left.min(LOOK)).await;
}
