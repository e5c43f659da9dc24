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
use crate::grpc_timeout;

/// What the metadata of a call may take, in bytes, counted as HTTP/2 does.
const MOST_METADATA: usize = 16 * 1024;
/// What is read of it, so that the call can be refused with a reason. Beyond it HTTP/2 itself answers, with 431.
pub(crate) const MOST_METADATA_READ: u32 = 256 * 1024;
/// What HTTP/2 counts for a header beside its name and its value.
const HEADER_BYTES: usize = 32;

/// The calls of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    routes: Routes,
    settings: Arc<ServerSettings>,
}

impl Calls {
    pub(crate) fn new(routes: Routes, settings: Arc<ServerSettings>) -> Self {
        Self { routes, settings }
    }

    pub(crate) fn settings(&self) -> Arc<ServerSettings> {
        Arc::clone(&self.settings)
    }
}

impl hyper::service::Service<Request<Incoming>> for Calls {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut routes = self.routes.clone();
        Box::pin(async move {
            let answered = match check_metadata(request.headers()) {
                Ok(()) => {
                    let limit = grpc_timeout::of(request.headers());
                    within(limit, routes.call(request.map(Body::new))).await
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
