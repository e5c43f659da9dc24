//! Converts what people write about letters, and the faults by which letters are grouped.

use seriatim_core::{
    Annotate, Annotated, Annotation, Assignee, Component, DeadLetter, FaultGroup, LetterFilter,
    ListedLetter,
};
use uuid::Uuid;
use v1::annotation::{Unassigned, What};

use super::desk::{letter_filter, list_request};
use super::identity::{domain, non_empty, uuid};
use super::invalid::{Invalid, required};
use super::operator::optional_component;
use super::time::time;
use crate::v1;

/// Returns how an assignee is written: nobody is empty.
pub(super) fn assignee_field(assignee: &Assignee) -> String {
    assignee.name().unwrap_or_default().to_owned()
}

/// Reads a request to write a note. Returns the letter and what to add to its history.
pub fn noting(request: v1::DeadLetterServiceAnnotateRequest) -> Result<(Uuid, Annotate), Invalid> {
    let letter = uuid(request.id.as_ref(), "id")?;
    Ok((letter, Annotate::Note(request.note)))
}

/// Reads a request to say who looks after a letter. Returns the letter and what to add to its history.
pub fn assigning(
    request: &v1::DeadLetterServiceAssignRequest,
) -> Result<(Uuid, Annotate), Invalid> {
    let assign = Annotate::Assign {
        to: Assignee::named(&request.assignee),
        from: request.from.as_deref().map(Assignee::named),
    };
    Ok((uuid(request.id.as_ref(), "id")?, assign))
}

/// Returns the filter that a `ListFaults` asks for.
pub fn fault_filter(
    request: v1::DeadLetterServiceListFaultsRequest,
) -> Result<LetterFilter, Invalid> {
    letter_filter(&v1::DeadLetterServiceListRequest {
        domain: request.domain,
        root: request.root,
        kind: request.kind,
        component: request.component,
        assignee: request.assignee,
        fault: request.fault,
        ..v1::DeadLetterServiceListRequest::default()
    })
}

/// Makes the request to count the faults of the letters that pass a filter.
pub(crate) fn faults_request(filter: &LetterFilter) -> v1::DeadLetterServiceListFaultsRequest {
    let list = list_request(filter);
    v1::DeadLetterServiceListFaultsRequest {
        domain: list.domain,
        root: list.root,
        kind: list.kind,
        component: list.component,
        assignee: list.assignee,
        page_size: 0,
        fault: list.fault,
    }
}

impl From<&Annotation> for v1::Annotation {
    fn from(annotation: &Annotation) -> Self {
        Self {
            at: Some(annotation.at.into()),
            actor: annotation.actor.clone().unwrap_or_default(),
            what: Some(match &annotation.what {
                Annotated::Note(note) => What::Note(note.clone()),
                Annotated::Assigned(to) => What::Assigned(to.clone()),
                Annotated::Unassigned => What::Unassigned(Unassigned {}),
            }),
        }
    }
}

impl TryFrom<v1::Annotation> for Annotation {
    type Error = Invalid;

    fn try_from(annotation: v1::Annotation) -> Result<Self, Invalid> {
        let what = required(annotation.what, "annotations.what", "say what is added")?;
        Ok(Self {
            at: time(annotation.at, "annotations.at")?,
            actor: non_empty(annotation.actor),
            what: match what {
                What::Note(note) => Annotated::Note(note),
                What::Assigned(to) => Annotated::Assigned(to),
                What::Unassigned(_) => Annotated::Unassigned,
            },
        })
    }
}

impl TryFrom<v1::DeadLetter> for ListedLetter {
    type Error = Invalid;

    fn try_from(mut letter: v1::DeadLetter) -> Result<Self, Invalid> {
        Ok(Self {
            assignee: non_empty(std::mem::take(&mut letter.assignee)),
            letter: DeadLetter::try_from(letter)?,
        })
    }
}

impl From<&FaultGroup> for v1::FaultGroup {
    fn from(group: &FaultGroup) -> Self {
        let component = group.component.as_ref().map(Component::as_str);
        Self {
            component: component.unwrap_or_default().to_owned(),
            domain: group.domain.to_string(),
            fault: group.fault.clone(),
            count: group.count,
            first: Some(group.first.into()),
            last: Some(group.last.into()),
        }
    }
}

impl TryFrom<v1::FaultGroup> for FaultGroup {
    type Error = Invalid;

    fn try_from(group: v1::FaultGroup) -> Result<Self, Invalid> {
        Ok(Self {
            component: optional_component(&group.component)?,
            domain: domain(&group.domain, "groups.domain")?,
            fault: group.fault,
            count: group.count,
            first: uuid(group.first.as_ref(), "groups.first")?,
            last: uuid(group.last.as_ref(), "groups.last")?,
        })
    }
}
