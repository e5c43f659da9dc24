//! What people write about a letter, and who looks after it.

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::response::Response;
use serde::Deserialize;
use seriatim_core::{Annotate, Annotated, Annotation, Assignee, assignee};
use uuid::Uuid;

use crate::console::Shared;
use crate::deciding::see;
use crate::letter::{Typed, find_to_decide, show_with};
use crate::refusal::Refusal;
use crate::show::{self, Moment};
use crate::visitor::Visitor;

/// The annotations of a letter as a page shows them.
pub(crate) struct Notes {
    pub(crate) lines: Vec<NoteLine>,
    /// The person who looks after it; empty if nobody does.
    pub(crate) assignee: String,
    /// The same as it is kept, to be sent back by forms.
    pub(crate) seen: String,
}

pub(crate) struct NoteLine {
    pub(crate) at: Moment,
    pub(crate) by: String,
    pub(crate) text: String,
}

/// The form to write a note.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NoteForm {
    note: String,
}

/// The form to say who looks after a letter.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AssignForm {
    assignee: String,
    from: String,
}

impl Notes {
    /// Reads the annotations of a letter.
    pub(crate) async fn of(shared: &Shared, letter: Uuid) -> Result<Self, Refusal> {
        let annotations = shared.desk.annotations(letter).await?;
        let seen = assignee(&annotations).unwrap_or_default().to_owned();
        Ok(Self {
            lines: annotations.iter().map(NoteLine::from).collect(),
            assignee: show::line(&seen),
            seen,
        })
    }
}

impl From<&Annotation> for NoteLine {
    fn from(annotation: &Annotation) -> Self {
        Self {
            at: annotation.at.into(),
            by: show::line(annotation.actor.as_deref().unwrap_or("somebody")),
            text: match &annotation.what {
                Annotated::Note(note) => show::lines(note),
                Annotated::Assigned(to) => show::line(&format!("{to} looks after it")),
                Annotated::Unassigned => "nobody looks after it".into(),
            },
        }
    }
}

/// Writes a note into the history of a letter.
pub(crate) async fn annotate(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(NoteForm { note }): Form<NoteForm>,
) -> Result<Response, Refusal> {
    let letter = find_to_decide(&shared, &visitor, &id).await?.id();
    let what = Annotate::Note(note.clone());
    let typed = Typed {
        note,
        ..Typed::default()
    };
    match add(&shared, &visitor, "annotate", letter, what).await {
        Ok(_) => Ok(see(letter)),
        Err(refusal) => show_with(&shared, &visitor, letter, &refusal, typed).await,
    }
}

/// Says who looks after a letter, if that is still the one whom the page showed.
pub(crate) async fn assign(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(form): Form<AssignForm>,
) -> Result<Response, Refusal> {
    let letter = find_to_decide(&shared, &visitor, &id).await?.id();
    let what = Annotate::Assign {
        to: Assignee::named(&form.assignee),
        from: Some(Assignee::named(&form.from)),
    };
    match add(&shared, &visitor, "assign", letter, what).await {
        Ok(_) => Ok(see(letter)),
        Err(refusal) => show_with(&shared, &visitor, letter, &refusal, Typed::default()).await,
    }
}

/// Adds to the history of a letter, and records that.
async fn add(
    shared: &Shared,
    visitor: &Visitor,
    name: &'static str,
    letter: Uuid,
    what: Annotate,
) -> Result<Annotation, Refusal> {
    let (desk, actor) = (shared.desk.clone(), visitor.name());
    let work = async move { desk.annotate(letter, &what, actor.as_deref()).await };
    shared.recorder.run(visitor, name, letter, None, work).await
}
