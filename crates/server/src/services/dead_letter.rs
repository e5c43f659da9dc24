//! Implements `DeadLetterService`.

use seriatim_coordinator::Coordinator;
use seriatim_core::{
    Annotate, DeadLetter, Decision, Desk, OpenLetter, OperatorError, QueryError, StreamId,
};
use seriatim_proto::{convert, v1};
use seriatim_security::Verb::{self, LettersPayload, LettersRead, LettersResolve};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use v1::dead_letter_service_server::DeadLetterService;

use super::page::Page;
use super::{By, answer, by, check_domain, status};
use crate::caller::Caller;

/// The most letters that are read at once: each may hold a whole request, which may be as large as a message.
const MOST_PIECE_LETTERS: usize = 8;

/// The most faults that are counted: a caller with few rights sees those of them that it may see.
const MOST_FAULTS: usize = 1000;

/// The most reads for one page. A caller that may see few letters of many gets a shorter page.
const MOST_ROUNDS: usize = 256;

/// Shows dead letters of all kinds, and carries out people's decisions.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetters {
    coordinator: Coordinator,
    desk: Desk,
}

impl DeadLetters {
    /// Makes the service. `desk` has the coordinator's letters, and others.
    pub(crate) fn new(coordinator: Coordinator, desk: Desk) -> Self {
        Self { coordinator, desk }
    }

    /// Returns a letter. Fails for one of a domain for which the caller has no right, as if there were no such letter.
    async fn letter(&self, by: &By, verb: Verb, id: Uuid) -> Result<DeadLetter, Status> {
        let letter = self.desk.find(id).await.map_err(status)?;
        check_letter(&by.caller, verb, id, letter.stream())?;
        Ok(letter)
    }

    /// Adds to the history of a letter, if the caller may decide about the letter. Returns what was added.
    async fn add(
        &self,
        by: &By,
        what: &'static str,
        letter: Uuid,
        annotate: &Annotate,
    ) -> Result<v1::Annotation, Status> {
        let actor = by.person()?;
        if by.caller.may_end() {
            self.letter(by, LettersResolve, letter).await?;
        }
        let adding = async {
            let added = self.desk.annotate(letter, annotate, actor.as_deref()).await;
            added.map_err(|error| refused(&by.caller, error))
        };
        let added = by.operate(what, letter, None, adding).await?;
        Ok((&added).into())
    }

    /// Carries out a decision, if the caller may decide about the letter. Returns what it may see of the letter then.
    async fn decide(&self, by: &By, decision: &Decision) -> Result<v1::DeadLetter, Status> {
        let caller = &by.caller;
        if caller.may_end() {
            self.letter(by, LettersResolve, decision.letter).await?;
        }
        let (what, reason) = (decision.action.name(), decision.reason.as_deref());
        let deciding = async {
            let decided = self.desk.decide(decision).await;
            decided.map_err(|error| refused(caller, error))
        };
        let letter = by.operate(what, decision.letter, reason, deciding).await?;
        Ok(shown(&letter, caller))
    }
}

fn token(last: Option<Uuid>) -> String {
    last.map(|id| id.to_string()).unwrap_or_default()
}

/// Fails for a letter of a domain for which the caller has no right, as if there were no such letter.
fn check_letter(caller: &Caller, verb: Verb, id: Uuid, stream: &StreamId) -> Result<(), Status> {
    match caller.may(verb, &stream.domain) {
        true => Ok(()),
        false => Err(status(QueryError::UnknownLetter { id })),
    }
}

/// Returns the status of an error, without what the caller may not know.
fn refused(caller: &Caller, error: OperatorError) -> Status {
    match error {
        OperatorError::Query(error) => caller.no_answer(error),
        OperatorError::Submit(error) => caller.refusal(*error),
        error => status(error),
    }
}

/// Returns what a caller may see of a letter.
pub(super) fn shown(letter: &DeadLetter, caller: &Caller) -> v1::DeadLetter {
    let mut shown = v1::DeadLetter::from(letter);
    if !caller.may(LettersPayload, &letter.stream().domain) {
        convert::without_payload(&mut shown);
    }
    shown
}

#[tonic::async_trait]
impl DeadLetterService for DeadLetters {
    async fn list(
        &self,
        mut request: Request<v1::DeadLetterServiceListRequest>,
    ) -> Result<Response<v1::DeadLetterServiceListResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let request = request.get_ref();
        let mut filter = convert::letter_filter(request).map_err(status)?;
        if let Some(domain) = &filter.domain {
            by.caller.check(LettersRead, Some(domain))?;
        }
        let mut page = Page::of(request.page_size);
        let mut next_page_token = String::new();
        let mut last_shown = filter.after;
        let mut piece_letters = 1;
        'page: for round in 0.. {
            if round == MOST_ROUNDS {
                next_page_token = token(filter.after);
                break;
            }
            let piece = self.desk.letters(&filter, piece_letters).await;
            let piece = piece.map_err(status)?;
            if let (true, None, Some(domain)) = (piece.is_empty(), filter.after, &filter.domain) {
                check_domain(&self.coordinator, domain, &by.caller)?;
            }
            let assignees = self.desk.assignees(&piece).await.map_err(status)?;
            for letter in &piece {
                if !by.caller.may(LettersRead, &letter.stream().domain) {
                    filter.after = Some(letter.id());
                    continue;
                }
                let assignee = assignees.get(&letter.id()).cloned();
                let listed = v1::DeadLetter {
                    assignee: assignee.unwrap_or_default(),
                    ..shown(letter, &by.caller)
                };
                if !page.push(listed) {
                    // A letter that is left out is not named either.
                    next_page_token = token(last_shown);
                    break 'page;
                }
                last_shown = Some(letter.id());
                filter.after = Some(letter.id());
            }
            if piece.len() < piece_letters {
                break;
            }
            // The next letters may be larger.
            let most = MOST_PIECE_LETTERS.min(2 * piece_letters);
            piece_letters = page.lines_left().clamp(1, most);
        }
        Ok(Response::new(v1::DeadLetterServiceListResponse {
            letters: page.into_lines(),
            next_page_token,
        }))
    }

    async fn get(
        &self,
        mut request: Request<v1::DeadLetterServiceGetRequest>,
    ) -> Result<Response<v1::DeadLetterServiceGetResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let id = convert::uuid(request.get_ref().id.as_ref(), "id").map_err(status)?;
        let letter = self.desk.open(id).await.map_err(status)?;
        let stream = letter.stream();
        check_letter(&by.caller, LettersRead, id, stream)?;
        let mut shown = v1::DeadLetterServiceGetResponse::from(&letter);
        match &letter {
            OpenLetter::Command(_) => by.caller.check(LettersPayload, Some(&stream.domain))?,
            OpenLetter::Reaction(_) if by.caller.may(LettersPayload, &stream.domain) => {}
            OpenLetter::Reaction(_) => convert::without_event_content(&mut shown),
        }
        let annotations = self.desk.annotations(id).await.map_err(status)?;
        shown.annotations = annotations.iter().map(Into::into).collect();
        answer(shown)
    }

    async fn simulate(
        &self,
        mut request: Request<v1::DeadLetterServiceSimulateRequest>,
    ) -> Result<Response<v1::DeadLetterServiceSimulateResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let id = convert::uuid(request.get_ref().id.as_ref(), "id").map_err(status)?;
        let letter = self.letter(&by, LettersRead, id).await?;
        let domain = &letter.stream().domain;
        by.caller.check(LettersPayload, Some(domain))?;
        let simulation = self.desk.simulate(id).await;
        let simulation = simulation.map_err(|error| refused(&by.caller, error))?;
        answer((&simulation).into())
    }

    async fn forecast(
        &self,
        mut request: Request<v1::DeadLetterServiceForecastRequest>,
    ) -> Result<Response<v1::DeadLetterServiceForecastResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let caller = &by.caller;
        let page = Page::<v1::DeadLetter>::of(request.get_ref().page_size);
        let filter = convert::forecast_filter(request.into_inner()).map_err(status)?;
        let domain = filter.domain.as_ref();
        caller.check(LettersRead, domain)?;
        caller.check(LettersPayload, domain)?;
        let counts = |letter: &DeadLetter| {
            let domain = &letter.stream().domain;
            caller.may(LettersRead, domain) && caller.may(LettersPayload, domain)
        };
        let part = self.desk.forecast(&filter, page.most_lines(), counts).await;
        let part = part.map_err(|error| refused(caller, error))?;
        if let (0, None, Some(domain)) = (part.forecast.letters(), filter.after, domain) {
            check_domain(&self.coordinator, domain, caller)?;
        }
        Ok(Response::new(v1::DeadLetterServiceForecastResponse {
            forecast: Some((&part.forecast).into()),
            next_page_token: token(part.next),
        }))
    }

    async fn list_faults(
        &self,
        mut request: Request<v1::DeadLetterServiceListFaultsRequest>,
    ) -> Result<Response<v1::DeadLetterServiceListFaultsResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let caller = &by.caller;
        let mut page = Page::of(request.get_ref().page_size);
        let filter = convert::fault_filter(request.into_inner()).map_err(status)?;
        let domain = filter.domain.as_ref();
        caller.check(LettersRead, domain)?;
        caller.check(LettersPayload, domain)?;
        let groups = self.desk.fault_groups(&filter, MOST_FAULTS).await;
        let groups = groups.map_err(|error| refused(caller, error))?;
        if let (true, Some(domain)) = (groups.is_empty(), domain) {
            check_domain(&self.coordinator, domain, caller)?;
        }
        for group in &groups {
            let may = |verb| caller.may(verb, &group.domain);
            if may(LettersRead) && may(LettersPayload) && !page.push(group.into()) {
                break;
            }
        }
        let groups = page.into_lines();
        Ok(Response::new(v1::DeadLetterServiceListFaultsResponse {
            groups,
        }))
    }

    async fn annotate(
        &self,
        mut request: Request<v1::DeadLetterServiceAnnotateRequest>,
    ) -> Result<Response<v1::DeadLetterServiceAnnotateResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let (letter, what) = convert::noting(request.into_inner()).map_err(status)?;
        let annotation = Some(self.add(&by, "annotate", letter, &what).await?);
        Ok(Response::new(v1::DeadLetterServiceAnnotateResponse {
            annotation,
        }))
    }

    async fn assign(
        &self,
        mut request: Request<v1::DeadLetterServiceAssignRequest>,
    ) -> Result<Response<v1::DeadLetterServiceAssignResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let (letter, what) = convert::assigning(request.get_ref()).map_err(status)?;
        let annotation = Some(self.add(&by, "assign", letter, &what).await?);
        Ok(Response::new(v1::DeadLetterServiceAssignResponse {
            annotation,
        }))
    }

    async fn resubmit(
        &self,
        mut request: Request<v1::DeadLetterServiceResubmitRequest>,
    ) -> Result<Response<v1::DeadLetterServiceResubmitResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let actor = by.person()?;
        let decision = convert::resubmission(request.into_inner(), actor).map_err(status)?;
        let letter = self.decide(&by, &decision).await?;
        Ok(Response::new(v1::DeadLetterServiceResubmitResponse {
            letter: Some(letter),
        }))
    }

    async fn edit(
        &self,
        mut request: Request<v1::DeadLetterServiceEditRequest>,
    ) -> Result<Response<v1::DeadLetterServiceEditResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let actor = by.person()?;
        let decision = convert::editing(request.into_inner(), actor).map_err(status)?;
        let letter = self.decide(&by, &decision).await?;
        Ok(Response::new(v1::DeadLetterServiceEditResponse {
            letter: Some(letter),
        }))
    }

    async fn record(
        &self,
        mut request: Request<v1::DeadLetterServiceRecordRequest>,
    ) -> Result<Response<v1::DeadLetterServiceRecordResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let actor = by.person()?;
        let decision = convert::recording(request.into_inner(), actor).map_err(status)?;
        let letter = self.decide(&by, &decision).await?;
        Ok(Response::new(v1::DeadLetterServiceRecordResponse {
            letter: Some(letter),
        }))
    }

    async fn discard(
        &self,
        mut request: Request<v1::DeadLetterServiceDiscardRequest>,
    ) -> Result<Response<v1::DeadLetterServiceDiscardResponse>, Status> {
        let (by, _) = by(&mut request)?;
        let actor = by.person()?;
        let decision = convert::discarding(request.into_inner(), actor).map_err(status)?;
        let letter = self.decide(&by, &decision).await?;
        Ok(Response::new(v1::DeadLetterServiceDiscardResponse {
            letter: Some(letter),
        }))
    }
}
