//! Lets people write notes about letters and say who looks after them.

use std::collections::HashMap;

use uuid::Uuid;

use super::annotation::{assignee, last_assignment};
use super::desk::clean;
use crate::{
    Annotate, Annotated, Annotation, AnnotationStore, DeadLetter, Decider, Desk, FieldViolation,
    LetterStatus, OperatorError, SubmitError, Timestamp,
};

/// The most bytes of a note.
const NOTE_BYTES: usize = 16 * 1024;
/// The most bytes of the name of a person.
const NAME_BYTES: usize = 256;
/// The most annotations of a letter: it is shown with all of them.
const MOST: usize = 1000;

impl Desk {
    /// Returns the annotations of a letter, oldest first. Fails if there is no such letter.
    pub async fn annotations(&self, id: Uuid) -> Result<Vec<Annotation>, OperatorError> {
        let letter = self.find(id).await?;
        match self.annotation_store(&letter) {
            Some(store) => Ok(store.annotations(id).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Returns who looks after these letters, by their ids.
    pub async fn assignees(
        &self,
        letters: &[DeadLetter],
    ) -> Result<HashMap<Uuid, String>, OperatorError> {
        let mut found = HashMap::new();
        for source in self.sources() {
            found.extend(source.assignees(letters).await?);
        }
        Ok(found)
    }

    /// Adds to the history of a letter, which changes nothing else about it. Returns what was added. A note has at most
    /// 16 KiB, a name 256 bytes, and a letter 1000 annotations. Fails if there is no such letter, if somebody else looks
    /// after it than `what` expects, and if a closed letter is to be assigned.
    ///
    /// If the future is dropped, the annotation was added or not; the history of the letter tells.
    pub async fn annotate(
        &self,
        id: Uuid,
        what: &Annotate,
        actor: Option<&str>,
    ) -> Result<Annotation, OperatorError> {
        let annotated = annotated(what)?;
        let letter = self.find(id).await?;
        let store = self.annotation_store(&letter);
        let store = store.ok_or_else(|| super::desk::unknown(id))?;
        loop {
            let annotations = store.annotations(id).await?;
            check(&letter, what, &annotations)?;
            let annotation = Annotation {
                at: Timestamp::now(),
                actor: actor.and_then(clean),
                what: annotated.clone(),
            };
            if (store.annotate(id, annotations.len(), &annotation)).await? {
                return Ok(annotation);
            }
            // Somebody else was first. This ends, because a letter has few annotations.
        }
    }

    fn annotation_store(&self, letter: &DeadLetter) -> Option<&dyn AnnotationStore> {
        let mut sources = self.sources();
        sources.find_map(|source| source.annotation_store(letter))
    }
}

/// Returns the annotation's content. Fails if it is empty or too long.
fn annotated(what: &Annotate) -> Result<Annotated, OperatorError> {
    let (text, field, most) = match what {
        Annotate::Note(note) => (note.as_str(), "note", NOTE_BYTES),
        Annotate::Assign { to, .. } => match to.name() {
            Some(name) => (name, "assignee", NAME_BYTES),
            None => return Ok(Annotated::Unassigned),
        },
    };
    let Some(text) = clean(text) else {
        return Err(invalid(
            field,
            match what {
                Annotate::Note(_) => "it is empty; say something".into(),
                Annotate::Assign { .. } => {
                    "it is empty; name a person, or say that nobody looks after it".into()
                }
            },
        ));
    };
    if text.len() > most {
        let message = format!("it has {} bytes; at most {most} are kept", text.len());
        return Err(invalid(field, message));
    }
    Ok(match what {
        Annotate::Note(_) => Annotated::Note(text),
        Annotate::Assign { .. } => Annotated::Assigned(text),
    })
}

/// Fails if the letter takes no such annotation behind those that it has.
fn check(
    letter: &DeadLetter,
    what: &Annotate,
    annotations: &[Annotation],
) -> Result<(), OperatorError> {
    let id = letter.id();
    if annotations.len() >= MOST {
        let message = format!(
            "the letter has {MOST} annotations already, and keeps no more; decide about it"
        );
        return Err(invalid("id", message));
    }
    let Annotate::Assign { from, .. } = what else {
        return Ok(());
    };
    if letter.status() != LetterStatus::Parked {
        return Err(OperatorError::Closed {
            id,
            status: letter.status(),
            by: letter.closer(),
        });
    }
    let to = assignee(annotations);
    match from {
        Some(from) if from.name() != to => Err(OperatorError::Assigned {
            id,
            to: to.map(str::to_owned),
            by: last_assignment(annotations).map(|last| Decider {
                actor: last.actor.clone(),
                at: last.at,
            }),
        }),
        _ => Ok(()),
    }
}

fn invalid(field: &str, message: String) -> OperatorError {
    SubmitError::Invalid(vec![FieldViolation::new(field, message)]).into()
}
