//! The values of options and arguments, and how they are read.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use seriatim_core::{
    Begin, Domain, InvalidStreamId, LetterKind, LetterStatus, MergeStrategy, ReadModelVersion,
    Sequence, StreamId, UnknownFieldRule,
};
use seriatim_proto::{InvalidServerUrl, check_server_url};
use uuid::Uuid;

/// [`MergeStrategy`] as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Merge {
    /// Refuse
    Strict,
    /// Append if the two changes do not overlap, otherwise refuse
    Commutative,
    /// Ask the aggregate
    Aggregate,
    /// Park the command for a person
    Manual,
}

impl From<Merge> for MergeStrategy {
    fn from(merge: Merge) -> Self {
        match merge {
            Merge::Strict => Self::Strict,
            Merge::Commutative => Self::Commutative,
            Merge::Aggregate => Self::AggregateHandles,
            Merge::Manual => Self::Manual,
        }
    }
}

/// [`UnknownFieldRule`] as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum UnknownFields {
    /// Send nothing
    Refuse,
    /// Send the command, and say which they are
    Warn,
}

impl From<UnknownFields> for UnknownFieldRule {
    fn from(rule: UnknownFields) -> Self {
        match rule {
            UnknownFields::Refuse => Self::Refuse,
            UnknownFields::Warn => Self::Warn,
        }
    }
}

/// [`LetterKind`] as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// A command that was parked
    Command,
    /// An event that a component gave up
    Reaction,
}

impl From<Kind> for LetterKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Command => Self::Command,
            Kind::Reaction => Self::Reaction,
        }
    }
}

/// [`LetterStatus`] as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Status {
    /// It waits for a person
    Parked,
    /// It was accepted or handled after all
    Resolved,
    /// It was given up
    Discarded,
    /// Any of these
    Any,
}

impl From<Status> for Option<LetterStatus> {
    fn from(status: Status) -> Self {
        match status {
            Status::Parked => Some(LetterStatus::Parked),
            Status::Resolved => Some(LetterStatus::Resolved),
            Status::Discarded => Some(LetterStatus::Discarded),
            Status::Any => None,
        }
    }
}

/// A stream to write to, which may be a new one.
#[derive(Clone, Debug)]
pub(crate) struct Target(pub(crate) StreamId);

impl FromStr for Target {
    type Err = InvalidStreamId;

    fn from_str(text: &str) -> Result<Self, InvalidStreamId> {
        match text.strip_suffix("/new") {
            Some(domain) => Ok(Self(StreamId::new(
                domain.parse::<Domain>()?,
                Uuid::now_v7(),
            ))),
            None => Ok(Self(text.parse()?)),
        }
    }
}

/// The source of a payload.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Text(String),
    Stdin,
    File(PathBuf),
}

impl From<String> for Source {
    fn from(text: String) -> Self {
        match (text.as_str(), text.strip_prefix('@')) {
            ("-", _) => Self::Stdin,
            (_, Some(file)) => Self::File(file.into()),
            _ => Self::Text(text),
        }
    }
}

/// A token, or the file that it is in. `Debug` does not show it.
#[derive(Clone)]
pub(crate) enum Token {
    Text(String),
    File(PathBuf),
}

impl From<String> for Token {
    fn from(text: String) -> Self {
        match text.strip_prefix('@') {
            Some(file) => Self::File(file.into()),
            None => Self::Text(text),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.debug_tuple("Text").finish_non_exhaustive(),
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
        }
    }
}

pub(crate) fn sequence(text: &str) -> Result<Sequence, String> {
    let number = text.parse().map(Sequence);
    number.map_err(|_| format!("give a whole number from 0 to {}", Sequence::MAX))
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err("give a whole number of seconds from 1 to 86400".into()),
    }
}

/// Reads a number of days, hours or minutes.
pub(crate) fn period(text: &str) -> Result<Duration, String> {
    let wrong =
        || "give a number of days, hours or minutes, for example `90d`, `12h` or `30m`".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds = match unit {
        'd' => 24 * 60 * 60,
        'h' => 60 * 60,
        'm' => 60,
        _ => return Err(wrong()),
    };
    let count: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    match count {
        0 => Err(wrong()),
        count => Ok(Duration::from_secs(u64::from(count) * seconds)),
    }
}

pub(crate) fn token_id(text: &str) -> Result<Uuid, String> {
    let wrong = "give the id of a token, a UUID, as `seriatim tokens list` shows it; never the token itself";
    text.parse().map_err(|_| wrong.to_owned())
}

pub(crate) fn server(text: &str) -> Result<String, InvalidServerUrl> {
    check_server_url(text).map(|()| text.to_owned())
}

pub(crate) fn begin(text: &str) -> Result<Begin, String> {
    let place = || text.parse().map(Begin::After).ok();
    let time = || text.parse().map(Begin::Since).ok();
    match text {
        "first" => Ok(Begin::AtTheFirst),
        "now" => Ok(Begin::Now),
        _ => place().or_else(time).ok_or_else(|| {
            "give `first`, `now`, a cursor as it came with an event, for example `1042`, or a time as RFC 3339, for example `2026-11-21T14:30:00Z`".into()
        }),
    }
}

pub(crate) fn root(text: &str) -> Result<Uuid, String> {
    text.parse()
        .map_err(|_| "a root is a UUID; `seriatim streams` shows them".into())
}

/// A version of a read model, by the name of its component.
pub(crate) fn read_model(text: &str) -> Result<ReadModelVersion, String> {
    let parts = text.rsplit_once(".v");
    let parts = parts.and_then(|(name, version)| Some((name, version.parse().ok()?)));
    let (name, version) = parts.ok_or(
        "give name and version, for example `balances.v2`; `seriatim read-models list` shows them",
    )?;
    ReadModelVersion::new(name, version).map_err(|error| error.to_string())
}

pub(crate) fn letter_id(text: &str) -> Result<Uuid, String> {
    text.parse()
        .map_err(|_| "a dead letter's id is a UUID; `seriatim dead-letters list` shows them".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_text_stdin_or_a_file() {
        let source = |text: &str| Source::from(text.to_owned());
        assert!(matches!(source("{}"), Source::Text(_)));
        assert!(matches!(source("-5"), Source::Text(_)));
        assert!(matches!(source("-"), Source::Stdin));
        assert!(matches!(source("@a.json"), Source::File(path) if path.ends_with("a.json")));
    }

    #[test]
    fn every_new_root_is_another() {
        let target = || "account/new".parse::<Target>().unwrap().0;
        assert_eq!(target().domain.as_str(), "account");
        assert_ne!(target().root, target().root);
        assert!("Account/new".parse::<Target>().is_err());
    }
}
