//! Contains the client for dead letters.

use seriatim_core::{DeadLetter, Decision, LetterFilter, OpenLetter, OperatorError, Verb};
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
    ) -> Call<Page<DeadLetter>> {
        let message = self.request(v1::DeadLetterServiceListRequest {
            page_token: page.unwrap_or_default(),
            ..convert::list_request(filter)
        });
        let answer = self.desk().list(message).await?.into_inner();
        read_page(answer.letters, answer.next_page_token)
    }

    /// Shows a dead letter with everything that belongs to it.
    pub async fn letter(&self, id: Uuid) -> Call<OpenLetter> {
        let message = self.request(v1::DeadLetterServiceGetRequest {
            id: Some(id.into()),
        });
        let answer = self.desk().get(message).await?.into_inner();
        answer.try_into().map_err(CallError::Garbled)
    }

    /// Carries out a decision about a dead letter. Returns the letter as it is after that.
    pub async fn decide(&self, decision: &Decision) -> Call<DeadLetter> {
        let (id, actor) = (Some(decision.letter.into()), decision.actor.as_deref());
        let reason = decision.reason.clone().unwrap_or_default();
        let letter = match decision.verb {
            Verb::Resubmit => {
                let message = v1::DeadLetterServiceResubmitRequest { id, reason };
                let message = self.request_of(message, actor);
                self.desk().resubmit(message).await?.into_inner().letter
            }
            Verb::Discard => {
                let message = v1::DeadLetterServiceDiscardRequest { id, reason };
                let message = self.request_of(message, actor);
                self.desk().discard(message).await?.into_inner().letter
            }
        };
        let letter = letter.unwrap_or_default();
        letter.try_into().map_err(CallError::Garbled)
    }

    fn desk(&self) -> DeadLetterServiceClient<Departures> {
        DeadLetterServiceClient::new(self.departures()).max_decoding_message_size(ANSWER_BYTES)
    }
}
