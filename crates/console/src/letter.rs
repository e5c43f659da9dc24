//! Shows a letter from all sides, with the forms to decide about it.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use seriatim_core::{
    Attempt, CommandLetter, DeadLetter, GivenUp, LetterSimulation, LetterStatus, OpenLetter,
    ReactionLetter, ThreeWay, Tried, commands_to_edit,
};
use seriatim_security::Verb;
use uuid::Uuid;

use crate::console::Shared;
use crate::frame::{Frame, page};
use crate::letters::{standing, standing_of_event};
use crate::notes::Notes;
use crate::outcome::{Outcome, at};
use crate::refusal::{Refusal, no_letter};
use crate::show::{self, Content, Event, Id, Moment};
use crate::sides::{self, Field};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "letter.html")]
struct LetterPage {
    frame: Frame,
    alert: Option<String>,
    head: Head,
    body: Body,
    /// What resubmitting now would give, if that was asked for.
    simulation: Option<Forecast>,
    notes: Notes,
    typed: Typed,
}

/// The texts of a form that was not accepted.
#[derive(Default)]
pub(crate) struct Typed {
    /// The reason for a discard.
    pub(crate) reason: String,
    pub(crate) note: String,
}

/// What is shown of every letter.
struct Head {
    id: Id,
    status: &'static str,
    is_open: bool,
    facts: Vec<(&'static str, String)>,
    since: Moment,
    attempts: Vec<AttemptLine>,
    may_see: bool,
    may_decide: bool,
    /// The stream, if the visitor may read it.
    stream: Option<String>,
    /// The correlation id of a command's workflow. That of an event stands beside the event.
    workflow: Option<String>,
}

struct AttemptLine {
    at: Moment,
    by: String,
    what: String,
    result: String,
}

enum Body {
    /// The visitor may not see what is in the letter.
    Closed,
    Command(Box<CommandBody>),
    Event(Box<EventBody>),
}

struct CommandBody {
    commands: Vec<Content>,
    base: String,
    theirs: String,
    fields: Vec<Field>,
    between: Vec<Event>,
    more: u64,
    obstacle: Option<String>,
    yours: Outcome,
    can_edit: bool,
}

struct EventBody {
    event: Option<Event>,
    followers: String,
}

enum Forecast {
    Command { before: String, outcome: Outcome },
    Event { followers: String },
    Fails(String),
}

/// What a visitor asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    simulate: Option<String>,
}

/// Shows a letter, as far as the visitor may see it.
pub(crate) async fn show(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    let letter = find(&shared, &visitor, &id).await?;
    let simulation = match wanted.simulate {
        Some(_) => Some(simulate(&shared, &visitor, &letter).await?),
        None => None,
    };
    let shown = letter_page(&shared, &visitor, letter.id(), None).await?;
    Ok(page(
        StatusCode::OK,
        &LetterPage {
            simulation,
            ..shown
        },
    ))
}

/// Shows a letter with the reason why a decision about it was not carried out.
pub(crate) async fn show_with(
    shared: &Shared,
    visitor: &Visitor,
    id: Uuid,
    refusal: &Refusal,
    typed: Typed,
) -> Result<Response, Refusal> {
    let shown = letter_page(shared, visitor, id, Some(refusal.why())).await?;
    Ok(page(refusal.status(), &LetterPage { typed, ..shown }))
}

/// Returns a letter that the visitor may see. One that it may not see is as one that does not exist.
pub(crate) async fn find(
    shared: &Shared,
    visitor: &Visitor,
    id: &str,
) -> Result<DeadLetter, Refusal> {
    visitor.check(Verb::LettersRead)?;
    let id: Uuid = id.parse().map_err(|_| Refusal::NotFound(no_letter()))?;
    let letter = shared.desk.find(id).await?;
    match visitor.may(Verb::LettersRead, &letter.stream().domain) {
        true => Ok(letter),
        false => Err(Refusal::NotFound(no_letter())),
    }
}

/// Returns a letter about which the visitor may decide.
pub(crate) async fn find_to_decide(
    shared: &Shared,
    visitor: &Visitor,
    id: &str,
) -> Result<DeadLetter, Refusal> {
    visitor.check(Verb::LettersResolve)?;
    let letter = find(shared, visitor, id).await?;
    match visitor.may(Verb::LettersResolve, &letter.stream().domain) {
        true => Ok(letter),
        false => Err(Refusal::Denied(Verb::LettersResolve)),
    }
}

async fn simulate(
    shared: &Shared,
    visitor: &Visitor,
    letter: &DeadLetter,
) -> Result<Forecast, Refusal> {
    if !visitor.may(Verb::LettersPayload, &letter.stream().domain) {
        return Err(Refusal::Denied(Verb::LettersPayload));
    }
    let simulation = shared.desk.simulate(letter.id()).await;
    let simulation = simulation.map(|simulation| shared.readable(simulation));
    Ok(match simulation {
        Ok(LetterSimulation::Command(simulation)) => Forecast::Command {
            before: at(simulation.before.sequence),
            outcome: (&simulation.outcome).into(),
        },
        Ok(LetterSimulation::Reaction(given_up)) => Forecast::Event {
            followers: followers(&given_up),
        },
        Err(error) => Forecast::Fails(Refusal::from(error).why()),
    })
}

async fn letter_page(
    shared: &Shared,
    visitor: &Visitor,
    id: Uuid,
    alert: Option<String>,
) -> Result<LetterPage, Refusal> {
    let letter = shared.desk.find(id).await?;
    let mut head = Head::of(&letter, visitor);
    let mut alert = alert;
    let body = match head.may_see {
        false => Body::Closed,
        true => match (shared.desk.open(id).await).map(|letter| shared.readable(letter)) {
            Ok(OpenLetter::Command(view)) => Body::Command(Box::new(CommandBody::of(&view))),
            Ok(OpenLetter::Reaction(given_up)) => Body::Event(Box::new(EventBody {
                event: given_up.event.as_ref().map(Event::from),
                followers: followers(&given_up),
            })),
            // What can be decided about it without looking can still be decided.
            Err(error) => {
                head.may_see = false;
                let why = format!("It cannot be shown: {}", Refusal::from(error).why());
                alert.get_or_insert(why);
                Body::Closed
            }
        },
    };
    let short = &head.id.short;
    Ok(LetterPage {
        frame: Frame::new(format!("Letter {short}"), "/letters/", visitor).telling_changes(),
        alert,
        head,
        body,
        simulation: None,
        notes: Notes::of(shared, id).await?,
        typed: Typed::default(),
    })
}

impl Head {
    fn of(letter: &DeadLetter, visitor: &Visitor) -> Self {
        let domain = &letter.stream().domain;
        let may_see = visitor.may(Verb::LettersPayload, domain);
        let facts = match letter {
            DeadLetter::Command(letter) => of_command(letter),
            DeadLetter::Reaction(letter) => of_event(letter, may_see),
        };
        let attempts = letter.attempts().iter();
        Self {
            id: letter.id().into(),
            status: standing(letter),
            is_open: letter.status() == LetterStatus::Parked,
            facts,
            since: letter.parked_at().into(),
            attempts: match may_see {
                true => attempts.map(AttemptLine::from).collect(),
                false => Vec::new(),
            },
            may_see,
            may_decide: visitor.may(Verb::LettersResolve, domain),
            stream: (visitor.may(Verb::Read, domain)).then(|| letter.stream().to_string()),
            workflow: match letter {
                DeadLetter::Command(letter) => Some(letter.workflow()),
                DeadLetter::Reaction(_) => None,
            },
        }
    }
}

fn of_command(letter: &CommandLetter) -> Vec<(&'static str, String)> {
    let metadata = &letter.request.metadata;
    let mut facts = vec![
        ("stream", letter.stream().to_string()),
        ("parked because", show::line(&letter.reason.to_string())),
        ("conflict", letter.conflict.to_string()),
    ];
    let notes = [
        ("sent by", &metadata.actor),
        ("external id", &metadata.external_id),
    ];
    for (name, note) in notes {
        facts.extend(note.as_deref().map(|note| (name, show::line(note))));
    }
    let closer = letter.closer();
    facts.extend(closer.map(|closer| ("closed", show::line(&closer.to_string()))));
    facts
}

fn of_event(letter: &ReactionLetter, may_see: bool) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("component", letter.work.to_string()),
        ("stream", letter.stream.to_string()),
        ("sequence", letter.sequence.to_string()),
        ("tries", letter.tries.to_string()),
    ];
    if may_see {
        facts.push(("failure", show::line(&letter.failure)));
    }
    if let Some(decision) = &letter.decision {
        let actor = decision.actor.as_deref().unwrap_or("somebody");
        let reason = decision.reason.as_deref();
        let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
        let (verb, at) = (decision.verb.as_str(), decision.at);
        facts.push((
            "decision",
            show::line(&format!("{verb}, by {actor} at {at}{reason}")),
        ));
        facts.push(("standing", standing_of_event(letter).into()));
    }
    facts
}

impl From<&Attempt> for AttemptLine {
    fn from(attempt: &Attempt) -> Self {
        let what = match &attempt.tried {
            Some(Tried::Resubmit) => "resubmit".into(),
            Some(Tried::Discard) => "discard".into(),
            Some(Tried::Edit { commands }) => {
                let types: Vec<_> = commands.iter().map(|it| it.type_name.as_ref()).collect();
                format!("edit: {}", types.join(", "))
            }
            Some(Tried::Record {
                facts,
                origin,
                external_id,
            }) => {
                let types: Vec<_> = facts.iter().map(|it| it.type_name.as_ref()).collect();
                let (types, source) = (types.join(", "), &origin.source);
                let description = &origin.description;
                format!("fact: {types} ({external_id} of {source}: {description})")
            }
            None => String::new(),
        };
        let reason = attempt.reason.as_deref();
        let reason = reason.map_or(String::new(), |reason| format!(" because: {reason}"));
        Self {
            at: attempt.at.into(),
            by: show::line(attempt.actor.as_deref().unwrap_or("somebody")),
            what: show::line(&format!("{what}{reason}")),
            result: show::line(&attempt.result),
        }
    }
}

impl CommandBody {
    fn of(view: &ThreeWay) -> Self {
        let commands = &view.letter.request.commands;
        let shown = view.intervening.len() as u64;
        let obstacle = view.obstacle.as_ref();
        Self {
            commands: commands.iter().map(Content::from).collect(),
            base: at(view.base.sequence),
            theirs: at(view.theirs.sequence),
            fields: sides::fields(view),
            between: view.intervening.iter().map(Event::from).collect(),
            more: view.intervening_total.saturating_sub(shown),
            obstacle: obstacle.map(|reason| show::line(&reason.to_string())),
            yours: (&view.yours).into(),
            can_edit: commands_to_edit(commands).is_some(),
        }
    }
}

fn followers(given_up: &GivenUp) -> String {
    let more = if given_up.more_followers {
        " or more"
    } else {
        ""
    };
    let followers = given_up.followers;
    format!("{followers}{more} events wait behind it")
}
