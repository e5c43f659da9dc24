//! Lets a visitor do something else in place of a parked command. No mistake loses what was written.

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use seriatim_core::{
    Action, CommandLetter, DeadLetter, LetterStatus, OpenLetter, commands_to_edit, edited_commands,
};
use seriatim_security::Verb;

use crate::console::Shared;
use crate::deciding::{decide, expectation, see};
use crate::frame::{Frame, page};
use crate::letter::find_to_decide;
use crate::outcome::at;
use crate::refusal::Refusal;
use crate::show::{self, Id};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "edit.html")]
struct EditPage {
    frame: Frame,
    id: Id,
    alert: Option<String>,
    expected: String,
    text: String,
}

/// The form to edit.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Edited {
    expected: String,
    commands: String,
}

/// Shows the commands of a letter to be edited.
pub(crate) async fn show(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let letter = command(&shared, &visitor, &id).await?;
    let opened = shared.readable(shared.desk.open(letter.id).await?);
    let OpenLetter::Command(view) = opened else {
        return Err(only_commands());
    };
    let Some(text) = commands_to_edit(&view.letter.request.commands) else {
        let why = "The command is neither JSON nor a message with registered descriptors, so it cannot be edited here.";
        return Err(Refusal::Invalid(why.into()));
    };
    let form = Edited {
        expected: at(view.theirs.sequence),
        commands: show::lines(&text),
    };
    Ok(shown(&visitor, &letter, form, StatusCode::OK, None))
}

/// Sends what a visitor has written in place of the commands of a letter.
pub(crate) async fn send(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(form): Form<Edited>,
) -> Result<Response, Refusal> {
    let letter = command(&shared, &visitor, &id).await?;
    match sent(&shared, &visitor, &letter, &form).await {
        Ok(()) => Ok(see(letter.id)),
        Err(refusal) => {
            let (status, why) = (refusal.status(), refusal.why());
            Ok(shown(&visitor, &letter, form, status, Some(why)))
        }
    }
}

/// Fails if the letter stays open.
async fn sent(
    shared: &Shared,
    visitor: &Visitor,
    letter: &CommandLetter,
    form: &Edited,
) -> Result<(), Refusal> {
    let expected = expectation(&form.expected)?;
    let commands = edited_commands(&form.commands)
        .map_err(|mistake| Refusal::Invalid(format!("Nothing was sent. In {mistake}.")))?;
    let action = Action::Edit { commands, expected };
    closed(&decide(shared, visitor, letter.id, action, None).await?)
}

/// Fails with the result of the last attempt if a letter is still open.
pub(crate) fn closed(letter: &DeadLetter) -> Result<(), Refusal> {
    if letter.status() != LetterStatus::Parked {
        return Ok(());
    }
    let last = letter.attempts().last();
    let result = last.map(|last| show::line(&last.result));
    Err(Refusal::Invalid(format!(
        "It was not accepted, and the letter still waits: {}",
        result.unwrap_or_default()
    )))
}

/// Returns the letter of a command whose content the visitor may see and about which it may decide.
pub(crate) async fn command(
    shared: &Shared,
    visitor: &Visitor,
    id: &str,
) -> Result<CommandLetter, Refusal> {
    let letter = find_to_decide(shared, visitor, id).await?;
    if !visitor.may(Verb::LettersPayload, &letter.stream().domain) {
        return Err(Refusal::Denied(Verb::LettersPayload));
    }
    match letter {
        DeadLetter::Command(letter) => Ok(*letter),
        DeadLetter::Reaction(_) => Err(only_commands()),
    }
}

fn only_commands() -> Refusal {
    let why = "This letter is about an event, which has happened. Resubmit the letter when the component is corrected, or discard it.";
    Refusal::Invalid(why.into())
}

fn shown(
    visitor: &Visitor,
    letter: &CommandLetter,
    form: Edited,
    status: StatusCode,
    alert: Option<String>,
) -> Response {
    let edit = EditPage {
        frame: Frame::new("Edit and resubmit", "/letters/", visitor),
        id: letter.id.into(),
        alert,
        expected: form.expected,
        text: form.commands,
    };
    page(status, &edit)
}
