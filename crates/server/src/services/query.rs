//! Implements `QueryService`.

use futures::stream::BoxStream;
use seriatim_coordinator::{Coordinator, DomainInfo};
use seriatim_core::{Desk, Domain, OWN_DOMAINS, StoreError, StreamId, StreamSummary};
use seriatim_proto::convert::{self, Invalid};
use seriatim_proto::v1;
use seriatim_schema::{DomainSchema, MessageSchema};
use seriatim_security::Verb;
use tonic::{Request, Response, Status};
use uuid::Uuid;
use v1::query_service_server::QueryService;

use super::dead_letter::shown;
use super::event_stream::EventStream;
use super::page::Page;
use super::{answer, call, check_domain, status, store_status};
use crate::caller::Caller;

/// Answers questions.
#[derive(Clone, Debug)]
pub(crate) struct Queries {
    coordinator: Coordinator,
    desk: Desk,
}

impl Queries {
    /// Makes the service. `desk` has the letters that workflows show.
    pub(crate) fn new(coordinator: Coordinator, desk: Desk) -> Self {
        Self { coordinator, desk }
    }

    /// Returns streams of the domains that a caller may read, one domain after another. So a token never names a stream
    /// that the caller may not see.
    async fn readable(
        &self,
        caller: &Caller,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamSummary>, StoreError> {
        let domains = self.coordinator.domains().into_iter();
        let mut domains: Vec<_> = domains.map(|info| info.domain).collect();
        domains.retain(|domain| caller.may(Verb::Read, domain));
        domains.sort();
        let mut found = Vec::new();
        for domain in domains {
            let after = after.filter(|after| after.domain >= domain);
            if after.is_some_and(|after| after.domain > domain) {
                continue;
            }
            let left = limit - found.len();
            let store = self.coordinator.store();
            found.extend(store.streams(Some(&domain), after, left).await?);
            if found.len() == limit {
                break;
            }
        }
        Ok(found)
    }

    /// Returns streams of a domain, or of all domains of applications. Those of Seriatim's own come only if their domain
    /// is named.
    async fn streams(
        &self,
        domain: Option<&Domain>,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamSummary>, StoreError> {
        let store = self.coordinator.store();
        let mut found = store.streams(domain, after, limit).await?;
        let is_own = |line: &StreamSummary| line.stream.domain.is_own();
        let Some(first) = found.iter().position(is_own) else {
            return Ok(found);
        };
        if domain.is_none() {
            found.truncate(first);
            let rest = store
                .streams(None, Some(&last_of_own()), limit - first)
                .await;
            found.extend(rest?);
        }
        Ok(found)
    }
}

/// Returns the stream after which no stream is of one of Seriatim's own domains: their names follow one another, and
/// none is after this one.
fn last_of_own() -> StreamId {
    let rest = "z".repeat(Domain::MAX_LENGTH - OWN_DOMAINS.len());
    let domain = format!("{OWN_DOMAINS}{rest}").parse();
    StreamId::new(domain.expect("it is a name"), Uuid::max())
}

#[tonic::async_trait]
impl QueryService for Queries {
    type GetEventsStream = BoxStream<'static, Result<v1::GetEventsResponse, Status>>;

    async fn get_events(
        &self,
        mut request: Request<v1::GetEventsRequest>,
    ) -> Result<Response<Self::GetEventsStream>, Status> {
        let call = call(&mut request)?;
        let events = EventStream::open(&self.coordinator, call, request.get_ref()).await?;
        Ok(Response::new(events.books()))
    }

    async fn get_state(
        &self,
        mut request: Request<v1::GetStateRequest>,
    ) -> Result<Response<v1::GetStateResponse>, Status> {
        let call = call(&mut request)?;
        let request = request.into_inner();
        let stream = convert::stream(request.cover.as_ref()).map_err(status)?;
        call.caller().check(Verb::Read, Some(&stream.domain))?;
        let at = convert::at_of_state(request.at).map_err(status)?;
        let state = self.coordinator.state(&stream, at).await;
        let state = state.map_err(|error| call.caller().no_answer(error))?;
        answer(v1::GetStateResponse {
            state: Some((&state).into()),
        })
    }

    async fn list_changes(
        &self,
        mut request: Request<v1::ListChangesRequest>,
    ) -> Result<Response<v1::ListChangesResponse>, Status> {
        let call = call(&mut request)?;
        let (stream, query) = convert::changes_query(request.into_inner()).map_err(status)?;
        call.caller().check(Verb::Read, Some(&stream.domain))?;
        let changes = self.coordinator.changes(&stream, query).await;
        let changes = changes.map_err(|error| call.caller().no_answer(error))?;
        answer(changes.into())
    }

    async fn get_workflow(
        &self,
        mut request: Request<v1::GetWorkflowRequest>,
    ) -> Result<Response<v1::GetWorkflowResponse>, Status> {
        let call = call(&mut request)?;
        let caller = call.caller();
        let (id, begin) = convert::workflow_asked(request.into_inner()).map_err(status)?;
        let found = self.coordinator.log().workflow(&id, begin).await;
        let found = found.map_err(status)?;
        let may_see = |domain: &Domain| caller.may(Verb::LettersRead, domain);
        let letters = self.desk.letters_of(&found, may_see).await;
        let letters = letters.map_err(status)?;
        let letters = letters.iter().map(|letter| shown(letter, caller)).collect();
        let may_read = |domain: &Domain| caller.may(Verb::Read, domain);
        answer(convert::workflow_answer(&found, letters, may_read))
    }

    async fn list_streams(
        &self,
        mut request: Request<v1::ListStreamsRequest>,
    ) -> Result<Response<v1::ListStreamsResponse>, Status> {
        let call = call(&mut request)?;
        let request = request.get_ref();
        let domain = match request.domain.as_str() {
            "" => None,
            name => Some(convert::domain(name, "domain").map_err(status)?),
        };
        if let Some(domain) = &domain {
            call.caller().check(Verb::Read, Some(domain))?;
        }
        let mut after = after(&request.page_token).map_err(status)?;
        let mut page = Page::of(request.page_size);
        let mut next_page_token = String::new();
        let wanted = page.most_lines() + 1;
        let found = match domain.is_some() || call.caller().may_everywhere(Verb::Read) {
            true => self.streams(domain.as_ref(), after.as_ref(), wanted).await,
            false => self.readable(call.caller(), after.as_ref(), wanted).await,
        };
        let found = found.map_err(store_status)?;
        if let (true, None, Some(domain)) = (found.is_empty(), &after, &domain) {
            check_domain(&self.coordinator, domain, call.caller())?;
        }
        for line in &found {
            if !page.push(line.into()) {
                next_page_token = token(after.as_ref());
                break;
            }
            after = Some(line.stream.clone());
        }
        Ok(Response::new(v1::ListStreamsResponse {
            streams: page.into_lines(),
            next_page_token,
        }))
    }

    async fn list_domains(
        &self,
        mut request: Request<v1::ListDomainsRequest>,
    ) -> Result<Response<v1::ListDomainsResponse>, Status> {
        let call = call(&mut request)?;
        let mut domains = self.coordinator.domains();
        domains.retain(|info| call.caller().may(Verb::Read, &info.domain));
        Ok(Response::new(v1::ListDomainsResponse {
            domains: domains.iter().map(description).collect(),
        }))
    }

    async fn get_schema(
        &self,
        mut request: Request<v1::GetSchemaRequest>,
    ) -> Result<Response<v1::GetSchemaResponse>, Status> {
        let call = call(&mut request)?;
        let domains = match request.get_ref().domain.as_str() {
            "" => {
                let all = self.coordinator.domains().into_iter();
                let mut all: Vec<_> = all.map(|info| info.domain).collect();
                all.retain(|domain| call.caller().may(Verb::Read, domain));
                all
            }
            name => {
                let domain = convert::domain(name, "domain").map_err(status)?;
                call.caller().check(Verb::Read, Some(&domain))?;
                check_domain(&self.coordinator, &domain, call.caller())?;
                vec![domain]
            }
        };
        let schemas = domains.iter().filter_map(|it| self.coordinator.schema(it));
        let schemas: Vec<_> = schemas.collect();
        let type_names = schemas.iter().flat_map(DomainSchema::type_names);
        let file_descriptor_set = self.coordinator.descriptors().encoded_of(type_names);
        answer(v1::GetSchemaResponse {
            file_descriptor_set,
            domains: schemas
                .into_iter()
                .map(|schema| v1::DomainSchema {
                    domain: schema.domain.to_string(),
                    commands: message_schemas(schema.commands),
                    events: message_schemas(schema.events),
                })
                .collect(),
        })
    }
}

fn message_schemas(messages: Vec<MessageSchema>) -> Vec<v1::MessageSchema> {
    let messages = messages.into_iter();
    messages
        .map(|message| v1::MessageSchema {
            type_name: message.type_name,
            json_schema: message
                .json_schema
                .map_or(String::new(), |it| it.to_string()),
        })
        .collect()
}

fn token(last: Option<&StreamId>) -> String {
    last.map(ToString::to_string).unwrap_or_default()
}

/// Reads the token of a page of streams, which is the last stream of the page before.
fn after(page_token: &str) -> Result<Option<StreamId>, Invalid> {
    match page_token {
        "" => Ok(None),
        token => token.parse().map(Some).map_err(|_| {
            Invalid::field(
                "page_token",
                "give the `next_page_token` of the page before",
            )
        }),
    }
}

fn description(info: &DomainInfo) -> v1::DomainDescription {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    v1::DomainDescription {
        domain: info.domain.to_string(),
        command_types: names(info.commands),
        command_codec: v1::Codec::from(info.command_codec).into(),
        event_types: names(info.events),
        event_codec: v1::Codec::from(info.event_codec).into(),
    }
}
