//! Contains dead letters: commands and events that a person must look at.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Assignee, CommandRequest, Component, Conflict, Domain, FactOrigin, Payload, ReactionLetter,
    Sequence, StreamId, Timestamp,
};

/// A dead letter: something that a person must look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeadLetter {
    /// A command that was parked.
    Command(Box<CommandLetter>),
    /// An event that a component gave up.
    Reaction(Box<ReactionLetter>),
}

impl DeadLetter {
    /// Returns its identity, a version 7 UUID: letters of both kinds sort by the time of parking. It is nil for an
    /// event that is not given up; lists of letters have none of those.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Command(letter) => letter.id,
            Self::Reaction(letter) => letter.id.unwrap_or_default(),
        }
    }

    /// Returns its kind.
    pub fn kind(&self) -> LetterKind {
        match self {
            Self::Command(_) => LetterKind::Command,
            Self::Reaction(_) => LetterKind::Reaction,
        }
    }

    /// Returns the stream that a command is for, or the stream of the event that was given up.
    pub fn stream(&self) -> &StreamId {
        match self {
            Self::Command(letter) => letter.stream(),
            Self::Reaction(letter) => &letter.stream,
        }
    }

    /// Returns its status.
    pub fn status(&self) -> LetterStatus {
        match self {
            Self::Command(letter) => letter.status,
            Self::Reaction(letter) => letter.status,
        }
    }

    /// Returns the time at which it was parked.
    pub fn parked_at(&self) -> Timestamp {
        match self {
            Self::Command(letter) => letter.parked_at,
            Self::Reaction(letter) => letter.parked_at,
        }
    }

    /// Returns who closed it, and when; `None` if it waits, or if that was not written down.
    pub fn closer(&self) -> Option<Decider> {
        match self {
            Self::Command(letter) => letter.closer(),
            Self::Reaction(letter) => {
                let decision = letter
                    .decision
                    .as_ref()
                    .filter(|_| letter.closed_at.is_some());
                decision.map(Decider::from)
            }
        }
    }

    /// Returns whether nobody has decided about it yet.
    pub fn waits(&self) -> bool {
        self.status() == LetterStatus::Parked
            && match self {
                Self::Command(_) => true,
                Self::Reaction(letter) => letter.decision.is_none(),
            }
    }

    /// Returns the later attempts, oldest first.
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Self::Command(letter) => &letter.attempts,
            Self::Reaction(letter) => &letter.attempts,
        }
    }
}

/// The kind of thing that a letter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterKind {
    /// A command.
    Command,
    /// An event that a component gave up.
    Reaction,
}

/// A command that waits for a person, with all that is needed to merge it by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandLetter {
    /// Its identity, a version 7 UUID: letters sort by the time of parking.
    pub id: Uuid,
    /// The command, with everything that was sent with it.
    pub request: CommandRequest,
    /// The sequence that its sender believed, and the current one when it was parked.
    pub conflict: Conflict,
    /// The sequences of the first and the last event that the sender did not know of.
    pub intervening: Option<(Sequence, Sequence)>,
    /// The SHA-256 of the state that the sender decided upon, in hexadecimal digits; `None` if the state could not be
    /// built.
    pub base_hash: Option<String>,
    /// The reason why it was parked.
    pub reason: ParkReason,
    /// The time at which it was parked.
    pub parked_at: Timestamp,
    /// The later attempts, oldest first.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// Its status.
    pub status: LetterStatus,
}

impl CommandLetter {
    /// Returns who closed it, and when; `None` if it is parked, or if that was not written down.
    pub fn closer(&self) -> Option<Decider> {
        if self.status == LetterStatus::Parked {
            return None;
        }
        let closing = self.attempts.iter().find(|attempt| attempt.closes);
        // Before it was written down what was tried, the last attempt was the one.
        let last = self.attempts.last();
        let closing = closing.or(last.filter(|last| last.tried.is_none()))?;
        Some(Decider {
            actor: closing.actor.clone(),
            at: closing.at,
        })
    }

    /// Returns the stream that it is for.
    pub fn stream(&self) -> &StreamId {
        &self.request.stream
    }

    /// Returns the correlation id of the workflow that it belongs to.
    pub fn workflow(&self) -> String {
        let request = &self.request;
        let named = request.metadata.correlation_id.clone();
        named.unwrap_or_else(|| request.id.to_string())
    }
}

/// The reason why a command was parked.
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

/// A later attempt at something that was parked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The time of the attempt.
    pub at: Timestamp,
    /// The person who made it.
    pub actor: Option<String>,
    /// The reason, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The result, for people.
    pub result: String,
    /// What was tried; `None` if it was kept by a program that did not write that down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Tried>,
    /// True if this attempt has closed the letter.
    #[serde(default, skip_serializing_if = "is_false")]
    pub closes: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is what serde calls")]
fn is_false(closes: &bool) -> bool {
    !closes
}

/// What an attempt at something that was parked tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    /// To do it as it was.
    Resubmit,
    /// To give it up.
    Discard,
    /// To do something else in its place.
    Edit {
        /// The commands. If the letter has kept very many bytes of them, the older ones are without content.
        commands: Vec<Payload>,
    },
    /// To record what happened anyway.
    Record {
        /// The fact. It is left out as older commands of edits are.
        facts: Vec<Payload>,
        /// The system that it happened in.
        origin: FactOrigin,
        /// Its idempotency key.
        external_id: String,
    },
}

/// The person who decided about a letter, and the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decider {
    /// The person; `None` if unknown.
    pub actor: Option<String>,
    /// The time.
    pub at: Timestamp,
}

impl fmt::Display for Decider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actor = self.actor.as_deref().unwrap_or("somebody");
        write!(f, "by {actor} at {}", self.at)
    }
}

/// The status of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterStatus {
    /// It waits for a person.
    Parked,
    /// It was resubmitted, and then accepted or handled.
    Resolved,
    /// It was given up, with a reason.
    Discarded,
}

impl LetterStatus {
    /// Returns its name in stores and on the command line.
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

/// A text that is not a valid [`LetterStatus`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a letter's status: give `parked`, `resolved` or `discarded`")]
pub struct InvalidLetterStatus {
    /// The value that was given.
    pub text: String,
}

/// Selects letters to list, and their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Only letters of this kind.
    pub kind: Option<LetterKind>,
    /// Only letters of this component, so no commands.
    pub component: Option<Component>,
    /// Only letters of this domain: that of the command, or of the event that was given up.
    pub domain: Option<Domain>,
    /// Only letters of this stream.
    pub stream: Option<StreamId>,
    /// Only letters with this status.
    pub status: Option<LetterStatus>,
    /// Only letters with this fault, see [`CommandLetter::fault`].
    pub fault: Option<String>,
    /// Only letters that this person, or nobody, looks after.
    pub assignee: Option<Assignee>,
    /// True if the latest come first. Otherwise the oldest do.
    pub latest_first: bool,
    /// Only letters after this one in that order: give the last letter of the page before.
    pub after: Option<Uuid>,
}

impl LetterFilter {
    /// Returns whether it can let letters of this kind through.
    pub fn wants(&self, kind: LetterKind) -> bool {
        let is_of_component = kind == LetterKind::Reaction || self.component.is_none();
        is_of_component && self.kind.is_none_or(|wanted| wanted == kind)
    }

    /// Returns whether it lets letters through that `assignee` looks after; `None` stands for nobody.
    pub fn matches_assignee(&self, assignee: Option<&str>) -> bool {
        (self.assignee.as_ref()).is_none_or(|wanted| wanted.name() == assignee)
    }

    /// Returns whether it lets the letter of a command through; who looks after it is not compared.
    pub fn matches_command(&self, letter: &CommandLetter) -> bool {
        self.wants(LetterKind::Command)
            && self.matches(letter.id, letter.stream(), letter.status)
            && (self.fault.as_ref()).is_none_or(|wanted| *wanted == letter.fault())
    }

    /// Returns whether it lets the letter of an event through; who looks after it is not compared. An event that is not
    /// given up never passes.
    pub fn matches_reaction(&self, letter: &ReactionLetter) -> bool {
        let component = &letter.work.component;
        self.wants(LetterKind::Reaction)
            && (self.component.as_ref()).is_none_or(|wanted| wanted == component)
            && (letter.id).is_some_and(|id| self.matches(id, &letter.stream, letter.status))
            && (self.fault.as_ref()).is_none_or(|wanted| *wanted == letter.fault())
    }

    fn matches(&self, id: Uuid, stream: &StreamId, status: LetterStatus) -> bool {
        (self.domain.as_ref()).is_none_or(|domain| *domain == stream.domain)
            && self.stream.as_ref().is_none_or(|wanted| wanted == stream)
            && self.status.is_none_or(|wanted| wanted == status)
            && self.after.is_none_or(|after| match self.latest_first {
                true => id < after,
                false => after < id,
            })
    }

    /// Sorts letters from several sources into its order and cuts them at `limit`.
    pub fn sort<T, I: Ord>(&self, letters: &mut Vec<T>, id: impl Fn(&T) -> I, limit: usize) {
        match self.latest_first {
            true => letters.sort_by_key(|letter| Reverse(id(letter))),
            false => letters.sort_by_key(id),
        }
        letters.truncate(limit);
    }
}
