//! Brings letters of all kinds to a person, who looks at them and decides about them.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::forecast::{Forecast, ForecastPage, LetterSimulation};
use crate::{
    AnnotationStore, DeadLetter, ExpectedSequence, FaultGroup, LetterFilter, LetterStatus, NewFact,
    OperatorError, Payload, QueryError, ReactionLetter, RecordedEvent, StreamId, ThreeWay, Tried,
};

/// The number of letters that are read at once for a forecast: each may hold a whole request.
const FORECAST: usize = 8;

/// The letters of one kind, and the actions on them.
#[async_trait]
pub trait LetterSource: Send + Sync + Debug + 'static {
    /// Returns at most `limit` of its letters that pass the filter, in its order.
    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, OperatorError>;

    /// Returns the store that has the annotations of a letter, or `None` if the letter is not of this source.
    fn annotation_store(&self, letter: &DeadLetter) -> Option<&dyn AnnotationStore>;

    /// Returns who looks after those of the letters that are of this source, without those that nobody looks after.
    async fn assignees(&self, letters: &[DeadLetter])
    -> Result<Vec<(Uuid, String)>, OperatorError>;

    /// Returns the faults for which its waiting letters that pass the filter are there, those with most letters first, at
    /// most `limit`.
    async fn fault_groups(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<FaultGroup>, OperatorError>;

    /// Returns a letter, or `None` if it is not of this source.
    async fn find(&self, id: Uuid) -> Result<Option<DeadLetter>, OperatorError>;

    /// Returns a letter with all that belongs to it, or `None` if it is not of this source.
    async fn open(&self, id: Uuid) -> Result<Option<OpenLetter>, OperatorError>;

    /// Returns what resubmitting a letter now would give, or `None` if it is not of this source. Writes nothing. Fails
    /// if somebody has decided about the letter already.
    async fn simulate(&self, id: Uuid) -> Result<Option<LetterSimulation>, OperatorError>;

    /// Carries out a decision about a letter, or records it for later. Returns the letter after that, or `None` if it
    /// is not of this source. If several people decide about one letter at the same time, one decision counts.
    async fn decide(&self, decision: &Decision) -> Result<Option<DeadLetter>, OperatorError>;
}

/// A person's decision about a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The letter.
    pub letter: Uuid,
    /// The action to take.
    pub action: Action,
    /// The person who decides.
    pub actor: Option<String>,
    /// The reason, which a discard requires.
    pub reason: Option<String>,
}

/// The actions that a person can take on a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Tries it again, see [`Verb::Resubmit`].
    Resubmit {
        /// The sequence at which the person saw the stream of a command. If it is at another one, nothing is done.
        expected: ExpectedSequence,
    },
    /// Does something else in place of a command. The letter closes if that is accepted; otherwise it stays, with one
    /// attempt more. The new commands are caused by the letter, and stay in its workflow.
    Edit {
        /// The commands, of the same domain and for the same stream; at least one.
        commands: Vec<Payload>,
        /// The sequence at which the person saw the stream. If it is at another one, nothing is done.
        expected: ExpectedSequence,
    },
    /// Records what happened anyway in place of a command, as a fact on its stream. The letter closes in the same commit.
    Record(Box<HappenedAnyway>),
    /// Gives it up for good, see [`Verb::Discard`].
    Discard,
}

/// What happened anyway, in place of a parked command. It is recorded once, under its external id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HappenedAnyway {
    /// The event, with the system that it happened in.
    pub fact: NewFact,
    /// The name that it has where it happened, its idempotency key.
    pub external_id: String,
    /// True if the aggregate may translate it or add to it; `None` for the domain's own rule.
    pub route_to_aggregate: Option<bool>,
}

impl Action {
    /// Returns its name on the command line and in the record of operations.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Resubmit { .. } => Verb::Resubmit.as_str(),
            Self::Edit { .. } => "edit",
            Self::Record(_) => "record",
            Self::Discard => Verb::Discard.as_str(),
        }
    }

    /// Returns the sequence at which the person saw the stream.
    pub fn expected(&self) -> ExpectedSequence {
        match self {
            Self::Resubmit { expected } | Self::Edit { expected, .. } => *expected,
            Self::Record(_) | Self::Discard => ExpectedSequence::Any,
        }
    }

    /// Returns what the history of the letter keeps of it.
    pub fn tried(&self) -> Tried {
        match self {
            Self::Resubmit { .. } => Tried::Resubmit,
            Self::Edit { commands, .. } => Tried::Edit {
                commands: commands.clone(),
            },
            Self::Record(happened) => Tried::Record {
                facts: vec![happened.fact.payload.clone()],
                origin: happened.fact.origin.clone(),
                external_id: happened.external_id.clone(),
            },
            Self::Discard => Tried::Discard,
        }
    }

    /// Returns what the component of an event is told to do. Fails for what can only be done about a command.
    pub fn of_event(&self) -> Result<Verb, OnlyOfCommands> {
        match self {
            Self::Resubmit {
                expected: ExpectedSequence::Any,
            } => Ok(Verb::Resubmit),
            Self::Resubmit { .. } => Err(OnlyOfCommands::Expectation),
            Self::Edit { .. } => Err(OnlyOfCommands::Edit),
            Self::Record(_) => Err(OnlyOfCommands::Record),
            Self::Discard => Ok(Verb::Discard),
        }
    }
}

impl From<Verb> for Action {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Resubmit => Self::Resubmit {
                expected: ExpectedSequence::Any,
            },
            Verb::Discard => Self::Discard,
        }
    }
}

/// What can be done about the letter of a command only, and not about one of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OnlyOfCommands {
    /// A resubmission with an expected sequence.
    #[error(
        "an event is handled again as it was recorded, so nothing can be expected of its stream"
    )]
    Expectation,
    /// Doing something else in its place.
    #[error(
        "an event has happened and cannot be edited; resubmit the letter when the component is corrected, or discard it"
    )]
    Edit,
    /// Recording what happened in its place.
    #[error(
        "its event is in the log already; record by itself what happened else, and discard the letter with that reason"
    )]
    Record,
}

/// The actions of a person that the component of an event, or the coordinator of a command, carries out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Tries it again. A command is decided on the current state; an event is handled again, and then the events that
    /// wait behind it.
    Resubmit,
    /// Gives it up for good. The events that wait behind an event are then handled.
    Discard,
}

impl Verb {
    /// Returns its name in stores and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resubmit => "resubmit",
            Self::Discard => "discard",
        }
    }

    /// Returns the verb with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Resubmit, Self::Discard]
            .into_iter()
            .find(|verb| verb.as_str() == name)
    }
}

/// A letter with all that belongs to it, at this moment.
#[derive(Clone, Debug, PartialEq)]
pub enum OpenLetter {
    /// A command that was parked, with its three sides.
    Command(Box<ThreeWay>),
    /// An event that a component gave up.
    Reaction(Box<GivenUp>),
}

impl OpenLetter {
    /// Returns the stream that a command is for, or the stream of the event that was given up.
    pub fn stream(&self) -> &StreamId {
        match self {
            Self::Command(view) => view.letter.stream(),
            Self::Reaction(given_up) => &given_up.letter.stream,
        }
    }
}

/// An event that a component gave up, with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// The letter.
    pub letter: ReactionLetter,
    /// The event; `None` if it is no longer in the log.
    pub event: Option<RecordedEvent>,
    /// The number of events that wait behind it. If there are very many, the number that was counted.
    pub followers: u64,
    /// True if more events than those counted may wait.
    pub more_followers: bool,
}

/// The letters of all kinds.
#[derive(Clone, Debug)]
pub struct Desk {
    sources: Vec<Arc<dyn LetterSource>>,
}

impl Desk {
    /// Makes a desk with these sources. No letter may be in two of them.
    pub fn new(sources: Vec<Arc<dyn LetterSource>>) -> Self {
        Self { sources }
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &dyn LetterSource> {
        self.sources.iter().map(|source| &**source)
    }

    /// Returns at most `limit` letters that pass the filter, in its order.
    pub async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, OperatorError> {
        let mut found = Vec::new();
        for source in &self.sources {
            found.extend(source.letters(filter, limit).await?);
        }
        filter.sort(&mut found, DeadLetter::id, limit);
        Ok(found)
    }

    /// Returns the faults for which the waiting letters that pass the filter are there, those with most letters first, at
    /// most `limit`. The status of the filter and its place in the list do not matter.
    pub async fn fault_groups(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<FaultGroup>, OperatorError> {
        let mut found = Vec::new();
        for source in &self.sources {
            found.extend(source.fault_groups(filter, limit).await?);
        }
        FaultGroup::sort(&mut found, limit);
        Ok(found)
    }

    /// Returns a letter. Fails if there is no such letter.
    pub async fn find(&self, id: Uuid) -> Result<DeadLetter, OperatorError> {
        for source in &self.sources {
            if let Some(letter) = source.find(id).await? {
                return Ok(letter);
            }
        }
        Err(unknown(id))
    }

    /// Returns a letter with all that belongs to it. Fails if there is no such letter.
    pub async fn open(&self, id: Uuid) -> Result<OpenLetter, OperatorError> {
        for source in &self.sources {
            if let Some(letter) = source.open(id).await? {
                return Ok(letter);
            }
        }
        Err(unknown(id))
    }

    /// Returns what resubmitting a letter now would give. Writes nothing. Fails if there is no such letter, or if
    /// somebody has decided about it already.
    pub async fn simulate(&self, id: Uuid) -> Result<LetterSimulation, OperatorError> {
        for source in &self.sources {
            if let Some(simulation) = source.simulate(id).await? {
                return Ok(simulation);
            }
        }
        Err(unknown(id))
    }

    /// Counts what resubmitting the waiting letters that pass the filter would give, of at most `limit` letters. Goes on
    /// after the letter that the filter names. Letters that do not pass `counts` are left out. Writes nothing.
    pub async fn forecast(
        &self,
        filter: &LetterFilter,
        limit: usize,
        counts: impl Fn(&DeadLetter) -> bool,
    ) -> Result<ForecastPage, OperatorError> {
        let mut filter = LetterFilter {
            status: Some(LetterStatus::Parked),
            ..filter.clone()
        };
        let (mut forecast, mut looked) = (Forecast::default(), 0);
        while looked < limit {
            let most = FORECAST.min(limit - looked);
            let letters = self.letters(&filter, most).await?;
            for letter in &letters {
                looked += 1;
                filter.after = Some(letter.id());
                if !counts(letter) {
                    continue;
                }
                match letter.waits() {
                    true => forecast.count(self.simulate(letter.id()).await)?,
                    false => forecast.decided += 1,
                }
            }
            if letters.len() < most {
                let next = None;
                return Ok(ForecastPage { forecast, next });
            }
        }
        let next = filter.after;
        Ok(ForecastPage { forecast, next })
    }

    /// Carries out a decision about a letter. Returns the letter after that. A command has been tried when this
    /// returns: its letter is closed, or has one attempt more. For an event the decision is only recorded; the process
    /// that works for the component carries it out within a third of its lease.
    pub async fn decide(&self, decision: &Decision) -> Result<DeadLetter, OperatorError> {
        let decision = Decision {
            actor: decision.actor.as_deref().and_then(clean),
            reason: decision.reason.as_deref().and_then(clean),
            ..decision.clone()
        };
        if decision.action == Action::Discard && decision.reason.is_none() {
            return Err(OperatorError::NoReason);
        }
        for source in &self.sources {
            if let Some(letter) = source.decide(&decision).await? {
                return Ok(letter);
            }
        }
        Err(unknown(decision.letter))
    }
}

pub(super) fn unknown(id: Uuid) -> OperatorError {
    QueryError::UnknownLetter { id }.into()
}

/// Returns the text in a form that every store can keep; `None` if it is empty.
pub(crate) fn clean(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.replace('\0', "\u{fffd}"))
}
