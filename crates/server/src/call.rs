//! Takes one call from its connection to the services and back.

use std::convert::Infallible;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use seriatim_proto::convert::Invalid;
use seriatim_proto::status::WireError;
use tokio::time::timeout;
use tonic::Status;

use crate::ServerSettings;
use crate::answer::{Answer, shorten};
use crate::arriving::Arriving;
use crate::entry::{Entry, Got};
use crate::gate::{Gate, InWork};
use crate::grpc_timeout;
use crate::method::Method;
use crate::ration::{Budget, Held, Ration};
use crate::routes::Routes;

/// The most bytes that the metadata of a call may take, counted as HTTP/2 does.
const MOST_METADATA: usize = 16 * 1024;
/// The bytes of metadata that are read, so that the call can be refused with a reason. Beyond them HTTP/2 itself
/// answers, with 431.
pub(crate) const MOST_METADATA_READ: u32 = 256 * 1024;
/// The bytes that HTTP/2 counts for a header besides its name and its value.
const HEADER_BYTES: usize = 32;

/// The parts that all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    routes: Routes,
    settings: ServerSettings,
    arriving: Arc<Budget>,
    unread: Arc<Budget>,
    gate: Arc<Gate>,
}

/// The data that a service gets with a call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The bytes of answers that may be under way to its client.
    pub(crate) unread: Ration,
    /// The room for the answer, or for its next part. The part that is sent next takes all of it.
    pub(crate) room: Got<Held>,
    gate: Arc<Gate>,
    in_work: Got<InWork>,
}

impl Call {
    /// Returns the permit to be in work. Call it once, for a method that [writes](Method::writes).
    pub(crate) fn into_work(self) -> InWork {
        let in_work = self.in_work.take();
        in_work.expect("a complete request to write something has gone through the gate")
    }

    /// Waits until a request of a call with many may be in work, and there is room for this many bytes of its answer.
    pub(crate) fn turn(&self, bytes: usize) -> BoxFuture<'static, (Held, InWork)> {
        let (unread, gate) = (self.unread.clone(), Arc::clone(&self.gate));
        Box::pin(async move { (unread.wait(bytes).await, gate.wait().await) })
    }
}

impl Shared {
    pub(crate) fn new(routes: Routes, mut settings: ServerSettings) -> Self {
        // A message that could never be held is refused as too large, so that it is not sent again.
        settings.message_bytes = (settings.message_bytes)
            .min(settings.arriving_bytes)
            .min(settings.arriving_bytes_per_connection);
        Self {
            arriving: Arc::new(Budget::new(settings.arriving_bytes)),
            unread: Arc::new(Budget::new(settings.unread_bytes)),
            gate: Arc::new(Gate::new(&settings)),
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
    /// The bytes that the connection may send before they are read.
    arriving: Ration,
    /// The bytes of answers that may be under way to the connection.
    unread: Ration,
}

impl Calls {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        let settings = &shared.settings;
        Self {
            arriving: Ration::new(settings.arriving_bytes_per_connection, &shared.arriving),
            unread: Ration::new(settings.unread_bytes_per_connection, &shared.unread),
            shared: Arc::clone(shared),
        }
    }

    /// Runs a call to a method of the services.
    async fn run(self, request: Request<Incoming>) -> Result<Response<Answer>, Status> {
        check_metadata(request.headers()).map_err(|invalid| invalid.to_status())?;
        let method = Method::at(request.uri().path());
        let gate = &self.shared.gate;
        let (in_work, room) = (Got::default(), Got::default());
        let entry = match method.answer_bytes {
            Some(bytes) => Some(Entry::to_room(&self.unread, bytes, &room)),
            None => method.writes.then(|| Entry::to_work(gate, &in_work)),
        };
        let uri = request.uri().clone();
        let (mut head, body) = request.into_parts();
        head.extensions.insert(Call {
            unread: self.unread.clone(),
            room: room.clone(),
            gate: Arc::clone(gate),
            in_work,
        });
        let settings = &self.shared.settings;
        let body = Arriving::new(
            body,
            method.messages,
            settings.message_bytes,
            self.arriving,
            settings.request_time,
            entry,
        );
        let call = Request::from_parts(head, body);
        let Ok(mut answered) = self.shared.routes.call(call).await;
        shorten(answered.headers_mut());
        Ok(answered.map(|body| Answer::new(body, uri, self.unread, room)))
    }
}

impl hyper::service::Service<Request<Incoming>> for Calls {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Answer>, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let limit = grpc_timeout::of(request.headers());
        let (uri, unread) = (request.uri().clone(), self.unread.clone());
        let answer = self.clone().run(request);
        Box::pin(async move {
            let answered = match limit {
                None => answer.await,
                Some(limit) => timeout(limit, answer).await.unwrap_or_else(|_| {
                    Err(Status::deadline_exceeded(
                        "the call did not end within the time that its client gave it",
                    ))
                }),
            };
            Ok(answered.unwrap_or_else(|status| {
                (status.into_http()).map(|body| Answer::new(body, uri, unread, Got::default()))
            }))
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
