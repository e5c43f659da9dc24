//! Contains the merge strategies. They decide what to do with a command whose expected sequence was wrong.
//!
//! A strategy answers with data ([`Resolution`]). It reads nothing, writes nothing and retries nothing; the
//! coordinator's loop does that.

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

/// The strategy for a command whose expected sequence is wrong (optimistic concurrency).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeStrategy {
    /// Appends if the two changes do not overlap, otherwise refuses.
    #[default]
    Commutative,
    /// Refuses.
    Strict,
    /// Asks the aggregate.
    AggregateHandles,
    /// Parks the command for a person.
    Manual,
}

impl MergeStrategy {
    /// All strategies.
    pub const ALL: [Self; 4] = [
        Self::Commutative,
        Self::Strict,
        Self::AggregateHandles,
        Self::Manual,
    ];

    /// Returns the strategy for a whole book: the most careful one of its commands.
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

    /// Returns its name on the wire and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commutative => "MERGE_COMMUTATIVE",
            Self::Strict => "MERGE_STRICT",
            Self::AggregateHandles => "MERGE_AGGREGATE_HANDLES",
            Self::Manual => "MERGE_MANUAL",
        }
    }

    /// Returns whether it compares states, and so needs [`Collision::base`] and the events in between.
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

    /// Reads the name on the wire, or the short form: `strict`, `commutative`, `aggregate`, `manual`.
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

/// A text that is not a valid [`MergeStrategy`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a merge strategy: give `strict`, `commutative`, `aggregate` or `manual`")]
pub struct InvalidMergeStrategy {
    /// The value that was given.
    pub text: String,
}

/// Commands that were decided upon at one state of a stream, and the stream as it is now.
pub struct Collision<'a, A: Aggregate> {
    /// The commands of one sender, to be decided in order.
    pub commands: &'a [A::Command],
    /// The expected sequence; `None` if the stream must not exist yet.
    pub expected: Option<Sequence>,
    /// The state at the expected sequence.
    pub base: &'a A,
    /// The events after the expected sequence, oldest first.
    pub intervening: &'a [A::Event],
    /// The current state, after those events.
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

/// The answer of a strategy: what to do with the commands.
pub enum Resolution<A: Aggregate> {
    /// Append these events after the current sequence. If there are none, nothing is to be done.
    Proceed(Vec<A::Event>),
    /// Reject: the domain says no, and would have said so without the collision.
    Reject(A::Rejection),
    /// Refuse: the sender must read again.
    Refuse {
        /// The reason of the refusal.
        reason: ConflictReason,
        /// The domain's rejection at the current state, if that was the reason.
        rejection: Option<Rejected>,
    },
    /// Park them for a person.
    Park(ParkReason),
    /// The request is malformed: a premise names no field.
    Invalid(Vec<FieldViolation>),
}

impl<A: Aggregate> Resolution<A> {
    /// Refuses for a reason other than a rejection by the domain.
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

/// Asks a strategy that compares states. Premises come first: under every strategy, the fields that the sender looked
/// at must be unchanged.
///
/// # Panics
/// Panics if the aggregate's code panics.
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

/// Returns the resolution if the premises forbid a merge; `None` if they allow it.
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

/// Asks a strategy without showing it any state. One that [compares](MergeStrategy::compares) then refuses.
pub fn resolve_unseen<A: Aggregate>(strategy: MergeStrategy) -> Resolution<A> {
    match strategy {
        MergeStrategy::Manual => manual::resolve(),
        MergeStrategy::Strict | MergeStrategy::Commutative | MergeStrategy::AggregateHandles => {
            strict::resolve()
        }
    }
}
