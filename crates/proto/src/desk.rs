//! Contains the client for dead letters.

use seriatim_core::{
    Action, Annotate, Annotation, Assignee, DeadLetter, Decision, FaultGroup, Forecast,
    LetterFilter, LetterSimulation, ListedLetter, OpenLetter, OperatorError,
};
use uuid::Uuid;

use crate::call_error::CallError;
use crate::client::{Page, read_page};
use crate::departure::Departures;
use crate::{ANSWER_BYTES, Client, convert, v1};
use v1::dead_letter_service_client::DeadLetterServiceClient;

type Call<T> = Result<T, CallError<OperatorError>>;

impl Client {
    /// Lists dead letters, a page at a time. `page` is the token that came with the page before; the filter must stay
    /// the same.
    pub async fn letters(
        &self,
        filter: &LetterFilter,
        page: Option<String>,
    ) -> Call<Page<ListedLetter>> {
        let message = self.request(v1::DeadLetterServiceListRequest {
            page_token: page.unwrap_or_default(),
            ..convert::list_request(filter)
        });
        let answer = self.desk().list(message).await?.into_inner();
        read_page(answer.letters, answer.next_page_token)
    }

    /// Shows a dead letter with everything that belongs to it, and what people have written about it, oldest first.
    pub async fn letter(&self, id: Uuid) -> Call<(OpenLetter, Vec<Annotation>)> {
        let message = self.request(v1::DeadLetterServiceGetRequest {
            id: Some(id.into()),
        });
        let mut answer = self.desk().get(message).await?.into_inner();
        let annotations = std::mem::take(&mut answer.annotations).into_iter();
        let annotations = annotations.map(TryInto::try_into).collect::<Result<_, _>>();
        let letter = answer.try_into().map_err(CallError::Garbled)?;
        Ok((letter, annotations.map_err(CallError::Garbled)?))
    }

    /// Returns what resubmitting a dead letter now would give. Nothing is written.
    pub async fn simulate_letter(&self, id: Uuid) -> Call<LetterSimulation> {
        let message = self.request(v1::DeadLetterServiceSimulateRequest {
            id: Some(id.into()),
        });
        let answer = self.desk().simulate(message).await?.into_inner();
        answer.try_into().map_err(CallError::Garbled)
    }

    /// Counts what resubmitting the waiting dead letters that pass a filter would give, a part at a time. `page` is the
    /// token that came with the part before; the filter must stay the same. Returns the counts of the part and the token
    /// of the next, or `None` if it was the last.
    pub async fn forecast(
        &self,
        filter: &LetterFilter,
        page: Option<String>,
    ) -> Call<(Forecast, Option<String>)> {
        let message = self.request(v1::DeadLetterServiceForecastRequest {
            page_token: page.unwrap_or_default(),
            ..convert::forecast_request(filter)
        });
        let answer = self.desk().forecast(message).await?.into_inner();
        let next = Some(answer.next_page_token).filter(|token| !token.is_empty());
        Ok((answer.forecast.unwrap_or_default().into(), next))
    }

    /// Carries out a decision about a dead letter. Returns the letter as it is after that.
    pub async fn decide(&self, decision: &Decision) -> Call<DeadLetter> {
        let (id, actor) = (Some(decision.letter.into()), decision.actor.as_deref());
        let reason = decision.reason.clone().unwrap_or_default();
        let letter = match &decision.action {
            Action::Resubmit { expected } => {
                let message = v1::DeadLetterServiceResubmitRequest {
                    id,
                    reason,
                    expected: Some((*expected).into()),
                };
                let message = self.request_of(message, actor);
                self.desk().resubmit(message).await?.into_inner().letter
            }
            Action::Edit { commands, expected } => {
                let message = v1::DeadLetterServiceEditRequest {
                    id,
                    commands: commands.iter().map(convert::any).collect(),
                    expected: Some((*expected).into()),
                    reason,
                };
                let message = self.request_of(message, actor);
                self.desk().edit(message).await?.into_inner().letter
            }
            Action::Record(happened) => {
                let origin = &happened.fact.origin;
                let message = v1::DeadLetterServiceRecordRequest {
                    id,
                    event: Some(convert::any(&happened.fact.payload)),
                    source: origin.source.clone(),
                    description: origin.description.clone(),
                    external_id: happened.external_id.clone(),
                    route_facts_to_aggregate: happened.route_to_aggregate,
                    reason,
                };
                let message = self.request_of(message, actor);
                self.desk().record(message).await?.into_inner().letter
            }
            Action::Discard => {
                let message = v1::DeadLetterServiceDiscardRequest { id, reason };
                let message = self.request_of(message, actor);
                self.desk().discard(message).await?.into_inner().letter
            }
        };
        let letter = letter.unwrap_or_default();
        letter.try_into().map_err(CallError::Garbled)
    }

    /// Returns the faults for which the dead letters that pass a filter wait, those with most letters first, at most 100.
    pub async fn fault_groups(&self, filter: &LetterFilter) -> Call<Vec<FaultGroup>> {
        let message = self.request(convert::faults_request(filter));
        let answer = self.desk().list_faults(message).await?.into_inner();
        let groups = answer.groups.into_iter().map(TryInto::try_into);
        groups.collect::<Result<_, _>>().map_err(CallError::Garbled)
    }

    /// Adds to the history of a dead letter, which changes nothing else about it. Returns what was added.
    pub async fn annotate(
        &self,
        id: Uuid,
        what: &Annotate,
        actor: Option<&str>,
    ) -> Call<Annotation> {
        let id = Some(id.into());
        let annotation = match what {
            Annotate::Note(note) => {
                let note = note.clone();
                let message = v1::DeadLetterServiceAnnotateRequest { id, note };
                let message = self.request_of(message, actor);
                self.desk().annotate(message).await?.into_inner().annotation
            }
            // On the wire it would be nobody.
            Annotate::Assign {
                to: Assignee::Person(name),
                ..
            } if name.trim().is_empty() => {
                let why = "assignee: it is empty; name a person, or say that nobody looks after it";
                return Err(CallError::Invalid(why.into()));
            }
            Annotate::Assign { to, from } => {
                let name = |assignee: &Assignee| assignee.name().unwrap_or_default().to_owned();
                let message = v1::DeadLetterServiceAssignRequest {
                    id,
                    assignee: name(to),
                    from: from.as_ref().map(name),
                };
                let message = self.request_of(message, actor);
                self.desk().assign(message).await?.into_inner().annotation
            }
        };
        let annotation = annotation.unwrap_or_default();
        annotation.try_into().map_err(CallError::Garbled)
    }

    fn desk(&self) -> DeadLetterServiceClient<Departures> {
        DeadLetterServiceClient::new(self.departures()).max_decoding_message_size(ANSWER_BYTES)
    }
}
