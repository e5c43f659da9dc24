//! The services, one file each: read the request, ask the coordinator or the feed, write the answer.

mod effects;
mod command;
mod submit_stream;
mod fact;
mod query;
mod event_stream;
mod subscription;
mod log_stream;
mod dead_letter;
mod admin;
mod page;
mod waits;

pub(crate) use admin::Admin;
pub(crate) use command::Commands;
pub(crate) use dead_letter::DeadLetters;
pub(crate) use effects::EffectsDoor;
pub(crate) use fact::Facts;
pub(crate) use query::Queries;
pub(crate) use subscription::Subscriptions;
pub(crate) use waits::Waits;

use std::time::Duration;

use seriatim_coordinator::Coordinator;
use seriatim_core::{Domain, QueryError, StoreError, is_actor_of_reactions};
use seriatim_proto::actor;
use seriatim_proto::convert::Invalid;
use seriatim_proto::status::WireError;
use tonic::Status;
use tonic::metadata::MetadataMap;

/// When to ask again a store that does not answer.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// The status of any error of ours.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
fn status<E: WireError>(error: E) -> Status {
    error.to_status()
}

fn store_status(source: StoreError) -> Status {
    status(QueryError::Unavailable {
        retry_after: RETRY_AFTER,
        source,
    })
}

/// Refuses a domain that has no aggregate here. Asked only where there is nothing to show: what was written by an
/// aggregate that has gone since can still be read.
fn check_domain(coordinator: &Coordinator, domain: &Domain) -> Result<(), Status> {
    let known: Vec<_> = coordinator
        .domains()
        .into_iter()
        .map(|info| info.domain)
        .collect();
    if known.contains(domain) {
        return Ok(());
    }
    Err(status(QueryError::UnknownDomain {
        domain: domain.clone(),
        known,
    }))
}

/// Who decides: not a reaction, whatever it says.
fn person(metadata: &MetadataMap) -> Result<Option<String>, Status> {
    match actor(metadata).map_err(status)? {
        Some(name) if is_actor_of_reactions(&name) => Err(status(Invalid::field(
            "actor",
            "begins as only the actors of reactions do; say who decides",
        ))),
        said => Ok(said),
    }
}
