//! Finds the service that a call is for.

use std::convert::Infallible;

use futures::future::BoxFuture;
use http::{Request, Response};
use seriatim_proto::v1;
use tonic::body::Body;
use tower_service::Service as _;
use v1::admin_service_server::{self, AdminServiceServer};
use v1::command_service_server::{self, CommandServiceServer};
use v1::dead_letter_service_server::{self, DeadLetterServiceServer};
use v1::fact_service_server::{self, FactServiceServer};
use v1::job_service_server::{self, JobServiceServer};
use v1::operation_service_server::{self, OperationServiceServer};
use v1::query_service_server::{self, QueryServiceServer};
use v1::subscription_service_server::{self, SubscriptionServiceServer};
use v1::token_service_server::{self, TokenServiceServer};

use crate::arriving::Arriving;
use crate::services::{
    Admin, Commands, DeadLetters, Facts, Jobs, Operations, Queries, Subscriptions, Tokens,
};

/// An answer that is being made.
pub(crate) type Answering = BoxFuture<'static, Result<Response<Body>, Infallible>>;

/// The services. Ours are called by their names, because tonic's routes would box a call several times on its way.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    pub(crate) commands: CommandServiceServer<Commands>,
    pub(crate) facts: FactServiceServer<Facts>,
    pub(crate) queries: QueryServiceServer<Queries>,
    pub(crate) subscriptions: SubscriptionServiceServer<Subscriptions>,
    pub(crate) dead_letters: DeadLetterServiceServer<DeadLetters>,
    pub(crate) jobs: JobServiceServer<Jobs>,
    pub(crate) admin: AdminServiceServer<Admin>,
    pub(crate) tokens: TokenServiceServer<Tokens>,
    pub(crate) operations: OperationServiceServer<Operations>,
    /// Health and reflection. They also answer for services that do not exist.
    pub(crate) others: tonic::service::Routes,
}

impl Routes {
    /// Gives a call to its service.
    pub(crate) fn call(&self, call: Request<Box<Arriving>>) -> Answering {
        match service(call.uri().path()) {
            command_service_server::SERVICE_NAME => self.commands.clone().call(call),
            fact_service_server::SERVICE_NAME => self.facts.clone().call(call),
            query_service_server::SERVICE_NAME => self.queries.clone().call(call),
            subscription_service_server::SERVICE_NAME => self.subscriptions.clone().call(call),
            dead_letter_service_server::SERVICE_NAME => self.dead_letters.clone().call(call),
            job_service_server::SERVICE_NAME => self.jobs.clone().call(call),
            admin_service_server::SERVICE_NAME => self.admin.clone().call(call),
            token_service_server::SERVICE_NAME => self.tokens.clone().call(call),
            operation_service_server::SERVICE_NAME => self.operations.clone().call(call),
            _ => Box::pin(self.others.clone().call(call)),
        }
    }
}

/// Returns the name of the service in a path: the part before the method.
fn service(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or_default();
    path.split_once('/').map_or("", |(service, _)| service)
}
