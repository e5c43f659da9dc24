//! Makes one call of a subscription, and decides whether another one may follow it.

use std::error::Error;
use std::time::Duration;

use seriatim_core::{Begin, EventFilter, SubscribeError};
use tonic::{Code, Status, Streaming};

use crate::ANSWER_BYTES;
use crate::codec::Undecodable;
use crate::convert;
use crate::departure::Departures;
use crate::status::WireError;
use crate::v1;
use v1::subscription_service_client::SubscriptionServiceClient;

pub(super) type Responses = Box<Streaming<v1::SubscribeResponse>>;

/// The data that each of the calls needs.
#[derive(Clone)]
pub(super) struct Subscriber {
    pub(super) departures: Departures,
    pub(super) timeout: Duration,
    pub(super) filter: EventFilter,
}

impl Subscriber {
    /// Makes the call and reads the first response, which says where the subscription begins. Only this much has a time
    /// limit. The limit is not sent to the server, because a proxy might take it for the end of the whole call.
    pub(super) async fn open(&self, begin: Begin) -> Result<(String, Responses), Status> {
        let request = convert::subscribe_request(&begin, &self.filter);
        let mut client = SubscriptionServiceClient::new(self.departures.clone())
            .max_decoding_message_size(ANSWER_BYTES);
        let call = async {
            let mut responses = Box::new(client.subscribe(request).await?.into_inner());
            let first = responses.message().await?.ok_or_else(ended)?;
            Ok((first.cursor, responses))
        };
        let late = |_| {
            Err(Status::deadline_exceeded(
                "the subscription did not begin in time",
            ))
        };
        tokio::time::timeout(self.timeout, call)
            .await
            .unwrap_or_else(late)
    }
}

/// Returns the status for a call that has ended without one. The server never ends the call in this way, but a proxy
/// might.
pub(super) fn ended() -> Status {
    Status::unavailable("the subscription came to an end")
}

/// Returns `true` if the cause of the end passes if the client waits.
pub(super) fn passes(status: &Status) -> bool {
    if Undecodable::is_in(status) {
        return false;
    }
    // This status does not come from the server but from the connection.
    if status.source().is_some() {
        return true;
    }
    if let Some(SubscribeError::Store(error)) = SubscribeError::from_status(status) {
        return error.kind.is_transient();
    }
    match status.code() {
        Code::Unavailable
        | Code::ResourceExhausted
        | Code::Unknown
        | Code::Cancelled
        | Code::DeadlineExceeded => true,
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss
        | Code::Unauthenticated => false,
    }
}
