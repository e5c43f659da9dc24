//! Carries out what a visitor decides about a letter.

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use seriatim_core::{Action, DeadLetter, Decision, ExpectedSequence};
use uuid::Uuid;

use crate::console::Shared;
use crate::letter::{Typed, find_to_decide, show_with};
use crate::refusal::Refusal;
use crate::visitor::Visitor;

/// The form to resubmit.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Resubmission {
    expected: String,
}

/// The form to discard.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Discard {
    reason: String,
}

/// Resubmits a letter: a command only if its stream is where the visitor saw it.
pub(crate) async fn resubmit(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(form): Form<Resubmission>,
) -> Result<Response, Refusal> {
    let letter = find_to_decide(&shared, &visitor, &id).await?;
    let expected = match &letter {
        DeadLetter::Command(_) => expectation(&form.expected),
        DeadLetter::Reaction(_) => Ok(ExpectedSequence::Any),
    };
    let decided = match expected {
        Ok(expected) => {
            let action = Action::Resubmit { expected };
            decide(&shared, &visitor, letter.id(), action, None).await
        }
        Err(refusal) => Err(refusal),
    };
    answer(&shared, &visitor, letter.id(), decided, String::new()).await
}

/// Gives a letter up, with a reason.
pub(crate) async fn discard(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(Discard { reason }): Form<Discard>,
) -> Result<Response, Refusal> {
    let letter = find_to_decide(&shared, &visitor, &id).await?;
    let given = Some(reason.clone());
    let decided = decide(&shared, &visitor, letter.id(), Action::Discard, given).await;
    answer(&shared, &visitor, letter.id(), decided, reason).await
}

/// Reads the sequence at which the visitor saw the stream of a command. A form of the console always says one.
pub(crate) fn expectation(text: &str) -> Result<ExpectedSequence, Refusal> {
    let expected = text.parse();
    expected
        .map_err(|_| Refusal::Invalid("The form does not say at which sequence you looked.".into()))
}

/// Carries out a decision, and records it.
pub(crate) async fn decide(
    shared: &Shared,
    visitor: &Visitor,
    letter: Uuid,
    action: Action,
    reason: Option<String>,
) -> Result<DeadLetter, Refusal> {
    if action == Action::Discard
        && reason
            .as_deref()
            .is_none_or(|reason| reason.trim().is_empty())
    {
        return Err(Refusal::Invalid("Say why it is given up.".into()));
    }
    let decision = Decision {
        letter,
        action,
        actor: visitor.name(),
        reason,
    };
    let (desk, name, why) = (
        shared.desk.clone(),
        decision.action.name(),
        decision.reason.clone(),
    );
    let work = async move { desk.decide(&decision).await };
    let recorder = &shared.recorder;
    recorder
        .run(visitor, name, letter, why.as_deref(), work)
        .await
}

/// Shows the letter after a decision: anew, or with the reason why nothing was done.
async fn answer(
    shared: &Shared,
    visitor: &Visitor,
    id: Uuid,
    decided: Result<DeadLetter, Refusal>,
    reason: String,
) -> Result<Response, Refusal> {
    match decided {
        Ok(_) => Ok(see(id)),
        Err(refusal) => {
            let typed = Typed {
                reason,
                ..Typed::default()
            };
            show_with(shared, visitor, id, &refusal, typed).await
        }
    }
}

/// Has the browser show a letter.
pub(crate) fn see(letter: Uuid) -> Response {
    Redirect::to(&format!("/letters/{letter}")).into_response()
}
