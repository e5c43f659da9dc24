//! Knows who makes a call, and asks what it may do.

use std::sync::{Arc, Mutex, PoisonError};

use seriatim_core::{
    ConflictReason, Domain, QueryError, SequenceConflict, SubmitError, is_actor_of_reactions,
};
use seriatim_proto::status::WireError;
use seriatim_security::{
    Access, Credentials, Denied, Identified, Principal, Seen, Unauthenticated, Verb, Way, authorise,
};
use tonic::Status;

use crate::allowance::Allowance;
use crate::meter::{self, TurnedAway};
use crate::method::Need;
use crate::operation_recorder::OperationRecorder;

/// Who makes a call. Cheap to clone; clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Caller(Arc<Data>);

#[derive(Debug)]
struct Data {
    access: Access,
    credentials: Credentials,
    /// It changes in calls that stay open, while [`Caller::ended`] is polled.
    principal: Mutex<Principal>,
    /// What had changed when it was asked who it is; `None` if nobody is asked.
    seen: Option<Seen>,
    allowance: Option<Arc<Allowance>>,
    recorder: OperationRecorder,
}

impl Caller {
    pub(crate) fn new(
        access: &Access,
        credentials: Credentials,
        (principal, seen): (Principal, Option<Seen>),
        allowance: Option<Arc<Allowance>>,
        recorder: OperationRecorder,
    ) -> Self {
        Self(Arc::new(Data {
            access: access.clone(),
            credentials,
            principal: Mutex::new(principal),
            seen,
            allowance,
            recorder,
        }))
    }

    /// Returns the one caller of a server that does not ask.
    pub(crate) fn everybody() -> Self {
        let access = Access::unasked();
        let (nobody, closed) = (Principal::unasked(), OperationRecorder::closed());
        Self::new(
            &access,
            Credentials::default(),
            (nobody, None),
            None,
            closed,
        )
    }

    /// Returns whether it may lose its rights.
    pub(crate) fn may_end(&self) -> bool {
        self.0.access.asks()
    }

    /// Returns whether what was found out of it still holds.
    pub(crate) fn is_current(&self) -> bool {
        let is_old = self.0.seen.as_ref().is_some_and(Seen::is_old);
        !is_old && !self.principal().has_expired()
    }

    /// Fails if it may not call the method any more. A request may arrive long after its call has begun.
    pub(crate) fn ask_again(&self, need: Need) -> Result<(), Status> {
        if self.is_current() {
            return Ok(());
        }
        let principal = match self.0.access.identify(&self.0.credentials) {
            Identified::Now(principal) => principal,
            Identified::Later(_) => Err(Unauthenticated::Unavailable),
        };
        let principal = principal.map_err(|error| error.to_status())?;
        *self
            .0
            .principal
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = principal;
        self.check_need(need)
    }

    /// Returns whether it has shown exactly this.
    pub(crate) fn shows(&self, credentials: &Credentials) -> bool {
        self.0.credentials == *credentials
    }

    fn become_now(&self, principal: Principal) {
        *self
            .0
            .principal
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = principal;
    }

    pub(crate) fn principal(&self) -> Principal {
        let principal = self.0.principal.lock();
        principal.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the record of what it does as an operator.
    pub(crate) fn recorder(&self) -> &OperationRecorder {
        &self.0.recorder
    }

    /// Counts that it was turned away.
    fn turned_away(&self, verb: Verb) {
        meter::turned_away(TurnedAway::Denied);
        let principal = self.principal();
        self.recorder()
            .turned_away(Some(principal.name()), verb.name());
    }

    /// Returns what it may take, if that is limited.
    pub(crate) fn allowance(&self) -> Option<&Arc<Allowance>> {
        self.0.allowance.as_ref()
    }

    /// Fails if it may not do this to a domain, or to any if there is none.
    pub(crate) fn check(&self, verb: Verb, domain: Option<&Domain>) -> Result<(), Status> {
        authorise(&self.principal(), verb, domain).map_err(|denied| {
            self.turned_away(verb);
            denied.to_status()
        })
    }

    /// Fails if it may not call a method at all.
    pub(crate) fn check_need(&self, need: Need) -> Result<(), Status> {
        match need.is_met_by(&self.principal()) {
            true => Ok(()),
            false => {
                if let Some(verb) = need.verb() {
                    self.turned_away(verb);
                }
                Err(denied(need))
            }
        }
    }

    /// Returns whether it may do this to a domain.
    pub(crate) fn may(&self, verb: Verb, domain: &Domain) -> bool {
        authorise(&self.principal(), verb, Some(domain)).is_ok()
    }

    /// Returns the actor to record for a call that has `said` one: the principal, or who it speaks for. If nobody is
    /// asked, it is who was said. An effect is recorded under the name of its reaction.
    pub(crate) fn actor(
        &self,
        said: Option<&str>,
        is_effect: bool,
    ) -> Result<Option<String>, Status> {
        let principal = self.principal();
        let name = principal.name();
        match said {
            _ if principal.way() == Way::Unasked => Ok(said.map(str::to_owned)),
            Some(said) if is_effect && is_actor_of_reactions(said) => Ok(Some(said.to_owned())),
            Some(said) if said != name => {
                self.check(Verb::ActFor, None)?;
                Ok(Some(format!("{said} via {name}")))
            }
            Some(_) | None => Ok(Some(name.to_owned())),
        }
    }

    /// Returns the status of an error, without what the caller may not know: other domains, and events of a domain that
    /// it may not read.
    pub(crate) fn refusal(&self, mut error: SubmitError) -> Status {
        match &mut error {
            SubmitError::UnknownDomain { known, .. } => self.keep_known(known),
            SubmitError::Conflict(conflict) => self.keep_events(conflict),
            _ => {}
        }
        error.to_status()
    }

    /// Returns the status of an error, without the domains that the caller may not know.
    pub(crate) fn no_answer(&self, mut error: QueryError) -> Status {
        if let QueryError::UnknownDomain { known, .. } = &mut error {
            self.keep_known(known);
        }
        error.to_status()
    }

    /// Returns whether it may do this to every domain of applications.
    pub(crate) fn may_everywhere(&self, verb: Verb) -> bool {
        self.principal().rights().are_everywhere(verb)
    }

    /// Leaves out the domains that it has no right for.
    pub(crate) fn keep_known(&self, known: &mut Vec<Domain>) {
        let verbs = [Verb::Read, Verb::Submit, Verb::RecordFact, Verb::Simulate];
        known.retain(|domain| verbs.iter().any(|verb| self.may(*verb, domain)));
    }

    /// Leaves out what it has no right to read of a conflict.
    fn keep_events(&self, conflict: &mut SequenceConflict) {
        if self.may(Verb::Read, &conflict.stream.domain) {
            return;
        }
        conflict.intervening.clear();
        if let ConflictReason::DecisionDiffers { then, now, .. } = &mut conflict.reason {
            then.clear();
            now.clear();
        }
    }

    /// Waits until the call may not go on: what the caller shows has expired or was revoked, or its rights were taken
    /// away. Until then its rights follow every change.
    pub(crate) async fn ended(self, need: Need) -> Status {
        let Data {
            access,
            credentials,
            ..
        } = &*self.0;
        let mut following = access.follow(credentials.clone(), self.principal());
        loop {
            let principal = match following.next().await {
                Ok(principal) => principal,
                Err(Unauthenticated::Expired) => return Unauthenticated::Expired.to_status(),
                Err(_) => return denied(need),
            };
            if !need.is_met_by(&principal) {
                return denied(need);
            }
            self.become_now(principal);
        }
    }
}

fn denied(need: Need) -> Status {
    match need.verb() {
        Some(verb) => Denied { verb }.to_status(),
        None => Status::permission_denied("your access to this server was taken away"),
    }
}
