//! Where a subscriber stands in a log that may have several partitions.

use std::fmt;
use std::num::NonZero;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{LogPartition, Position, RecordedEvent};

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

    /// Moves it past an event, in the partition that the event is in.
    pub fn pass(&mut self, event: &RecordedEvent) {
        self.set(self.partition_of(event), event.position);
    }

    /// Whether it stands at an event or after it.
    pub fn has_passed(&self, event: &RecordedEvent) -> bool {
        self.get(self.partition_of(event)) >= event.position
    }

    fn partition_of(&self, event: &RecordedEvent) -> LogPartition {
        let count = u16::try_from(self.0.len()).ok().and_then(NonZero::new);
        let count = count.expect("it has at least one partition, and no more than there can be");
        LogPartition::of(&event.stream, count)
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

/// Where a subscription begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// With the first event there is.
    AtTheFirst,
    /// With the first event that is recorded after this call.
    Now,
    /// With the first event after a place in the log.
    After(Cursor),
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
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::{Domain, Payload, Sequence, StreamId, Timestamp};

    #[test]
    fn an_event_moves_the_partition_that_it_is_in() {
        for (count, expected) in [(1, "9"), (2, "9,0"), (7, "0,9,0,0,0,0,0")] {
            let mut cursor = Cursor::start(NonZero::new(count).unwrap());
            let root = Uuid::from_u128(0x0190_1234_5678_7abc_8def_0123_4567_89ab);
            let event = RecordedEvent {
                id: Uuid::nil(),
                stream: StreamId::new(Domain::new("order").unwrap(), root),
                sequence: Sequence(3),
                position: Position(9),
                recorded_at: Timestamp::from_micros(0),
                payload: Payload::json("Noted", "{}"),
                metadata: Arc::default(),
            };
            assert!(!cursor.has_passed(&event));
            cursor.pass(&event);
            assert!(cursor.has_passed(&event));
            assert_eq!(cursor.to_string(), expected);
        }
    }

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
