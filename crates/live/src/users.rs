//! Counts what each user takes of this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::allowance::Allowance;
use crate::settings::LiveSettings;

/// The commands that may come at once, in seconds of the rate.
const BURST_SECONDS: u32 = 5;

/// The users that are remembered before those are forgotten whose allowance is full again.
const REMEMBERED: usize = 10_000;

/// The users that are connected, and those whose allowance is not full again.
#[derive(Debug, Default)]
pub(crate) struct Users(Mutex<HashMap<Arc<str>, User>>);

#[derive(Debug)]
struct User {
    connections: usize,
    sends: Allowance,
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
        settings: &LiveSettings,
    ) -> Result<Counted, TooMany> {
        let mut users = self.lock();
        if users.len() >= REMEMBERED {
            let now = Instant::now();
            users.retain(|_, user| user.connections > 0 || !user.sends.is_full(now));
        }
        let known = users.entry(Arc::clone(user)).or_insert_with(|| {
            let rate = settings.sends_per_second;
            User {
                connections: 0,
                sends: Allowance::new(rate, rate.saturating_mul(BURST_SECONDS), Instant::now()),
            }
        });
        if known.connections >= settings.connections_of_user {
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
    /// Takes one command or signal of what the user may send. Fails with the time to wait.
    pub(crate) fn send_one(&self) -> Result<(), Duration> {
        match self.users.lock().get_mut(&self.user) {
            Some(user) => user.sends.take(Instant::now()),
            None => Ok(()),
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut users = self.users.lock();
        if let Some(user) = users.get_mut(&self.user) {
            user.connections -= 1;
            // Somebody who comes back at once must not begin with a full allowance each time.
            if user.connections == 0 && user.sends.is_full(Instant::now()) {
                users.remove(&self.user);
            }
        }
    }
}
