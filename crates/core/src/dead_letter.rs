//! What a person must look at.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    CommandRequest, Component, Conflict, Domain, ReactionLetter, Sequence, StreamId, Timestamp,
};

/// Something that a person must look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeadLetter {
    /// A command that was parked.
    Command(Box<CommandLetter>),
    /// An event that a component gave up.
    Reaction(Box<ReactionLetter>),
}

impl DeadLetter {
    /// Its identity, version 7: letters of both kinds sort by the time of parking.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Command(letter) => letter.id,
            Self::Reaction(letter) => letter.id,
        }
    }

    /// The stream that a command is for, or whose event was given up.
    pub fn stream(&self) -> &StreamId {
        match self {
            Self::Command(letter) => letter.stream(),
            Self::Reaction(letter) => &letter.stream,
        }
    }

    /// Where it stands.
    pub fn status(&self) -> LetterStatus {
        match self {
            Self::Command(letter) => letter.status,
            Self::Reaction(letter) => letter.status,
        }
    }

    /// When it was parked.
    pub fn parked_at(&self) -> Timestamp {
        match self {
            Self::Command(letter) => letter.parked_at,
            Self::Reaction(letter) => letter.parked_at,
        }
    }

    /// What was tried since, oldest first.
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Self::Command(letter) => &letter.attempts,
            Self::Reaction(letter) => &letter.attempts,
        }
    }
}

/// What a letter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LetterKind {
    /// A command.
    Command,
    /// An event that a component gave up.
    Reaction,
}

/// A command that waits for a person, with all that is needed to merge it by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandLetter {
    /// Its identity, version 7: letters sort by the time of parking.
    pub id: Uuid,
    /// The command with its whole cover.
    pub request: CommandRequest,
    /// What its sender believed, and what was current when it was parked.
    pub conflict: Conflict,
    /// The first and the last of the events the sender did not know of.
    pub intervening: Option<(Sequence, Sequence)>,
    /// SHA-256 of the state the sender decided upon, in hexadecimal digits; `None` if it could not be built.
    pub base_hash: Option<String>,
    /// Why it was parked.
    pub reason: ParkReason,
    /// When.
    pub parked_at: Timestamp,
    /// What was tried since, oldest first.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// Where it stands.
    pub status: LetterStatus,
}

impl CommandLetter {
    /// The stream it waits for.
    pub fn stream(&self) -> &StreamId {
        &self.request.stream
    }
}

/// Why a command was parked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParkReason {
    /// The strategy was MANUAL and the expectation did not match.
    Manual,
    /// The aggregate asked for a person, with this reason.
    Aggregate(String),
}

impl fmt::Display for ParkReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manual => {
                f.write_str("the stream had moved on, and the command asks for a manual merge")
            }
            Self::Aggregate(reason) => write!(f, "the aggregate asks for a person: {reason}"),
        }
    }
}

/// One try at what was parked, afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Option<String>,
    /// Why, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What came of it, for people.
    pub result: String,
}

/// Where a letter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterStatus {
    /// It waits.
    Parked,
    /// It was resubmitted, and accepted or handled.
    Resolved,
    /// It was given up, with a reason.
    Discarded,
}

impl LetterStatus {
    /// Its name in stores and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Resolved => "resolved",
            Self::Discarded => "discarded",
        }
    }
}

impl FromStr for LetterStatus {
    type Err = InvalidLetterStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Parked, Self::Resolved, Self::Discarded]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| InvalidLetterStatus { text: text.into() })
    }
}

/// A text that is no [`LetterStatus`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a letter's status: give `parked`, `resolved` or `discarded`")]
pub struct InvalidLetterStatus {
    /// What was given.
    pub text: String,
}

/// Which letters to list, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Only of this kind.
    pub kind: Option<LetterKind>,
    /// Only of this component, which leaves no commands.
    pub component: Option<Component>,
    /// Only of this domain: the one that a command is for, or whose event was given up.
    pub domain: Option<Domain>,
    /// Only of this stream.
    pub stream: Option<StreamId>,
    /// Only with this status.
    pub status: Option<LetterStatus>,
    /// The latest first; else the oldest.
    pub latest_first: bool,
    /// Only those that come after this one in that order: the last of the page before.
    pub after: Option<Uuid>,
}

impl LetterFilter {
    /// Whether it can let letters of this kind through.
    pub fn wants(&self, kind: LetterKind) -> bool {
        let is_of_component = kind == LetterKind::Reaction || self.component.is_none();
        is_of_component && self.kind.is_none_or(|wanted| wanted == kind)
    }

    /// Whether it lets a letter through, by its id, its stream and its status; kind and component are not looked at.
    pub fn matches(&self, id: Uuid, stream: &StreamId, status: LetterStatus) -> bool {
        (self.domain.as_ref()).is_none_or(|domain| *domain == stream.domain)
            && self.stream.as_ref().is_none_or(|wanted| wanted == stream)
            && self.status.is_none_or(|wanted| wanted == status)
            && self.after.is_none_or(|after| match self.latest_first {
                true => id < after,
                false => after < id,
            })
    }

    /// Brings letters of several places into its order, and cuts them. Of those with one id the first is kept.
    pub fn sort<T>(&self, letters: &mut Vec<T>, id: impl Fn(&T) -> Uuid, limit: usize) {
        match self.latest_first {
            true => letters.sort_by_key(|letter| Reverse(id(letter))),
            false => letters.sort_by_key(&id),
        }
        letters.dedup_by_key(|letter| id(letter));
        letters.truncate(limit);
    }
}
