//! Limits what one principal takes of the server, so that others do not feel it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use seriatim_security::{Limits, Principal, Rate};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use crate::method::{Kind, Method};

/// The time after which to send again if as much is open as is allowed.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// The time whose requests may come at once.
const BURST: Duration = Duration::from_secs(1);
/// The number of principals from which on those that take nothing are forgotten.
const MANY: usize = 1024;

/// The allowances of all principals that have one.
#[derive(Debug, Default)]
pub(crate) struct Allowances(Mutex<HashMap<String, Arc<Allowance>>>);

/// What one principal may take, over all its connections.
#[derive(Debug)]
pub(crate) struct Allowance {
    limits: Limits,
    in_flight: Option<Arc<Semaphore>>,
    subscriptions: Option<Arc<Semaphore>>,
    rate: Option<Mutex<Rate>>,
}

/// What a call takes of an allowance. Dropping it gives that back.
pub(crate) type Taken = Option<OwnedSemaphorePermit>;

impl Allowances {
    /// Returns the allowance of a principal; `None` if it has no limits of its own. New limits begin a new allowance.
    pub(crate) fn of(&self, principal: &Principal) -> Option<Arc<Allowance>> {
        let limits = principal.limits();
        if *limits == Limits::default() {
            return None;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(principal.name())
            && known.limits == *limits
        {
            return Some(Arc::clone(known));
        }
        if all.len() >= MANY {
            all.retain(|_, allowance| Arc::strong_count(allowance) > 1);
        }
        let allowance = Arc::new(Allowance::new(limits));
        all.insert(principal.name().to_owned(), Arc::clone(&allowance));
        Some(allowance)
    }
}

impl Allowance {
    fn new(limits: &Limits) -> Self {
        let many = |limit: Option<u32>| limit.map(|limit| Arc::new(Semaphore::new(limit as usize)));
        Self {
            limits: limits.clone(),
            in_flight: many(limits.in_flight),
            subscriptions: many(limits.subscriptions),
            rate: limits
                .per_second
                .map(|rate| Mutex::new(Rate::new(rate, BURST))),
        }
    }

    /// Takes what a call needs. Fails with the time after which to try again. The requests of a call with many are not
    /// counted here: each has its [`turn`](Self::turn).
    pub(crate) fn take(&self, method: &Method) -> Result<Taken, Duration> {
        let of = match method.kind {
            Kind::Requests => return Ok(None),
            Kind::Feed => &self.subscriptions,
            Kind::Question | Kind::Piecemeal => &self.in_flight,
        };
        let taken = match of {
            Some(of) => Some(
                Arc::clone(of)
                    .try_acquire_owned()
                    .map_err(|_| RETRY_AFTER)?,
            ),
            None => None,
        };
        self.pace()?;
        Ok(taken)
    }

    /// Waits until one more request may be in flight.
    pub(crate) async fn turn(&self) -> Taken {
        let taken = match &self.in_flight {
            Some(of) => Some(
                Arc::clone(of)
                    .acquire_owned()
                    .await
                    .expect("it is never closed"),
            ),
            None => None,
        };
        while let Err(wait) = self.pace() {
            sleep(wait).await;
        }
        taken
    }

    /// Counts one request. Fails with the time to wait if there were too many.
    fn pace(&self) -> Result<(), Duration> {
        match &self.rate {
            Some(rate) => rate
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pass(Instant::now()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use seriatim_security::{Rights, Way};

    use super::*;

    #[test]
    fn principals_without_limits_have_no_allowance_and_others_one() {
        let with = |name: &str, limits: Limits| {
            Principal::new(name, Way::Token, Rights::default(), limits, None)
        };
        let all = Allowances::default();
        assert!(all.of(&with("ann", Limits::default())).is_none());
        let one = Limits {
            in_flight: Some(1),
            ..Limits::default()
        };
        let (first, again) = (
            all.of(&with("bob", one.clone())),
            all.of(&with("bob", one.clone())),
        );
        assert!(Arc::ptr_eq(&first.unwrap(), &again.unwrap()));
        let method = Method::at("/seriatim.v1.CommandService/Submit");
        let bob = all.of(&with("bob", one.clone())).unwrap();
        let taken = bob.take(&method).unwrap();
        assert!(bob.take(&method).is_err());
        assert!(all.of(&with("eve", one)).unwrap().take(&method).is_ok());
        drop(taken);
        assert!(bob.take(&method).is_ok());
        let more = Limits {
            in_flight: Some(2),
            ..Limits::default()
        };
        assert!(!Arc::ptr_eq(&bob, &all.of(&with("bob", more)).unwrap()));
    }
}
