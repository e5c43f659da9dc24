//! Counts what each user takes of this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seriatim_security::{Principal, Rate};
use tokio::time::Instant;

use crate::settings::LiveSettings;

/// The time whose commands may come at once: by the settings, and by a limit of the principal.
const BURST: Duration = Duration::from_secs(5);
const OWN_BURST: Duration = Duration::from_secs(1);

/// The users that are remembered before those are forgotten who could send as much as anybody new.
const REMEMBERED: usize = 10_000;

/// The users that are connected, and those who could not send as much as anybody new.
#[derive(Debug, Default)]
pub(crate) struct Users(Mutex<HashMap<Arc<str>, User>>);

#[derive(Debug)]
struct User {
    connections: usize,
    may: Allowed,
    sends: Rate,
}

/// What a user may take: what the settings say, or less if the principal has limits of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Allowed {
    connections: usize,
    per_second: u32,
    burst: Duration,
}

impl Allowed {
    fn of(principal: &Principal, settings: &LiveSettings) -> Self {
        let limits = principal.limits();
        let connections = limits.subscriptions.map(|most| most as usize);
        let (per_second, burst) = match limits.per_second {
            Some(own) => (own, OWN_BURST),
            None => (settings.sends_per_second, BURST),
        };
        Self {
            connections: connections.map_or(settings.connections_of_user, |most| {
                most.min(settings.connections_of_user)
            }),
            per_second,
            burst,
        }
    }

    fn rate(self) -> Rate {
        Rate::new(self.per_second, self.burst)
    }
}

impl User {
    fn new(may: Allowed) -> Self {
        Self {
            connections: 0,
            sends: may.rate(),
            may,
        }
    }

    /// New limits begin a new rate.
    fn renew(&mut self, may: Allowed) {
        if self.may != may {
            self.may = may;
            self.sends = may.rate();
        }
    }
}

/// A connection that is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    users: Arc<Users>,
    user: Arc<str>,
}

/// The user has too many connections.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Users {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, User>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a connection of a user.
    pub(crate) fn connect(
        self: &Arc<Self>,
        user: &Arc<str>,
        principal: &Principal,
        settings: &LiveSettings,
    ) -> Result<Counted, TooMany> {
        let may = Allowed::of(principal, settings);
        let mut users = self.lock();
        if users.len() >= REMEMBERED {
            let now = Instant::now();
            users.retain(|_, user| user.connections > 0 || !user.sends.is_rested(now));
        }
        let known = users.entry(Arc::clone(user));
        let known = known.or_insert_with(|| User::new(may));
        known.renew(may);
        if known.connections >= may.connections {
            return Err(TooMany);
        }
        known.connections += 1;
        Ok(Counted {
            users: Arc::clone(self),
            user: Arc::clone(user),
        })
    }
}

impl Counted {
    /// Goes on with the limits that the principal has now.
    pub(crate) fn renew(&self, principal: &Principal, settings: &LiveSettings) {
        if let Some(user) = self.users.lock().get_mut(&self.user) {
            user.renew(Allowed::of(principal, settings));
        }
    }

    /// Takes one command or signal of what the user may send. Fails with the time to wait.
    pub(crate) fn send_one(&self) -> Result<(), Duration> {
        match self.users.lock().get_mut(&self.user) {
            Some(user) => user.sends.pass(Instant::now()),
            None => Ok(()),
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut users = self.users.lock();
        if let Some(user) = users.get_mut(&self.user) {
            user.connections -= 1;
            // A user who comes back at once must not begin anew each time.
            if user.connections == 0 && user.sends.is_rested(Instant::now()) {
                users.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use seriatim_security::{Limits, Rights, Way};

    use super::*;

    fn principal(per_second: Option<u32>, subscriptions: Option<u32>) -> Principal {
        let limits = Limits {
            per_second,
            subscriptions,
            ..Limits::default()
        };
        Principal::new("ann", Way::Token, Rights::default(), limits, None)
    }

    #[test]
    fn the_limits_of_a_principal_hold_over_all_its_connections() {
        let (users, ann) = (Arc::new(Users::default()), Arc::from("ann"));
        let settings = LiveSettings::default();
        let connect = |limits: &Principal| users.connect(&ann, limits, &settings);
        let limited = principal(Some(3), Some(2));
        let (one, other) = (connect(&limited).unwrap(), connect(&limited).unwrap());
        assert_eq!(connect(&limited).unwrap_err(), TooMany);
        let sent = [&one, &other, &one, &other].map(|connection| connection.send_one().is_ok());
        assert_eq!(sent, [true, true, true, false]);
        // Another policy holds at once.
        one.renew(&principal(None, None), &settings);
        assert!((0..settings.sends_per_second).all(|_| other.send_one().is_ok()));
        drop(connect(&principal(None, None)).unwrap());
    }

    #[test]
    fn a_user_who_comes_back_does_not_begin_anew_and_nobody_is_remembered_for_ever() {
        let (users, ann) = (Arc::new(Users::default()), Arc::from("ann"));
        let settings = LiveSettings::default();
        let limited = principal(Some(1), None);
        let connected = users.connect(&ann, &limited, &settings).unwrap();
        assert_eq!(connected.send_one(), Ok(()));
        drop(connected);
        let again = users.connect(&ann, &limited, &settings).unwrap();
        assert!(again.send_one().is_err());
        drop(again);
        assert_eq!(users.lock().len(), 1);
        let bob = Arc::from("bob");
        drop(users.connect(&bob, &limited, &settings).unwrap());
        assert_eq!(users.lock().len(), 1, "bob has sent nothing");
    }
}
