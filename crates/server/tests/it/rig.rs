//! A server on a real socket, its clients, and the messages they send.

use std::sync::Arc;

use prost_types::Any;
use seriatim_coordinator::{Coordinator, Settings};
use seriatim_core::{
    Domain, ExpectedSequence, LogPartition, MergeStrategy, Position, Sequence, Store, StreamId,
};
use seriatim_proto::{convert, v1};
use seriatim_runtime::Feed;
pub(crate) use seriatim_server::ServerSettings;
use seriatim_server::{ServeError, Server, ServerBuilder};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::FaultyStore;
pub(crate) use seriatim_testkit::soon;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;
use v1::command_service_client::CommandServiceClient;
use v1::dead_letter_service_client::DeadLetterServiceClient;
use v1::fact_service_client::FactServiceClient;
use v1::query_service_client::QueryServiceClient;
use v1::subscription_service_client::SubscriptionServiceClient;

use crate::meter::Meter;
use crate::till::Till;

pub(crate) struct Rig {
    pub(crate) store: FaultyStore,
    pub(crate) coordinator: Coordinator,
    pub(crate) channel: Channel,
    pub(crate) url: String,
    shutdown: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), ServeError>>,
}

impl Rig {
    /// Starts a server on an empty memory store.
    pub(crate) async fn start() -> Self {
        Self::start_with(|server| server).await
    }

    pub(crate) async fn start_with(configure: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        Self::start_on_store(Arc::new(MemoryStore::new()), configure).await
    }

    pub(crate) async fn start_on_store(
        store: Arc<dyn Store>,
        configure: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> Self {
        Self::start_at("127.0.0.1:0", store, configure).await
    }

    /// Starts a server at an address, which another may have had before.
    pub(crate) async fn start_at(
        address: &str,
        store: Arc<dyn Store>,
        configure: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> Self {
        let store = FaultyStore::new(store);
        let coordinator = Coordinator::builder(Arc::new(store.clone()))
            .aggregate::<Till>()
            .aggregate::<Meter>()
            .settings(Settings::default())
            .start()
            .unwrap();
        Self::listen(address, store, coordinator, configure).await
    }

    pub(crate) async fn start_on(
        store: FaultyStore,
        coordinator: Coordinator,
        configure: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> Self {
        Self::listen("127.0.0.1:0", store, coordinator, configure).await
    }

    async fn listen(
        address: &str,
        store: FaultyStore,
        coordinator: Coordinator,
        configure: impl FnOnce(ServerBuilder) -> ServerBuilder,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (shutdown, down) = oneshot::channel();
        let feed = Feed::new(coordinator.log().clone());
        let server = configure(Server::builder(coordinator.clone(), feed));
        let served = tokio::spawn(server.serve(listener, async {
            let _ = down.await;
        }));
        let endpoint = Endpoint::from_shared(url.clone()).unwrap();
        Self {
            store,
            coordinator,
            channel: endpoint.connect().await.unwrap(),
            url,
            shutdown: Some(shutdown),
            served,
        }
    }

    pub(crate) fn commands(&self) -> CommandServiceClient<Channel> {
        CommandServiceClient::new(self.channel.clone())
    }

    pub(crate) fn facts(&self) -> FactServiceClient<Channel> {
        FactServiceClient::new(self.channel.clone())
    }

    pub(crate) fn queries(&self) -> QueryServiceClient<Channel> {
        QueryServiceClient::new(self.channel.clone())
    }

    pub(crate) fn subscriptions(&self) -> SubscriptionServiceClient<Channel> {
        SubscriptionServiceClient::new(self.channel.clone())
    }

    pub(crate) fn letters(&self) -> DeadLetterServiceClient<Channel> {
        DeadLetterServiceClient::new(self.channel.clone())
    }

    /// Sends a command. Checks that it is not refused.
    pub(crate) async fn submit(&self, request: v1::SubmitRequest) -> v1::SubmitResponse {
        self.commands().submit(request).await.unwrap().into_inner()
    }

    /// Sends a command. Checks that it is refused. Returns the status.
    pub(crate) async fn refused(&self, request: v1::SubmitRequest) -> Status {
        self.commands().submit(request).await.unwrap_err()
    }

    /// Makes a till with the events of `commands`, each of which gives one.
    pub(crate) async fn till_with(&self, commands: &[(&str, &str)]) -> StreamId {
        let stream = till();
        for (name, json) in commands {
            committed(&self.submit(ask(&stream, name, json)).await);
        }
        stream
    }

    /// Returns the log's head, which shows whether anything was written.
    pub(crate) async fn head(&self) -> Position {
        self.coordinator
            .store()
            .head(LogPartition::FIRST)
            .await
            .unwrap()
    }

    /// Returns how many letters wait.
    pub(crate) async fn letter_count(&self) -> usize {
        let request = v1::DeadLetterServiceListRequest::default();
        self.letters()
            .list(request)
            .await
            .unwrap()
            .into_inner()
            .letters
            .len()
    }

    /// Returns the type names of a stream's events.
    pub(crate) async fn history(&self, stream: &StreamId) -> Vec<String> {
        let events = self
            .coordinator
            .store()
            .read_stream(stream, Sequence::FIRST, 10_000);
        let events = events.await.unwrap().into_iter();
        events
            .map(|event| event.payload.type_name.into_owned())
            .collect()
    }

    /// Tells the server to shut down.
    pub(crate) fn begin_shutdown(&mut self) {
        self.shutdown.take().unwrap().send(()).unwrap();
    }

    /// Waits until the server has shut down.
    pub(crate) async fn down(self) {
        soon(self.served).await.unwrap().unwrap();
    }
}

/// Waits until something is so.
pub(crate) async fn until(is_so: impl AsyncFnMut() -> bool) {
    seriatim_testkit::until("it is so", is_so).await;
}

pub(crate) fn till() -> StreamId {
    StreamId::new(Domain::of::<Till>(), Uuid::now_v7())
}

pub(crate) fn json(type_name: &str, json: &str) -> Any {
    convert::json_any(type_name, json.into())
}

/// Makes a command for a till, without an expectation.
pub(crate) fn ask(stream: &StreamId, name: &str, text: &str) -> v1::SubmitRequest {
    v1::SubmitRequest {
        book: Some(v1::CommandBook {
            cover: Some(convert::cover(stream)),
            pages: vec![v1::CommandPage {
                command: Some(json(name, text)),
                ..Default::default()
            }],
        }),
        ..Default::default()
    }
}

/// Makes a command for a till with an expectation and a strategy.
pub(crate) fn stale(
    expected: impl Into<ExpectedSequence>,
    strategy: MergeStrategy,
    mut request: v1::SubmitRequest,
) -> v1::SubmitRequest {
    use v1::command_page::Expected;
    let page = &mut request.book.as_mut().unwrap().pages[0];
    page.merge_strategy = Some(v1::MergeStrategy::from(strategy).into());
    page.expected = match expected.into() {
        ExpectedSequence::Any => None,
        ExpectedSequence::NoStream => Some(Expected::NoStream(v1::NoStream {})),
        ExpectedSequence::Exactly(Sequence(sequence)) => Some(Expected::Sequence(sequence)),
    };
    request
}

/// Puts a request under an external id.
pub(crate) fn under(external_id: &str, mut request: v1::SubmitRequest) -> v1::SubmitRequest {
    let cover = request.book.as_mut().unwrap().cover.as_mut().unwrap();
    cover.external_id = external_id.into();
    request
}

/// Makes a fact for a till.
pub(crate) fn fact(
    stream: &StreamId,
    external_id: &str,
    name: &str,
    text: &str,
) -> v1::RecordRequest {
    v1::RecordRequest {
        book: Some(v1::EventBook {
            cover: Some(v1::Cover {
                external_id: external_id.into(),
                ..convert::cover(stream)
            }),
            pages: vec![v1::EventPage {
                sequence_type: Some(v1::event_page::SequenceType::Fact(v1::FactSequence {
                    source: "stripe".into(),
                    description: "a payment".into(),
                })),
                event: Some(json(name, text)),
                ..Default::default()
            }],
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[track_caller]
pub(crate) fn committed(response: &v1::SubmitResponse) -> &v1::Committed {
    match &response.outcome {
        Some(v1::submit_response::Outcome::Committed(commit)) => commit,
        other => panic!("expected a commit, got {other:?}"),
    }
}

#[track_caller]
pub(crate) fn dead_lettered(response: &v1::SubmitResponse) -> &v1::DeadLettered {
    match &response.outcome {
        Some(v1::submit_response::Outcome::DeadLettered(letter)) => letter,
        other => panic!("expected a dead letter, got {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_code(status: &Status, code: Code, reason: &str) {
    assert_eq!(status.code(), code, "{status:?}");
    let info = status.get_details_error_info().expect("an ErrorInfo");
    assert_eq!(info.reason, reason, "{status:?}");
}

/// Returns the fields that a status finds fault with.
pub(crate) fn faulty_fields(status: &Status) -> Vec<String> {
    assert_code(status, Code::InvalidArgument, "INVALID");
    let request = status.get_details_bad_request().expect("a BadRequest");
    let violations = request.field_violations.into_iter();
    violations.map(|violation| violation.field).collect()
}
