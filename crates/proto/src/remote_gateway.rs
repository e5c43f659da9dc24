//! Sends commands and facts to a coordinator at the other end of a connection.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use seriatim_core::{
    CommandGateway, CommandRequest, EventStore, FactRequest, FieldViolation, Receipt,
    RejectedEffect, SubmitError, Unavailable,
};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::ANSWER_BYTES;
use crate::codec::Undecodable;
use crate::connector::Problem;
use crate::convert;
use crate::departure::Departures;
use crate::set_actor;
use crate::status::WireError;
use crate::v1;
use v1::command_service_client::CommandServiceClient;
use v1::fact_service_client::FactServiceClient;

/// The time after which to try again if the other side did not say.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A gateway to a coordinator over the wire: it sends commands, facts and rejected effects. Cheap to clone; clones
/// share the connection.
#[derive(Clone)]
pub struct RemoteGateway {
    commands: CommandServiceClient<Departures>,
    facts: FactServiceClient<Departures>,
    include_events: bool,
}

impl RemoteGateway {
    /// Makes a gateway that uses a connection without a token. [`Client::gateway`](crate::Client::gateway) has the
    /// client's.
    pub fn new(channel: Channel) -> Self {
        Self::on(Departures::new(channel, None, Problem::default()))
    }

    pub(crate) fn on(departures: Departures) -> Self {
        Self {
            commands: CommandServiceClient::new(departures.clone())
                .max_decoding_message_size(ANSWER_BYTES),
            facts: FactServiceClient::new(departures).max_decoding_message_size(ANSWER_BYTES),
            include_events: true,
        }
    }

    /// Leaves the events out of the receipts, for callers that do not need them.
    #[must_use]
    pub fn without_events(mut self) -> Self {
        self.include_events = false;
        self
    }
}

impl fmt::Debug for RemoteGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteGateway").finish_non_exhaustive()
    }
}

#[async_trait]
impl CommandGateway for RemoteGateway {
    async fn submit(&self, request: CommandRequest) -> Result<Receipt, SubmitError> {
        let mut message = Request::new(v1::SubmitRequest {
            include_events: self.include_events,
            ..(&request).into()
        });
        if let Some(actor) = &request.metadata.actor {
            set_actor(message.metadata_mut(), actor);
        }
        let answer = self.commands.clone().submit(message).await;
        receipt(answer, &request.stream)
    }

    async fn record(&self, request: FactRequest) -> Result<Receipt, SubmitError> {
        let mut message = Request::new(v1::RecordRequest {
            include_events: self.include_events,
            ..(&request).into()
        });
        if let Some(actor) = &request.metadata.actor {
            set_actor(message.metadata_mut(), actor);
        }
        let answer = self.facts.clone().record(message).await;
        receipt(answer, &request.stream)
    }

    async fn hand_back(&self, rejected: RejectedEffect) -> Result<Receipt, SubmitError> {
        let mut message = Request::new(v1::HandBackRequest {
            include_events: self.include_events,
            ..(&rejected).into()
        });
        if let Some(actor) = &rejected.metadata.actor {
            set_actor(message.metadata_mut(), actor);
        }
        let answer = self.commands.clone().hand_back(message).await;
        receipt(answer, &rejected.effect.source)
    }

    /// Returns `None`, because the store belongs to the server.
    fn outcomes(&self) -> Option<&dyn EventStore> {
        None
    }
}

fn receipt<R: Into<v1::SubmitResponse>>(
    answer: Result<tonic::Response<R>, Status>,
    stream: &seriatim_core::StreamId,
) -> Result<Receipt, SubmitError> {
    let response = answer.map_err(|status| submit_error(&status))?;
    convert::receipt(response.into_inner().into(), stream).map_err(unavailable)
}

/// Returns the error of a status, even if the status is not ours.
fn submit_error(status: &Status) -> SubmitError {
    if Undecodable::is_in(status) {
        return unavailable(status.clone());
    }
    if let Some(error) = SubmitError::from_status(status) {
        return error;
    }
    match status.code() {
        // One such status is the transport's error for a message that is too large.
        Code::InvalidArgument | Code::OutOfRange => {
            FieldViolation::new("request", status.message()).into()
        }
        Code::ResourceExhausted => SubmitError::Overloaded {
            retry_after: RETRY_AFTER,
        },
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => unavailable(status.clone()),
    }
}

fn unavailable(cause: impl std::error::Error + Send + Sync + 'static) -> SubmitError {
    SubmitError::Unavailable {
        retry_after: RETRY_AFTER,
        source: Unavailable::Remote(Box::new(cause)),
    }
}
