//! Contains a client for people and tools: every service, with the types of `core`.

use std::error::Error;
use std::fmt;
use std::num::NonZero;
use std::time::Duration;

use http::Uri;
use seriatim_core::{
    At, Begin, Changes, ChangesQuery, CommandRequest, DeadLetter, Domain, EventFilter, FactRequest,
    NotHandled, QueryError, Receipt, RecordedEvent, Sequence, Simulation, StateView, StreamId,
    StreamSummary, SubmitError, SubscribeError, UnknownFieldRule, WaitFor, WorkflowPage,
};
use seriatim_security::tls::ClientTls;
use tonic::transport::Endpoint;
use tonic::{IntoRequest, Request, Streaming};

use crate::call_error::{CallError, ConnectError};
use crate::connect_options::ConnectOptions;
use crate::connector::Connector;
use crate::departure::Departures;
use crate::server_url::check_server_url;
use crate::subscription::RemoteSubscription;
use crate::{ANSWER_BYTES, RemoteGateway, convert, set_actor, v1};
use v1::command_service_client::CommandServiceClient;
use v1::fact_service_client::FactServiceClient;
use v1::query_service_client::QueryServiceClient;

/// The longest time that making a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// The time after which a connection that is silent during a call is asked whether it is still there; also the longest
/// time that the answer may take.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// A client of a server. Cheap to clone; clones share the connection.
#[derive(Clone)]
pub struct Client {
    departures: Departures,
    timeout: Duration,
    unknown_fields: v1::UnknownFields,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Some items of a list, and the token of the next page (`None` after the last page).
pub type Page<T> = (Vec<T>, Option<String>);

/// The receipt, and whether the components have handled the events.
pub type Waited = (Receipt, Result<(), NotHandled>);

impl Client {
    /// Connects to `http://host:port` or `https://host:port`. The options may be a [`Duration`] alone: the time that
    /// each call may take until its answer begins. A connection that does not answer for this long during a call is
    /// given up.
    ///
    /// A server of TLS 1.3 refuses a client certificate, and one with TLS a client without, only at the first call.
    pub async fn connect(
        server: &str,
        options: impl Into<ConnectOptions>,
    ) -> Result<Self, ConnectError> {
        let options = options.into();
        let timeout = options.timeout;
        let connected = connect(server, options).await;
        let departures = connected.map_err(|source| ConnectError {
            server: server.into(),
            source,
        })?;
        Ok(Self {
            departures,
            timeout,
            unknown_fields: v1::UnknownFields::Unspecified,
        })
    }

    /// Returns a client on the same connection with another timeout for its calls.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            timeout,
            ..self.clone()
        }
    }

    /// Returns a client on the same connection that asks for this rule about fields of JSON commands that their types do not
    /// have. Without it, that is up to the server.
    #[must_use]
    pub fn with_unknown_fields(&self, rule: UnknownFieldRule) -> Self {
        Self {
            unknown_fields: match rule {
                UnknownFieldRule::Ignore => v1::UnknownFields::Ignore,
                UnknownFieldRule::Warn => v1::UnknownFields::Warn,
                UnknownFieldRule::Refuse => v1::UnknownFields::Refuse,
            },
            ..self.clone()
        }
    }

    /// Returns the gateway through which a saga sends its effects, on the same connection. It leaves the events out of
    /// the receipts.
    pub fn gateway(&self) -> RemoteGateway {
        RemoteGateway::on(self.departures()).without_events()
    }

    /// Runs a command; the receipt holds its events.
    pub async fn submit(
        &self,
        request: &CommandRequest,
    ) -> Result<Receipt, CallError<SubmitError>> {
        let message = v1::SubmitRequest {
            include_events: true,
            unknown_fields: self.unknown_fields.into(),
            ..request.into()
        };
        let message = self.request_of(message, request.metadata.actor.as_deref());
        let answer = self.commands().submit(message).await;
        let answer = answer?.into_inner();
        convert::receipt(answer, &request.stream).map_err(CallError::Garbled)
    }

    /// Runs a command, and waits until components have handled its events. The call may take longer than the timeout by
    /// the time limit for waiting.
    pub async fn submit_and_wait(
        &self,
        request: &CommandRequest,
        wait: &WaitFor,
    ) -> Result<Waited, CallError<SubmitError>> {
        let message = v1::SubmitRequest {
            include_events: true,
            wait_for: Some(wait.into()),
            unknown_fields: self.unknown_fields.into(),
            ..request.into()
        };
        let mut message = self.request_of(message, request.metadata.actor.as_deref());
        message.set_timeout(self.timeout.saturating_add(wait.limit));
        let answer = self.commands().submit(message).await;
        read_waited(answer?.into_inner(), &request.stream)
    }

    /// Records a fact, and waits until components have handled its events. The call may take longer than the timeout by
    /// the time limit for waiting.
    pub async fn record_and_wait(
        &self,
        request: &FactRequest,
        wait: &WaitFor,
    ) -> Result<Waited, CallError<SubmitError>> {
        let message = v1::RecordRequest {
            include_events: true,
            wait_for: Some(wait.into()),
            ..request.into()
        };
        let mut message = self.request_of(message, request.metadata.actor.as_deref());
        message.set_timeout(self.timeout.saturating_add(wait.limit));
        let answer = self.facts().record(message).await;
        read_waited(answer?.into_inner().into(), &request.stream)
    }

    /// Records a fact; the receipt holds its events.
    pub async fn record(&self, request: &FactRequest) -> Result<Receipt, CallError<SubmitError>> {
        let message = v1::RecordRequest {
            include_events: true,
            ..request.into()
        };
        let message = self.request_of(message, request.metadata.actor.as_deref());
        let answer = self.facts().record(message).await;
        let answer = answer?.into_inner();
        convert::receipt(answer.into(), &request.stream).map_err(CallError::Garbled)
    }

    /// Returns what a command would do, without recording anything.
    pub async fn simulate(
        &self,
        request: &CommandRequest,
        at: At,
    ) -> Result<Simulation, CallError<SubmitError>> {
        let message = v1::SimulateRequest {
            unknown_fields: self.unknown_fields.into(),
            ..convert::simulate_request(request, at)
        };
        let message = self.request_of(message, request.metadata.actor.as_deref());
        let answer = self.commands().simulate(message).await;
        let answer = answer?.into_inner();
        answer.try_into().map_err(CallError::Garbled)
    }

    /// Reads the events of a stream from one sequence to another, both included, oldest first.
    pub async fn events(
        &self,
        stream: &StreamId,
        from: Option<Sequence>,
        through: Option<Sequence>,
    ) -> Result<Events, CallError<QueryError>> {
        let message = self.request(v1::GetEventsRequest {
            cover: Some(convert::cover(stream)),
            from_sequence: from.map(|Sequence(from)| from),
            through_sequence: through.map(|Sequence(through)| through),
            last: None,
        });
        self.read_events(stream, message).await
    }

    /// Returns the last `count` events of a stream, oldest first, in pages.
    pub async fn last_events(
        &self,
        stream: &StreamId,
        count: NonZero<u32>,
    ) -> Result<Events, CallError<QueryError>> {
        let message = self.request(v1::GetEventsRequest {
            cover: Some(convert::cover(stream)),
            last: Some(count.get()),
            ..v1::GetEventsRequest::default()
        });
        self.read_events(stream, message).await
    }

    async fn read_events(
        &self,
        stream: &StreamId,
        message: Request<v1::GetEventsRequest>,
    ) -> Result<Events, CallError<QueryError>> {
        let answer = self.queries().get_events(message).await;
        Ok(Events {
            stream: stream.clone(),
            books: answer?.into_inner(),
        })
    }

    /// Builds a state.
    pub async fn state(
        &self,
        stream: &StreamId,
        at: At,
    ) -> Result<StateView, CallError<QueryError>> {
        let message = self.request(v1::GetStateRequest {
            cover: Some(convert::cover(stream)),
            at: convert::state_at(at),
        });
        let answer = self.queries().get_state(message).await;
        let state = answer?.into_inner().state;
        state
            .unwrap_or_default()
            .try_into()
            .map_err(CallError::Garbled)
    }

    /// Returns the events that changed a field of a state, newest first. [`Changes::next`] says where to go on.
    pub async fn changes(
        &self,
        stream: &StreamId,
        query: &ChangesQuery,
    ) -> Result<Changes, CallError<QueryError>> {
        let message = self.request(convert::changes_request(stream, query));
        let answer = self.queries().list_changes(message).await;
        convert::changes(answer?.into_inner(), stream).map_err(CallError::Garbled)
    }

    /// Returns a part of a workflow: its events from `begin` on, and its letters. [`WorkflowPage::next`] says where to go
    /// on; without `begin`, the server finds the beginning by the id.
    pub async fn workflow(
        &self,
        id: &str,
        begin: Option<&Begin>,
    ) -> Result<(WorkflowPage, Vec<DeadLetter>), CallError<SubscribeError>> {
        let message = self.request(convert::workflow_request(id, begin));
        let answer = self.queries().get_workflow(message).await;
        convert::workflow(id, answer?.into_inner()).map_err(CallError::Garbled)
    }

    /// Lists streams, a page of about `limit` at a time: `page` is the token that came with the page before. The text of a
    /// stream is the token of the page after it.
    pub async fn streams(
        &self,
        domain: Option<&Domain>,
        limit: u32,
        page: Option<String>,
    ) -> Result<Page<StreamSummary>, CallError<QueryError>> {
        let message = self.request(v1::ListStreamsRequest {
            domain: domain.map(ToString::to_string).unwrap_or_default(),
            page_size: limit,
            page_token: page.unwrap_or_default(),
        });
        let answer = self.queries().list_streams(message).await;
        let answer = answer?.into_inner();
        read_page(answer.streams, answer.next_page_token)
    }

    /// Lists the registered domains.
    pub async fn domains(&self) -> Result<Vec<v1::DomainDescription>, CallError<QueryError>> {
        let message = self.request(v1::ListDomainsRequest {});
        let answer = self.queries().list_domains(message).await;
        Ok(answer?.into_inner().domains)
    }

    /// Returns what the commands and events of a domain look like; `None` for all domains that the caller may read.
    pub async fn schema(
        &self,
        domain: Option<&Domain>,
    ) -> Result<v1::GetSchemaResponse, CallError<QueryError>> {
        let domain = domain.map(ToString::to_string).unwrap_or_default();
        let message = self.request(v1::GetSchemaRequest { domain });
        Ok(self.queries().get_schema(message).await?.into_inner())
    }

    /// Subscribes to the log: the events of all streams that pass the filter, from a place on to the end, and new ones
    /// as any process records them.
    pub async fn subscribe(
        &self,
        begin: Begin,
        filter: EventFilter,
    ) -> Result<RemoteSubscription, CallError<SubscribeError>> {
        RemoteSubscription::open(self.departures(), self.timeout, begin, filter).await
    }

    fn commands(&self) -> CommandServiceClient<Departures> {
        CommandServiceClient::new(self.departures()).max_decoding_message_size(ANSWER_BYTES)
    }

    fn facts(&self) -> FactServiceClient<Departures> {
        FactServiceClient::new(self.departures()).max_decoding_message_size(ANSWER_BYTES)
    }

    fn queries(&self) -> QueryServiceClient<Departures> {
        QueryServiceClient::new(self.departures()).max_decoding_message_size(ANSWER_BYTES)
    }

    pub(crate) fn departures(&self) -> Departures {
        self.departures.clone()
    }

    pub(crate) fn request<M>(&self, message: M) -> Request<M> {
        self.request_of(message, None)
    }

    pub(crate) fn request_of<M>(&self, message: M, actor: Option<&str>) -> Request<M> {
        let mut request = message.into_request();
        request.set_timeout(self.timeout);
        if let Some(actor) = actor {
            set_actor(request.metadata_mut(), actor);
        }
        request
    }
}

async fn connect(
    server: &str,
    options: ConnectOptions,
) -> Result<Departures, Box<dyn Error + Send + Sync>> {
    check_server_url(server)?;
    let url: Uri = server.parse()?;
    let authorization = options.authorization(&url)?;
    let (endpoint, tls) = match url.scheme_str() {
        Some("https") => {
            let tls = ClientTls::new(options.ca.as_ref(), options.identity.as_ref())?;
            (Endpoint::from(in_clear(&url)?).origin(url), Some(tls))
        }
        _ => (Endpoint::from(url), None),
    };
    let endpoint = endpoint
        .connect_timeout(options.timeout.min(CONNECT))
        .http2_keep_alive_interval(options.timeout.min(KEEPALIVE))
        .keep_alive_timeout(options.timeout.min(KEEPALIVE));
    let connector = Connector::new(tls);
    let problem = connector.problem();
    let channel = endpoint.connect_with_connector(connector).await?;
    Ok(Departures::new(channel, authorization, problem))
}

/// Returns the URL that is given to tonic, which must not look after TLS too.
fn in_clear(url: &Uri) -> Result<Uri, http::Error> {
    const PORT: u16 = 443;
    let host = url.host().unwrap_or_default();
    let port = url.port_u16().unwrap_or(PORT);
    let clear = Uri::builder().scheme("http").path_and_query("/");
    clear.authority(format!("{host}:{port}")).build()
}

fn read_waited(
    mut answer: v1::SubmitResponse,
    stream: &StreamId,
) -> Result<Waited, CallError<SubmitError>> {
    let not_handled = answer.not_handled.take().map(convert::not_handled);
    let not_handled = not_handled.transpose().map_err(CallError::Garbled)?;
    let receipt = convert::receipt(answer, stream).map_err(CallError::Garbled)?;
    Ok((receipt, not_handled.map_or(Ok(()), Err)))
}

pub(crate) fn read_page<W, T, E>(items: Vec<W>, next: String) -> Result<Page<T>, CallError<E>>
where
    T: TryFrom<W, Error = convert::Invalid>,
{
    let items = items.into_iter().map(T::try_from).collect::<Result<_, _>>();
    let next = Some(next).filter(|token| !token.is_empty());
    Ok((items.map_err(CallError::Garbled)?, next))
}

/// A stream of events as they arrive.
#[derive(Debug)]
pub struct Events {
    stream: StreamId,
    books: Streaming<v1::GetEventsResponse>,
}

impl Events {
    /// Returns the next events. Returns `None` after the last. A book may be empty.
    pub async fn next(&mut self) -> Result<Option<Vec<RecordedEvent>>, CallError<QueryError>> {
        let Some(answer) = self.books.message().await? else {
            return Ok(None);
        };
        let pages = answer.book.unwrap_or_default().pages;
        let events = convert::recorded_events(pages, &self.stream, "book.pages");
        events.map(Some).map_err(CallError::Garbled)
    }
}
