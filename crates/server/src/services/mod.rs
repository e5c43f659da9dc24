//! Contains the services, one file each: each reads the request, calls the coordinator or the feed, and writes the
//! answer.

mod effects;
mod command;
mod submit_stream;
mod fact;
mod query;
mod event_stream;
mod subscription;
mod log_stream;
mod dead_letter;
mod job;
mod admin;
mod token;
mod operation;
mod page;
mod waits;

pub(crate) use admin::Admin;
pub(crate) use command::Commands;
pub(crate) use dead_letter::DeadLetters;
pub(crate) use effects::EffectsDoor;
pub(crate) use fact::Facts;
pub(crate) use job::Jobs;
pub(crate) use operation::{Operations, refused as refused_trail};
pub(crate) use query::Queries;
pub(crate) use subscription::Subscriptions;
pub(crate) use token::Tokens;
pub(crate) use waits::Waits;

use std::time::Duration;

use prost::Message;
use seriatim_coordinator::Coordinator;
use seriatim_core::{
    Domain, EffectId, Outcome, QueryError, Receipt, StoreError, is_actor_of_reactions,
};
use seriatim_proto::convert::{Echo, Invalid};
use seriatim_proto::status::WireError;
use seriatim_proto::{ANSWER_BYTES, actor};
use seriatim_security::{NewOperation, Verb};
use tonic::{Request, Response, Status};

use crate::call::Call;
use crate::caller::Caller;
use crate::method::Method;
use crate::ration::Ration;

/// The time after which to ask a store again that does not answer.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Returns the data of a call. Fails if the rights of its caller have ended since it began. Call it once, because only
/// the first caller gets the permit.
fn call<M>(request: &mut Request<M>) -> Result<Call, Status> {
    let call = request.extensions_mut().remove::<Call>();
    let call = call.expect("every call comes through `Calls`");
    call.caller().ask_again(Method::at(call.method()).need)?;
    Ok(call)
}

/// Who sends something, and under which name.
#[derive(Clone, Debug)]
pub(crate) struct By {
    caller: Caller,
    /// The actor that the call names.
    said: Option<String>,
}

impl By {
    /// Fails if the caller may not send this to a domain. Effects of reactions have a right of their own.
    fn check(&self, verb: Verb, effect: Option<&EffectId>, domain: &Domain) -> Result<(), Status> {
        let verb = if effect.is_some() { Verb::React } else { verb };
        self.caller.check(verb, Some(domain))
    }

    /// Returns the person who decides. Fails if the name is that of a reaction.
    fn person(&self) -> Result<Option<String>, Status> {
        match self.actor(false)? {
            Some(name) if is_actor_of_reactions(&name) => Err(status(Invalid::field(
                "actor",
                "begins as only the actors of reactions do; say who decides",
            ))),
            said => Ok(said),
        }
    }

    /// Does something that an operator asks for, and records it.
    async fn operate<T>(
        &self,
        what: &'static str,
        target: impl ToString,
        reason: Option<&str>,
        work: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Status> {
        let operation = NewOperation {
            actor: self.person()?,
            what,
            target: target.to_string(),
            reason: reason.map(str::to_owned),
        };
        self.caller.recorder().run(operation, work).await
    }

    /// Returns the actor to record.
    fn actor(&self, is_effect: bool) -> Result<Option<String>, Status> {
        self.caller.actor(self.said.as_deref(), is_effect)
    }
}

/// Returns who makes a call, and its data. Call it once, because only the first caller gets the permit.
fn by<M>(request: &mut Request<M>) -> Result<(By, Call), Status> {
    let call = call(request)?;
    let caller = call.caller().clone();
    let said = actor(request.metadata()).map_err(status)?;
    Ok((By { caller, said }, call))
}

/// Returns how the answer shows the events of a receipt. It does so if the request asks for them, and if they take no
/// more than `bytes` or there is room for them now.
fn echo(receipt: &Receipt, is_asked_for: bool, unread: &Ration, bytes: usize) -> Echo {
    let Outcome::Committed(commit) = &receipt.outcome else {
        return Echo::Unasked;
    };
    if !is_asked_for {
        return Echo::Unasked;
    }
    let taken: usize = (commit.events.iter())
        .map(|event| event.payload.data.len())
        .sum();
    match taken <= bytes || unread.take(taken).is_some() {
        true => Echo::Events,
        false => Echo::Omitted,
    }
}

/// Makes an answer that may be of any size. Fails if it is too large to be sent.
fn answer<M: Message>(message: M) -> Result<Response<M>, Status> {
    let bytes = message.encoded_len();
    if bytes <= ANSWER_BYTES {
        return Ok(Response::new(message));
    }
    let wrong = format!(
        "would take {bytes} bytes; at most {ANSWER_BYTES} are sent, so read the events instead, or ask in process"
    );
    Err(status(Invalid::field("answer", wrong)))
}

/// Returns the status of any error of ours.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
fn status<E: WireError>(error: E) -> Status {
    error.to_status()
}

fn store_status(source: StoreError) -> Status {
    status(QueryError::of_store(source, RETRY_AFTER))
}

/// Fails for a domain that has no aggregate here. It is called only if there is nothing to show: events of an aggregate
/// that was removed since can still be read.
fn check_domain(coordinator: &Coordinator, domain: &Domain, caller: &Caller) -> Result<(), Status> {
    let mut known: Vec<_> = coordinator
        .domains()
        .into_iter()
        .map(|info| info.domain)
        .collect();
    if known.contains(domain) {
        return Ok(());
    }
    caller.keep_known(&mut known);
    Err(status(QueryError::UnknownDomain {
        domain: domain.clone(),
        known,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use seriatim_proto::v1;

    #[test]
    fn an_answer_that_no_client_reads_is_refused_with_a_reason() {
        let of = |bytes: usize| v1::JsonPayload {
            type_name: String::new(),
            json: "x".repeat(bytes),
        };
        // The rest is the tag, and a length of four bytes.
        let most = ANSWER_BYTES - 5;
        assert!(answer(of(most)).is_ok());
        let refused = answer(of(most + 1)).unwrap_err();
        let invalid = Invalid::from_status(&refused).unwrap();
        assert_eq!(invalid.0[0].field, "answer");
    }
}
