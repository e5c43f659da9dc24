//! Notes about letters, and who looks after them.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use uuid::Uuid;

use crate::{DeadLetter, StoreError, Timestamp};

/// An entry in the history of a letter that decides nothing about it. Entries are only added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// The time at which it was written.
    pub at: Timestamp,
    /// The person who wrote it; `None` if unknown.
    pub actor: Option<String>,
    /// What it says.
    pub what: Annotated,
}

/// What an annotation says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Annotated {
    /// A note, for those who look at the letter later.
    Note(String),
    /// From then on this person looks after the letter.
    Assigned(String),
    /// From then on nobody looks after the letter.
    Unassigned,
}

/// The person who looks after a letter, if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assignee {
    /// Nobody.
    Nobody,
    /// The person of this name.
    Person(String),
}

impl Assignee {
    /// Makes one from a name; an empty name is nobody.
    pub fn named(name: &str) -> Self {
        match name.trim() {
            "" => Self::Nobody,
            name => Self::Person(name.into()),
        }
    }

    /// Returns the name of the person; `None` if it is nobody.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Nobody => None,
            Self::Person(name) => Some(name),
        }
    }
}

/// The last entry of a letter's annotations that says who looks after it; `None` if nobody ever did.
pub(crate) fn last_assignment(annotations: &[Annotation]) -> Option<&Annotation> {
    let of_assignee = |annotation: &&Annotation| !matches!(annotation.what, Annotated::Note(_));
    annotations.iter().rev().find(of_assignee)
}

/// Returns who looks after a letter with these annotations; `None` if nobody does.
pub fn assignee(annotations: &[Annotation]) -> Option<&str> {
    match &last_assignment(annotations)?.what {
        Annotated::Assigned(to) => Some(to),
        Annotated::Note(_) | Annotated::Unassigned => None,
    }
}

/// What a person adds to the history of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Annotate {
    /// A note, on open and closed letters alike.
    Note(String),
    /// Says who looks after an open letter.
    Assign {
        /// The person who looks after it from now on.
        to: Assignee,
        /// The person who looks after it now, as the caller saw it. If it is somebody else, nothing is done. With `None`
        /// it may be anybody.
        from: Option<Assignee>,
    },
}

/// A letter in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedLetter {
    /// The letter.
    pub letter: DeadLetter,
    /// The person who looks after it; `None` if nobody does.
    pub assignee: Option<String>,
}

/// Keeps the annotations of letters of both kinds, in the storage that has the letters.
///
/// Texts may hold any character. A store that cannot keep the character 0 keeps U+FFFD in its place.
#[async_trait]
pub trait AnnotationStore: Send + Sync + Debug + 'static {
    /// Adds an annotation to a letter that has exactly `after` of them, and returns whether it did. So of two people who
    /// write at the same time one is second, and reads first what the other wrote. The store does not check that there is
    /// such a letter.
    async fn annotate(
        &self,
        letter: Uuid,
        after: usize,
        annotation: &Annotation,
    ) -> Result<bool, StoreError>;

    /// Returns the annotations of a letter, oldest first.
    async fn annotations(&self, letter: Uuid) -> Result<Vec<Annotation>, StoreError>;

    /// Returns who looks after each of these letters, in any order, without those that nobody looks after.
    async fn assignees(&self, letters: &[Uuid]) -> Result<Vec<(Uuid, String)>, StoreError>;
}
