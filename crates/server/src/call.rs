//! Takes one call from its connection to the services and back.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response, Uri};
use hyper::body::Incoming;
use seriatim_proto::convert::Invalid;
use seriatim_proto::status::{LimitReached, WireError};
use seriatim_security::{Access, Unauthenticated};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tonic::Status;

use crate::ServerSettings;
use crate::allowance::Taken;
use crate::answer::{Answer, UnderWay, shorten};
use crate::arriving::Arriving;
use crate::asking::{Asked, Asking, Peer};
use crate::caller::Caller;
use crate::entry::Entry;
use crate::gate::{Gate, InWork};
use crate::grpc_timeout;
use crate::meter::{self, TurnedAway};
use crate::method::{Method, Need};
use crate::operation_recorder::OperationRecorder;
use crate::ration::{Budget, Held, Ration};
use crate::routes::{Answering, Routes};
use crate::strangers::Standing;

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
    asking: Arc<Asking>,
    arriving: Arc<Budget>,
    unread: Arc<Budget>,
    gate: Gate,
}

/// One connection, as its calls see it.
#[derive(Debug)]
struct Connection {
    shared: Arc<Shared>,
    /// The bytes that it may send before they are read.
    arriving: Ration,
    /// The bytes of answers that may be under way to its client.
    unread: Ration,
    peer: Arc<Peer>,
}

/// One call, as everything on its way to a service and back sees it. Cheap to clone; clones are one.
#[derive(Clone, Debug)]
pub(crate) struct Call(Arc<Record>);

/// The data of a call.
#[derive(Debug)]
struct Record {
    connection: Arc<Connection>,
    method: Uri,
    /// Who makes it, once that is known.
    caller: OnceLock<Caller>,
    /// What it takes of its caller's allowance.
    taken: Mutex<Taken>,
    in_work: Mutex<Option<InWork>>,
    /// The room for the answer, or for its next part.
    room: Mutex<Option<Held>>,
    under_way: UnderWay,
}

impl Call {
    fn new(connection: &Arc<Connection>, method: &Uri) -> Self {
        Self(Arc::new(Record {
            connection: Arc::clone(connection),
            method: method.clone(),
            caller: OnceLock::new(),
            taken: Mutex::default(),
            in_work: Mutex::default(),
            room: Mutex::default(),
            under_way: UnderWay::default(),
        }))
    }

    /// Returns the path of its method.
    pub(crate) fn method(&self) -> &str {
        self.0.method.path()
    }

    /// Returns who makes it. It is known before a service sees the call.
    pub(crate) fn caller(&self) -> &Caller {
        self.0
            .caller
            .get()
            .expect("no call begins without a caller")
    }

    /// Returns a wait for the moment from which on its caller may not go on with it. `None` if it is answered at once,
    /// or nobody is asked.
    pub(crate) fn denied(&self) -> Option<BoxFuture<'static, Status>> {
        let method = Method::at(self.method());
        let caller = self.0.caller.get()?;
        let may_end = caller.may_end() && method.kind.stays_open();
        may_end.then(|| Box::pin(caller.clone().ended(method.need)) as _)
    }

    /// Returns the same for its answer, unless its service waits for that.
    pub(crate) fn cut_off(&self) -> Option<BoxFuture<'static, Status>> {
        let has_many = self.method().ends_with("/SubmitStream");
        self.denied().filter(|_| !has_many)
    }

    /// Returns the bytes of answers that may be under way to its client.
    pub(crate) fn unread(&self) -> &Ration {
        &self.0.connection.unread
    }

    /// Returns the gate before all writes.
    pub(crate) fn gate(&self) -> &Gate {
        &self.0.connection.shared.gate
    }

    /// Gives it the permit to be in work.
    pub(crate) fn enter(&self, place: OwnedSemaphorePermit) {
        let taken = lock(&self.0.taken).take();
        *lock(&self.0.in_work) = Some(InWork::new(place, taken));
    }

    /// Returns the permit to be in work. Call it once, for a method that [writes](Method::writes).
    pub(crate) fn into_work(self) -> InWork {
        let in_work = lock(&self.0.in_work).take();
        in_work.expect("a complete request to write something has gone through the gate")
    }

    /// Adds room for its answer to what was not taken yet.
    pub(crate) fn add_room(&self, room: Held) {
        match &mut *lock(&self.0.room) {
            Some(got) => got.merge(room),
            none => *none = Some(room),
        }
    }

    /// Takes the room that it has, for the next part of its answer.
    pub(crate) fn take_room(&self) -> Option<Held> {
        lock(&self.0.room).take()
    }

    /// Returns the large parts of its answer that have not left yet.
    pub(crate) fn under_way(&self) -> &UnderWay {
        &self.0.under_way
    }

    /// Waits until a request of a call with many may be in work, and there is room for this many bytes of its answer.
    pub(crate) fn turn(&self, bytes: usize) -> BoxFuture<'static, (Held, InWork)> {
        let call = self.clone();
        Box::pin(async move {
            let taken = match call.caller().allowance() {
                Some(allowance) => allowance.turn().await,
                None => None,
            };
            let held = call.unread().wait(bytes).await;
            (held, InWork::new(call.gate().wait().await, taken))
        })
    }
}

fn lock<T>(of_call: &Mutex<T>) -> MutexGuard<'_, T> {
    of_call.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(
        routes: Routes,
        access: Access,
        recorder: OperationRecorder,
        mut settings: ServerSettings,
    ) -> Self {
        // A message that could never be held is refused as too large, so that it is not sent again.
        settings.message_bytes = (settings.message_bytes)
            .min(settings.arriving_bytes)
            .min(settings.arriving_bytes_per_connection);
        Self {
            arriving: Arc::new(Budget::new(settings.arriving_bytes)),
            unread: Arc::new(Budget::new(settings.unread_bytes)),
            gate: Gate::new(&settings),
            routes,
            asking: Arc::new(Asking::new(access, recorder, &settings)),
            settings,
        }
    }

    pub(crate) fn settings(&self) -> &ServerSettings {
        &self.settings
    }
}

/// The calls of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Calls(Arc<Connection>);

impl Calls {
    /// `certificate` has the names in the certificate that the client has shown.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        certificate: Option<Arc<[String]>>,
        standing: Standing,
    ) -> Self {
        let settings = &shared.settings;
        Self(Arc::new(Connection {
            peer: Arc::new(Peer::new(&shared.asking, certificate, standing)),
            arriving: Ration::new(settings.arriving_bytes_per_connection, &shared.arriving),
            unread: Ration::new(settings.unread_bytes_per_connection, &shared.unread),
            shared: Arc::clone(shared),
        }))
    }
}

/// Gives a call to its service.
fn begin(
    call: &Call,
    method: &Method,
    caller: Caller,
    request: Request<Incoming>,
) -> Result<Answering, Status> {
    admit(call, &caller, method)?;
    let _ = call.0.caller.set(caller);
    let entry = match method.answer_bytes {
        Some(bytes) => Some(Entry::to_room(call, bytes)),
        None => method.writes.then(|| Entry::to_work(call)),
    };
    let Connection {
        shared, arriving, ..
    } = &*call.0.connection;
    let settings = &shared.settings;
    let mut request = request.map(|body| {
        Box::new(Arriving::new(
            body,
            method.kind.messages(),
            settings.message_bytes,
            arriving.clone(),
            settings.request_time,
            entry,
        ))
    });
    request.extensions_mut().insert(call.clone());
    Ok(shared.routes.call(request))
}

fn unknown(call: &Call, error: Unauthenticated) -> Status {
    meter::turned_away(TurnedAway::Unauthenticated);
    let asking = &call.0.connection.shared.asking;
    asking.recorder().turned_away(None, error.as_str());
    error.to_status()
}

/// Fails if the caller may not make the call, or makes too many.
fn admit(call: &Call, caller: &Caller, method: &Method) -> Result<(), Status> {
    if method.need == Need::Reflection && call.0.connection.shared.asking.hides_methods() {
        return Err(Status::unimplemented(
            "this server does not tell its methods; read them in its documentation",
        ));
    }
    caller.check_need(method.need)?;
    if let Some(allowance) = caller.allowance() {
        let taken = allowance.take(method).map_err(|retry_after| {
            meter::turned_away(TurnedAway::Limited);
            LimitReached { retry_after }.to_status()
        })?;
        *lock(&call.0.taken) = taken;
    }
    Ok(())
}

/// Finds out who makes a call, and gives it to its service.
fn enter(call: &Call, mut request: Request<Incoming>) -> Result<Answering, Status> {
    check_metadata(request.headers()).map_err(|invalid| invalid.to_status())?;
    let method = Method::at(call.method());
    match call
        .0
        .connection
        .peer
        .identify(&method, request.headers_mut())
    {
        Asked::Now(caller) => {
            let caller = caller.map_err(|error| unknown(call, error))?;
            begin(call, &method, caller, request)
        }
        Asked::Later(caller) => {
            let call = call.clone();
            Ok(Box::pin(async move {
                let begun = match caller.await {
                    Ok(caller) => begin(&call, &method, caller, request),
                    Err(error) => Err(unknown(&call, error)),
                };
                match begun {
                    Ok(answering) => answering.await,
                    Err(status) => Ok(status.into_http()),
                }
            }))
        }
    }
}

impl hyper::service::Service<Request<Incoming>> for Calls {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Answer>, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let limit = grpc_timeout::of(request.headers());
        let call = Call::new(&self.0, request.uri());
        let answering = enter(&call, request);
        Box::pin(async move {
            let answered = match (answering, limit) {
                (Err(status), _) => Err(status),
                (Ok(answering), None) => Ok(answering.await),
                (Ok(answering), Some(limit)) => timeout(limit, answering).await.map_err(|_| {
                    Status::deadline_exceeded(
                        "the call did not end within the time that its client gave it",
                    )
                }),
            };
            let mut answered = match answered {
                Ok(Ok(answered)) => answered,
                Err(status) => status.into_http(),
            };
            // A request that could not be run is not in work while its answer is under way.
            drop(lock(&call.0.in_work).take());
            shorten(answered.headers_mut());
            Ok(answered.map(|body| Answer::new(body, call)))
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
