//! What people have written about letters, and the faults by which letters are grouped.

use serde_json::{Value, json};
use seriatim_core::{Annotated, Annotation, FaultGroup};
use uuid::Uuid;

use super::letters::cells;
use super::lines::Lines;

pub(crate) fn annotation_json(annotation: &Annotation) -> Value {
    let (kind, text) = match &annotation.what {
        Annotated::Note(note) => ("note", Some(note)),
        Annotated::Assigned(to) => ("assigned", Some(to)),
        Annotated::Unassigned => ("unassigned", None),
    };
    json!({ "at": annotation.at, "actor": annotation.actor, "kind": kind, "text": text })
}

/// Returns the cells of a line in the history of a letter.
pub(crate) fn annotation(annotation: &Annotation) -> Vec<String> {
    let (name, text) = match &annotation.what {
        Annotated::Note(note) => ("note", format!(": {note}")),
        Annotated::Assigned(to) => ("assigned", format!(" to {to}")),
        Annotated::Unassigned => ("unassigned", String::new()),
    };
    let actor = annotation.actor.as_deref().unwrap_or("somebody");
    cells(name, format!("{}, by {actor}{text}", annotation.at))
}

pub(crate) fn annotated(letter: Uuid, annotation: &Annotation) -> Lines {
    Lines::of(&match &annotation.what {
        Annotated::Note(_) => format!("{letter}: the note is in its history"),
        Annotated::Assigned(to) => format!("{letter}: {to} looks after it"),
        Annotated::Unassigned => format!("{letter}: nobody looks after it"),
    })
}

pub(crate) fn group_json(group: &FaultGroup) -> Value {
    json!({
        "component": group.component,
        "domain": group.domain,
        "fault": group.fault,
        "count": group.count,
        "first": group.first,
        "last": group.last,
        "first_seen": group.first_seen(),
        "last_seen": group.last_seen(),
    })
}

pub(crate) fn groups(groups: &[FaultGroup]) -> Lines {
    let rows = groups.iter().map(|group| {
        let seen = |at: Option<seriatim_core::Timestamp>| at.map(|at| at.to_string());
        let component = group.component.as_ref().map(ToString::to_string);
        let fault = match group.fault.as_str() {
            "" => "(kept before faults were written down)",
            fault => fault,
        };
        vec![
            group.count.to_string(),
            component.unwrap_or_else(|| "command".into()),
            group.domain.to_string(),
            seen(group.first_seen()).unwrap_or_default(),
            seen(group.last_seen()).unwrap_or_default(),
            fault.to_owned(),
        ]
    });
    Lines::aligned(&rows.collect::<Vec<_>>())
}
