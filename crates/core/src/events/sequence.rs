//! Defines an event's place in its stream, and what the sender of a command believes about it (optimistic concurrency).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The place of an event in its stream: 0 for the first, one more for each next, without gaps, never reused.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Sequence(pub u32);

impl Sequence {
    /// The sequence of a stream's first event.
    pub const FIRST: Self = Self(0);
    /// The last sequence a stream can hold.
    pub const MAX: Self = Self(u32::MAX);

    /// Returns the sequence of the next event when `current` is that of the last one. Fails if the stream is full.
    pub fn after(current: Option<Self>) -> Result<Self, StreamFull> {
        match current {
            None => Ok(Self::FIRST),
            Some(Self(last)) => last.checked_add(1).map(Self).ok_or(StreamFull),
        }
    }

    /// Returns the current sequence once `count` more events follow `current`. Fails if the stream would be full.
    ///
    /// ```
    /// # use seriatim_core::{Sequence, StreamFull};
    /// assert_eq!(Sequence::advance(None, 3), Ok(Some(Sequence(2))));
    /// assert_eq!(Sequence::advance(Some(Sequence(5)), 1), Ok(Some(Sequence(6))));
    /// assert_eq!(Sequence::advance(Some(Sequence::MAX), 1), Err(StreamFull));
    /// ```
    pub fn advance(current: Option<Self>, count: usize) -> Result<Option<Self>, StreamFull> {
        let events = current.map_or(0, |Self(last)| u64::from(last) + 1);
        let events = u64::try_from(count)
            .ok()
            .and_then(|count| events.checked_add(count))
            .ok_or(StreamFull)?;
        match events.checked_sub(1) {
            None => Ok(None),
            Some(last) => u32::try_from(last)
                .map(|last| Some(Self(last)))
                .map_err(|_| StreamFull),
        }
    }

    /// Returns how many events a stream has whose current sequence is `current`.
    pub fn count(current: Option<Self>) -> u64 {
        current.map_or(0, |Self(last)| u64::from(last) + 1)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The stream has no sequence left: it would pass [`Sequence::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream is full: no sequence is left after {}", Sequence::MAX)]
pub struct StreamFull;

/// The sequence that the sender of a command believes is the stream's current one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpectedSequence {
    /// No belief: the command is decided on the current state and never conflicts.
    #[default]
    Any,
    /// The stream has no events yet.
    NoStream,
    /// This is the sequence of the stream's last event.
    Exactly(Sequence),
}

impl ExpectedSequence {
    /// Compares the belief with the `current` sequence (`None`: the stream has no events). Fails if they differ.
    ///
    /// ```
    /// # use seriatim_core::{ExpectedSequence::*, Mismatch, Sequence};
    /// let at = |n| Some(Sequence(n));
    /// assert!(Exactly(Sequence(5)).check(at(5)).is_ok());
    /// assert!(matches!(Exactly(Sequence(4)).check(at(5)), Err(Mismatch::Behind(_))));
    /// assert!(matches!(Exactly(Sequence(6)).check(at(5)), Err(Mismatch::Beyond(_))));
    /// assert!(matches!(NoStream.check(at(0)), Err(Mismatch::Behind(_))));
    /// assert!(Any.check(None).is_ok());
    /// ```
    pub fn check(self, current: Option<Sequence>) -> Result<(), Mismatch> {
        let believed = match self {
            Self::Any => return Ok(()),
            Self::NoStream => None,
            Self::Exactly(sequence) => Some(sequence),
        };
        let conflict = Conflict {
            expected: self,
            current,
        };
        // `None < Some(_)`: a stream without events is behind every stream that has some.
        match believed.cmp(&current) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Less => Err(Mismatch::Behind(conflict)),
            std::cmp::Ordering::Greater => Err(Mismatch::Beyond(conflict)),
        }
    }

    /// Returns the believed current sequence; the outer `None` stands for no belief.
    pub fn believed(self) -> Option<Option<Sequence>> {
        match self {
            Self::Any => None,
            Self::NoStream => Some(None),
            Self::Exactly(sequence) => Some(Some(sequence)),
        }
    }
}

impl From<Sequence> for ExpectedSequence {
    fn from(sequence: Sequence) -> Self {
        Self::Exactly(sequence)
    }
}

impl From<u32> for ExpectedSequence {
    fn from(sequence: u32) -> Self {
        Self::Exactly(Sequence(sequence))
    }
}

impl fmt::Display for ExpectedSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::NoStream => f.write_str("none"),
            Self::Exactly(sequence) => sequence.fmt(f),
        }
    }
}

impl FromStr for ExpectedSequence {
    type Err = InvalidExpectation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "any" => Ok(Self::Any),
            "none" => Ok(Self::NoStream),
            number => number
                .parse()
                .map(|number| Self::Exactly(Sequence(number)))
                .map_err(|_| InvalidExpectation { text: text.into() }),
        }
    }
}

/// A text that is not a valid [`ExpectedSequence`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not an expectation: give a sequence (0 to {}), `none` or `any`",
    Sequence::MAX
)]
pub struct InvalidExpectation {
    /// The value that was given.
    pub text: String,
}

/// The expected and the current sequence of a stream that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The sequence that the sender believed.
    pub expected: ExpectedSequence,
    /// The stream's current sequence; `None` if it has no events.
    pub current: Option<Sequence>,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected sequence {}, ", self.expected)?;
        match self.current {
            Some(current) => write!(f, "the current one is {current}"),
            None => f.write_str("the stream has no events"),
        }
    }
}

/// The ways in which an expected sequence can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// Events came that the sender did not know of: a conflict, which the merge strategy resolves.
    Behind(Conflict),
    /// The sender names a sequence that the stream has not reached: a mistake under every strategy.
    Beyond(Conflict),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_end_of_a_stream_is_an_error_and_not_a_wrap() {
        assert_eq!(Sequence::after(Some(Sequence::MAX)), Err(StreamFull));
        assert_eq!(
            Sequence::advance(Some(Sequence(u32::MAX - 1)), 1),
            Ok(Some(Sequence::MAX))
        );
        assert_eq!(
            Sequence::advance(Some(Sequence(u32::MAX - 1)), 2),
            Err(StreamFull)
        );
        assert_eq!(Sequence::advance(None, usize::MAX), Err(StreamFull));
    }

    proptest! {
        #[test]
        fn advancing_is_stepping(start in prop::option::of(0..u32::MAX - 40), count in 0usize..40) {
            let start = start.map(Sequence);
            let mut stepped = start;
            for _ in 0..count {
                stepped = Some(Sequence::after(stepped).unwrap());
            }
            prop_assert_eq!(Sequence::advance(start, count), Ok(stepped));
            prop_assert_eq!(Sequence::count(stepped), Sequence::count(start) + count as u64);
        }

        #[test]
        fn an_expectation_reads_back_what_it_prints(n in prop::option::of(any::<u32>())) {
            let expected = n.map_or(ExpectedSequence::NoStream, |n| ExpectedSequence::Exactly(Sequence(n)));
            prop_assert_eq!(expected.to_string().parse(), Ok(expected));
        }
    }

    #[test]
    fn absurd_expectations_are_refused() {
        for text in ["-1", "4294967296", "1e3", "", "ANY"] {
            assert!(text.parse::<ExpectedSequence>().is_err(), "{text}");
        }
    }
}
