//! Lets a visitor record what happened anyway in place of a parked command.

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use seriatim_core::{
    Action, Codec, CommandLetter, FactOrigin, HappenedAnyway, NewFact, Payload, Tree,
};

use crate::console::Shared;
use crate::deciding::{decide, see};
use crate::editing::{closed, command};
use crate::frame::{Frame, page};
use crate::refusal::Refusal;
use crate::show::Id;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "fact.html")]
struct FactPage {
    frame: Frame,
    id: Id,
    alert: Option<String>,
    types: Vec<&'static str>,
    form: Happened,
}

/// The form of what happened.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Happened {
    r#type: String,
    data: String,
    source: String,
    description: String,
    external_id: String,
}

/// Shows the form for what happened anyway.
pub(crate) async fn show(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let letter = command(&shared, &visitor, &id).await?;
    let types = types(&shared, &letter)?;
    let form = Happened {
        data: "{}".into(),
        ..Happened::default()
    };
    Ok(shown(&visitor, &letter, types, form, StatusCode::OK, None))
}

/// Records what happened anyway.
pub(crate) async fn record(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(form): Form<Happened>,
) -> Result<Response, Refusal> {
    let letter = command(&shared, &visitor, &id).await?;
    let types = types(&shared, &letter)?;
    match recorded(&shared, &visitor, &letter, &form).await {
        Ok(()) => Ok(see(letter.id)),
        Err(refusal) => {
            let (status, why) = (refusal.status(), refusal.why());
            Ok(shown(&visitor, &letter, types, form, status, Some(why)))
        }
    }
}

/// Fails if the letter stays open.
async fn recorded(
    shared: &Shared,
    visitor: &Visitor,
    letter: &CommandLetter,
    form: &Happened,
) -> Result<(), Refusal> {
    let said = [
        (&form.r#type, "which event it was"),
        (&form.source, "in which system it happened"),
        (&form.description, "what happened"),
        (&form.external_id, "under which id that system knows it"),
    ];
    for (text, what) in said {
        if text.trim().is_empty() {
            return Err(Refusal::Invalid(format!("Say {what}.")));
        }
    }
    if let Err(error) = Tree::parse(form.data.as_bytes()) {
        let why = format!("The content is not JSON: {error}.");
        return Err(Refusal::Invalid(why));
    }
    let fact = NewFact {
        payload: Payload::json(form.r#type.trim().to_owned(), form.data.clone()),
        origin: FactOrigin {
            source: form.source.trim().into(),
            description: form.description.trim().into(),
        },
    };
    let action = Action::Record(Box::new(HappenedAnyway {
        fact,
        external_id: form.external_id.trim().into(),
        route_to_aggregate: None,
    }));
    closed(&decide(shared, visitor, letter.id, action, None).await?)
}

/// Returns the types of the events of the letter's domain. Fails if they cannot be written as JSON.
fn types(shared: &Shared, letter: &CommandLetter) -> Result<Vec<&'static str>, Refusal> {
    let domain = &letter.stream().domain;
    let mut domains = shared.coordinator.domains().into_iter();
    match domains.find(|info| info.domain == *domain) {
        Some(info) if info.event_codec == Codec::Json => Ok(info.events.to_vec()),
        Some(_) => {
            let why = "Events of this domain are not JSON, so they cannot be written here.";
            Err(Refusal::Invalid(why.into()))
        }
        None => Err(Refusal::Invalid(format!(
            "The program has no aggregate for {domain}."
        ))),
    }
}

fn shown(
    visitor: &Visitor,
    letter: &CommandLetter,
    types: Vec<&'static str>,
    form: Happened,
    status: StatusCode,
    alert: Option<String>,
) -> Response {
    let fact = FactPage {
        frame: Frame::new("It happened anyway", "/letters/", visitor),
        id: letter.id.into(),
        alert,
        types,
        form,
    };
    page(status, &fact)
}
