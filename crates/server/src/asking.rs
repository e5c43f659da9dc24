//! Finds out who makes a call.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use seriatim_security::{Access, Credentials, Identified, Principal, Seen, Unauthenticated};

use crate::ServerSettings;
use crate::allowance::Allowances;
use crate::caller::Caller;
use crate::method::{Method, Need};
use crate::operation_recorder::OperationRecorder;
use crate::strangers::Standing;

/// The time for which the last caller of a connection is remembered. The keys of web tokens may be withdrawn, and the use
/// of a token is recorded for each day.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How a server asks its callers who they are.
#[derive(Debug)]
pub(crate) struct Asking {
    access: Access,
    open_health: bool,
    open_reflection: bool,
    /// The one caller, if nobody is asked.
    everybody: Caller,
    allowances: Allowances,
    recorder: OperationRecorder,
}

/// The other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    asking: Arc<Asking>,
    /// The names in the certificate that it has shown.
    certificate: Option<Arc<[String]>>,
    standing: Standing,
    /// Who made the last call. Most connections have one caller.
    last: Mutex<Option<Known>>,
}

/// A caller that is known, until something changes.
#[derive(Debug)]
struct Known {
    caller: Caller,
    /// When it was found out.
    since: Instant,
}

/// The answer to the question who makes a call.
pub(crate) enum Asked {
    Now(Result<Caller, Unauthenticated>),
    Later(BoxFuture<'static, Result<Caller, Unauthenticated>>),
}

impl Asking {
    pub(crate) fn new(
        access: Access,
        recorder: OperationRecorder,
        settings: &ServerSettings,
    ) -> Self {
        Self {
            access,
            open_health: settings.open_health,
            open_reflection: settings.open_reflection,
            everybody: Caller::everybody(),
            allowances: Allowances::default(),
            recorder,
        }
    }

    /// Returns whether it tells nobody its methods.
    pub(crate) fn hides_methods(&self) -> bool {
        self.access.asks() && !self.open_reflection
    }

    /// Returns the record of who is turned away.
    pub(crate) fn recorder(&self) -> &OperationRecorder {
        &self.recorder
    }

    /// Returns whether everybody may call a method.
    fn is_open(&self, method: &Method) -> bool {
        let is_open = match method.need {
            Need::Health => self.open_health,
            Need::Reflection => self.open_reflection,
            Need::Right(_) | Need::OneOf(_) | Need::Nothing => false,
        };
        is_open || !self.access.asks()
    }
}

impl Peer {
    pub(crate) fn new(
        asking: &Arc<Asking>,
        certificate: Option<Arc<[String]>>,
        standing: Standing,
    ) -> Self {
        if !asking.access.asks() {
            standing.is_known_now();
        }
        Self {
            asking: Arc::clone(asking),
            certificate,
            standing,
            last: Mutex::default(),
        }
    }

    /// Finds out who makes a call. The header that shows it goes no further.
    pub(crate) fn identify(self: &Arc<Self>, method: &Method, headers: &mut HeaderMap) -> Asked {
        let credentials = credentials(headers, self.certificate.as_ref());
        if self.asking.is_open(method) {
            return Asked::Now(Ok(self.asking.everybody.clone()));
        }
        let credentials = match credentials {
            Ok(credentials) => credentials,
            Err(error) => return Asked::Now(Err(error)),
        };
        if let Some(known) = self.known(&credentials) {
            return Asked::Now(Ok(known));
        }
        let access = &self.asking.access;
        // Watched from before the question, so that no change is missed.
        let seen = access.watch();
        match access.identify(&credentials) {
            Identified::Now(principal) => {
                Asked::Now(principal.map(|principal| self.learn(credentials, principal, seen)))
            }
            Identified::Later(principal) => {
                let peer = Arc::clone(self);
                Asked::Later(Box::pin(async move {
                    Ok(peer.learn(credentials, principal.await?, seen))
                }))
            }
        }
    }

    /// Returns the last caller, if it has shown the same and nothing has changed since.
    fn known(&self, credentials: &Credentials) -> Option<Caller> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = last.as_ref().is_some_and(|known| {
            known.caller.shows(credentials)
                && known.since.elapsed() < REMEMBERED
                && known.caller.is_current()
        });
        if !is_it {
            // It must show anew who it is, each time until it succeeds.
            *last = None;
        }
        last.as_ref().map(|known| known.caller.clone())
    }

    fn learn(&self, credentials: Credentials, principal: Principal, seen: Seen) -> Caller {
        let Asking {
            access,
            allowances,
            recorder,
            ..
        } = &*self.asking;
        self.standing.is_known_now();
        let allowance = allowances.of(&principal);
        let recorder = recorder.clone();
        let shown = (principal, Some(seen));
        let caller = Caller::new(access, credentials, shown, allowance, recorder);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Known {
            caller: caller.clone(),
            since: Instant::now(),
        });
        caller
    }
}

/// Takes what shows who makes a call out of its metadata.
fn credentials(
    headers: &mut HeaderMap,
    certificate: Option<&Arc<[String]>>,
) -> Result<Credentials, Unauthenticated> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let authorization = values.next().map(|value| value.as_bytes().into());
    if values.next().is_some() {
        return Err(Unauthenticated::Malformed);
    }
    headers.remove(AUTHORIZATION);
    Ok(Credentials {
        authorization,
        certificate: certificate.map(Arc::clone),
    })
}
