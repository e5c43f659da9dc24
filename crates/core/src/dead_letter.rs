//! What a person must look at.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{CommandRequest, Conflict, Domain, Sequence, StreamId, Timestamp};

/// A command that waits for a person, with all that is needed to merge it by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
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

impl DeadLetter {
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
    /// What came of it, for people.
    pub result: String,
}

/// Where a letter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterStatus {
    /// It waits.
    Parked,
    /// It was resubmitted, edited or converted, and accepted.
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

/// Which letters to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Only of this domain.
    pub domain: Option<Domain>,
    /// Only of this stream.
    pub stream: Option<StreamId>,
    /// Only with this status.
    pub status: Option<LetterStatus>,
    /// Only those parked after this one, by id: the last of the page before.
    pub after: Option<Uuid>,
}

impl LetterFilter {
    /// Whether it lets `letter` through.
    pub fn matches(&self, letter: &DeadLetter) -> bool {
        self.domain
            .as_ref()
            .is_none_or(|domain| *domain == letter.stream().domain)
            && self
                .stream
                .as_ref()
                .is_none_or(|stream| stream == letter.stream())
            && self.status.is_none_or(|status| status == letter.status)
            && self.after.is_none_or(|after| after < letter.id)
    }
}
