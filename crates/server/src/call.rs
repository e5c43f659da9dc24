//! One call on its way from its connection to the services and back.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use seriatim_proto::convert::Invalid;
use seriatim_proto::status::WireError;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tower_service::Service as _;

use crate::ServerSettings;
use crate::arriving::{Arriving, Messages};
use crate::budget::{Budget, Ration};
use crate::grpc_timeout;

/// What the metadata of a call may take, in bytes, counted as HTTP/2 does.
const MOST_METADATA: usize = 16 * 1024;
/// What is read of it, so that the call can be refused with a reason. Beyond it HTTP/2 itself answers, with 431.
pub(crate) const MOST_METADATA_READ: u32 = 256 * 1024;
/// What HTTP/2 counts for a header beside its name and its value.
const HEADER_BYTES: usize = 32;

/// Calls whose client sends any number of messages.
const STREAMS: [&str; 3] = [
    "/seriatim.v1.CommandService/SubmitStream",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    routes: Routes,
    settings: ServerSettings,
    arriving: Arc<Budget>,
}

impl Shared {
    pub(crate) fn new(routes: Routes, settings: ServerSettings) -> Self {
        Self {
            arriving: Budget::new(settings.arriving_bytes),
            routes,
            settings,
        }
    }

    pub(crate) fn settings(&self) -> &ServerSettings {
        &self.settings
    }
}

/// The calls of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    shared: Arc<Shared>,
    arriving: Ration,
}

impl Calls {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        let own = shared.settings.arriving_bytes_per_connection;
        Self {
            arriving: Ration::new(own, &shared.arriving),
            shared: Arc::clone(shared),
        }
    }

    /// What the client sends in a call to `method`.
    fn arriving(&self, method: &str, body: Incoming) -> Body {
        let settings = &self.shared.settings;
        let messages = match STREAMS.contains(&method) {
            true => Messages::Any,
            false => Messages::One,
        };
        Body::new(Arriving::new(
            body,
            messages,
            settings.message_bytes,
            self.arriving.clone(),
            settings.request_time,
        ))
    }
}

impl hyper::service::Service<Request<Incoming>> for Calls {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let calls = self.clone();
        Box::pin(async move {
            let answered = match check_metadata(request.headers()) {
                Ok(()) => {
                    let limit = grpc_timeout::of(request.headers());
                    let (head, body) = request.into_parts();
                    let body = calls.arriving(head.uri.path(), body);
                    let mut routes = calls.shared.routes.clone();
                    within(limit, routes.call(Request::from_parts(head, body))).await
                }
                Err(refusal) => Err(refusal.to_status()),
            };
            Ok(answered.unwrap_or_else(Status::into_http))
        })
    }
}

fn check_metadata(headers: &HeaderMap) -> Result<(), Invalid> {
    let each = headers.iter();
    let bytes: usize = each
        .map(|(name, value)| name.as_str().len() + value.len() + HEADER_BYTES)
        .sum();
    if bytes <= MOST_METADATA {
        return Ok(());
    }
    let wrong = format!("takes {bytes} bytes; at most {MOST_METADATA} are allowed");
    Err(Invalid::field("metadata", wrong))
}

/// The answer, if it begins within the time that the client gives it.
async fn within(
    limit: Option<Duration>,
    answer: impl Future<Output = Result<Response<Body>, Infallible>>,
) -> Result<Response<Body>, Status> {
    let answered = match limit {
        None => Ok(answer.await),
        Some(limit) => tokio::time::timeout(limit, answer).await,
    };
    match answered {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(never)) => match never {},
        Err(_) => Err(Status::deadline_exceeded(
            "the call did not end within the time that its client gave it",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;
    use prost_types::FileDescriptorSet;

    #[test]
    fn the_calls_with_any_number_of_messages_are_those_of_the_definition() {
        let files = FileDescriptorSet::decode(seriatim_proto::FILE_DESCRIPTOR_SET).unwrap();
        let mut streams = Vec::new();
        for file in &files.file {
            for service in &file.service {
                let methods = service.method.iter();
                for method in methods.filter(|method| method.client_streaming()) {
                    let (service, method) = (service.name(), method.name());
                    streams.push(format!("/{}.{service}/{method}", file.package()));
                }
            }
        }
        let ours = STREAMS.iter().filter(|path| path.starts_with("/seriatim."));
        assert_eq!(streams, ours.copied().collect::<Vec<_>>());
    }
}
