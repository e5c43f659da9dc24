//! Where a subscriber stands in a log that may have several partitions.

use std::fmt;
use std::num::NonZero;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{LogPartition, Position};

/// The last position a subscriber has seen, of each partition of the log.
///
/// As text: the positions in the order of the partitions, with commas between them. For a log of one partition
/// that is one number.
///
/// ```
/// # use seriatim_core::{Cursor, LogPartition, Position};
/// let mut cursor: Cursor = "17,0,4".parse()?;
/// cursor.set(LogPartition(1), Position(3));
/// assert_eq!(cursor.to_string(), "17,3,4");
/// # Ok::<(), seriatim_core::InvalidCursor>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor(Vec<Position>);

impl Cursor {
    /// Where a subscriber of a log with so many partitions stands that has seen nothing.
    pub fn start(partitions: NonZero<u16>) -> Self {
        Self(vec![Position::START; usize::from(partitions.get())])
    }

    /// Where it stands in a partition; at the start of one that it does not have.
    pub fn get(&self, partition: LogPartition) -> Position {
        self.0.get(index(partition)).copied().unwrap_or_default()
    }

    /// Moves it in a partition.
    ///
    /// # Panics
    /// If it does not have the partition.
    pub fn set(&mut self, partition: LogPartition, position: Position) {
        self.0[index(partition)] = position;
    }

    /// How many partitions it is for.
    pub fn partitions(&self) -> usize {
        self.0.len()
    }

    /// Each partition, and where it stands there.
    pub fn iter(&self) -> impl Iterator<Item = (LogPartition, Position)> {
        (0..).map(LogPartition).zip(self.0.iter().copied())
    }
}

fn index(partition: LogPartition) -> usize {
    usize::from(partition.0)
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (partition, position) in self.iter() {
            let comma = if partition.0 == 0 { "" } else { "," };
            write!(f, "{comma}{position}")?;
        }
        Ok(())
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let positions: Result<Vec<_>, _> = text.split(',').map(str::parse).collect();
        match positions {
            Ok(positions) if u16::try_from(positions.len()).is_ok() => {
                Ok(Self(positions.into_iter().map(Position).collect()))
            }
            _ => Err(InvalidCursor { text: text.into() }),
        }
    }
}

impl TryFrom<String> for Cursor {
    type Error = InvalidCursor;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

/// A text that is no [`Cursor`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no place in the log: give the one that came with an event, for example `1042`"
)]
pub struct InvalidCursor {
    /// What was given.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in ["0", "17", "1,2,3", "18446744073709551615,0"] {
            let cursor: Cursor = text.parse().unwrap();
            assert_eq!(cursor.to_string(), text);
            let json = serde_json::to_string(&cursor).unwrap();
            assert_eq!(serde_json::from_str::<Cursor>(&json).unwrap(), cursor);
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in ["", "-1", "1,", ",1", "1 2", "x", "18446744073709551616"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
        assert!(vec!["1"; 70_000].join(",").parse::<Cursor>().is_err());
    }
}
