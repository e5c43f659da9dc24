//! The merge strategies: what becomes of a command whose expectation was wrong.
//!
//! A strategy is asked and answers with data ([`Resolution`]); it reads nothing, writes nothing and retries
//! nothing. That is the coordinator's loop.

mod aggregate_handles;
mod commutative;
mod manual;
mod strict;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    Aggregate, ConflictReason, FieldPath, FieldViolation, ParkReason, PremiseFault, Rejected,
    Sequence, changed_premises,
};

/// Which strategy resolves a command's wrong expectation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeStrategy {
    /// Append if the two changes do not overlap, else refuse.
    #[default]
    Commutative,
    /// Refuse.
    Strict,
    /// Ask the aggregate.
    AggregateHandles,
    /// Park the command for a person.
    Manual,
}

impl MergeStrategy {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Commutative,
        Self::Strict,
        Self::AggregateHandles,
        Self::Manual,
    ];

    /// The strategy for a whole book: the most careful one of its commands.
    ///
    /// ```
    /// # use seriatim_core::MergeStrategy::*;
    /// # use seriatim_core::MergeStrategy;
    /// assert_eq!(MergeStrategy::most_careful([Commutative, Strict, Manual]), Strict);
    /// assert_eq!(MergeStrategy::most_careful([Commutative, AggregateHandles]), AggregateHandles);
    /// ```
    pub fn most_careful(strategies: impl IntoIterator<Item = Self>) -> Self {
        let care = |strategy: &Self| match strategy {
            Self::Commutative => 0,
            Self::AggregateHandles => 1,
            Self::Manual => 2,
            Self::Strict => 3,
        };
        strategies.into_iter().max_by_key(care).unwrap_or_default()
    }

    /// Its name on the wire and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commutative => "MERGE_COMMUTATIVE",
            Self::Strict => "MERGE_STRICT",
            Self::AggregateHandles => "MERGE_AGGREGATE_HANDLES",
            Self::Manual => "MERGE_MANUAL",
        }
    }

    /// Whether it compares states, and so needs [`Collision::base`] and the events in between.
    pub fn compares(self) -> bool {
        match self {
            Self::Commutative | Self::AggregateHandles => true,
            Self::Strict | Self::Manual => false,
        }
    }
}

impl fmt::Display for MergeStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MergeStrategy {
    type Err = InvalidMergeStrategy;

    /// Reads the name on the wire, or its short form: `strict`, `commutative`, `aggregate`, `manual`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "MERGE_COMMUTATIVE" | "commutative" => Ok(Self::Commutative),
            "MERGE_STRICT" | "strict" => Ok(Self::Strict),
            "MERGE_AGGREGATE_HANDLES" | "aggregate" => Ok(Self::AggregateHandles),
            "MERGE_MANUAL" | "manual" => Ok(Self::Manual),
            _ => Err(InvalidMergeStrategy { text: text.into() }),
        }
    }
}

/// A text that is no [`MergeStrategy`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a merge strategy: give `strict`, `commutative`, `aggregate` or `manual`")]
pub struct InvalidMergeStrategy {
    /// What was given.
    pub text: String,
}

/// Commands that were decided upon at one state of a stream, and the stream as it is now.
pub struct Collision<'a, A: Aggregate> {
    /// The commands, of one sender, to be decided in order.
    pub commands: &'a [A::Command],
    /// The expected sequence; `None`: the stream must not exist yet.
    pub expected: Option<Sequence>,
    /// The state at the expected sequence.
    pub base: &'a A,
    /// The events after that, oldest first.
    pub intervening: &'a [A::Event],
    /// The state after those: the current one.
    pub current: &'a A,
    /// The fields that the sender decided upon.
    pub premises: &'a [FieldPath],
}

impl<A: Aggregate> fmt::Debug for Collision<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collision")
            .field("commands", &self.commands)
            .field("intervening", &self.intervening)
            .field("premises", &self.premises)
            .finish_non_exhaustive()
    }
}

/// What is to become of the commands.
pub enum Resolution<A: Aggregate> {
    /// Append these events after the current sequence; none: there is nothing to do.
    Proceed(Vec<A::Event>),
    /// The domain says no, and would have said so without the collision.
    Reject(A::Rejection),
    /// Refuse: the sender must look again.
    Refuse {
        /// Why.
        reason: ConflictReason,
        /// The domain's "no" at the current state, where that stands in the way.
        rejection: Option<Rejected>,
    },
    /// Park it for a person.
    Park(ParkReason),
    /// The request is malformed: a premise names no field.
    Invalid(Vec<FieldViolation>),
}

impl<A: Aggregate> Resolution<A> {
    /// Refuses for a reason other than the domain's "no".
    pub fn refuse(reason: ConflictReason) -> Self {
        Self::Refuse {
            reason,
            rejection: None,
        }
    }
}

impl<A: Aggregate> fmt::Debug for Resolution<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proceed(events) => f.debug_tuple("Proceed").field(events).finish(),
            Self::Reject(rejection) => f.debug_tuple("Reject").field(rejection).finish(),
            Self::Refuse { reason, .. } => f.debug_tuple("Refuse").field(reason).finish(),
            Self::Park(reason) => f.debug_tuple("Park").field(reason).finish(),
            Self::Invalid(violations) => f.debug_tuple("Invalid").field(violations).finish(),
        }
    }
}

/// Asks a strategy that compares states. Premises come first: what a sender looked at must still be so under all of them.
///
/// # Panics
/// If the aggregate's code does.
pub fn resolve<A: Aggregate>(
    strategy: MergeStrategy,
    collision: &Collision<'_, A>,
) -> Resolution<A> {
    if strategy.compares()
        && let Some(resolution) = against_premises(collision)
    {
        return resolution;
    }
    match strategy {
        MergeStrategy::Commutative => commutative::resolve(collision),
        MergeStrategy::AggregateHandles => aggregate_handles::resolve(collision),
        MergeStrategy::Strict | MergeStrategy::Manual => resolve_unseen(strategy),
    }
}

/// What the premises have against a merge; `None`: nothing.
pub fn against_premises<A: Aggregate>(collision: &Collision<'_, A>) -> Option<Resolution<A>> {
    let changed = changed_premises(collision.premises, collision.base, collision.current);
    Some(match changed {
        Ok(changed) if changed.is_empty() => return None,
        Ok(changed) => Resolution::refuse(ConflictReason::PremiseChanged { changed }),
        Err(PremiseFault::Slips(violations)) => Resolution::Invalid(violations),
        Err(PremiseFault::State(fault)) => {
            Resolution::refuse(ConflictReason::NotComparable { fault })
        }
    })
}

/// Asks a strategy without showing it anything; one that [compares](MergeStrategy::compares) refuses then.
pub fn resolve_unseen<A: Aggregate>(strategy: MergeStrategy) -> Resolution<A> {
    match strategy {
        MergeStrategy::Manual => manual::resolve(),
        MergeStrategy::Strict | MergeStrategy::Commutative | MergeStrategy::AggregateHandles => {
            strict::resolve()
        }
    }
}
