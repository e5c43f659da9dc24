//! Records the place of a subscriber in a log that may have several partitions.

use std::fmt;
use std::num::NonZero;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Bookmark, LogId, LogPartition, Position, RecordedEvent};

/// The place in each partition of a log up to which a subscriber has read.
///
/// Its text is the log, `/`, and for each partition in order the position, `:`, and the event there, separated by
/// commas. Positions alone, such as `1042`, are a cursor too; it is accepted if the log is long enough.
///
/// ```
/// # use seriatim_core::{Cursor, LogPartition, Position};
/// let cursor: Cursor = "17,0,4".parse()?;
/// assert_eq!(cursor.get(LogPartition(2)).position, Position(4));
/// # Ok::<(), seriatim_core::InvalidCursor>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor {
    log: Option<LogId>,
    places: Vec<(Position, Option<Uuid>)>,
}

impl Cursor {
    /// Returns the cursor of a subscriber that has seen nothing, for a log with this many partitions.
    pub fn start(log: LogId, partitions: NonZero<u16>) -> Self {
        Self {
            log: Some(log),
            places: vec![(Position::START, None); usize::from(partitions.get())],
        }
    }

    /// Returns the log that it is for; `None` if it does not say.
    pub fn log(&self) -> Option<LogId> {
        self.log
    }

    /// Returns its place in a partition; the start if it does not have that partition.
    pub fn get(&self, partition: LogPartition) -> Bookmark {
        let place = self.places.get(partition.index()).copied();
        let (position, event) = place.unwrap_or_default();
        Bookmark {
            log: self.log,
            position,
            event,
        }
    }

    /// Moves it to a place in a partition. If the place names a log, it becomes a cursor of that log.
    ///
    /// # Panics
    /// Panics if it does not have the partition.
    pub fn set(&mut self, partition: LogPartition, place: Bookmark) {
        self.log = place.log.or(self.log);
        self.places[partition.index()] = (place.position, place.event);
    }

    /// Moves it past an event, in the partition of that event.
    pub fn pass(&mut self, event: &RecordedEvent) {
        let partition = self.partition_of(event);
        self.places[partition.index()] = (event.position, Some(event.id));
    }

    /// Returns whether it is at an event or after it.
    pub fn has_passed(&self, event: &RecordedEvent) -> bool {
        self.get(self.partition_of(event)).position >= event.position
    }

    fn partition_of(&self, event: &RecordedEvent) -> LogPartition {
        let count = u16::try_from(self.places.len()).ok().and_then(NonZero::new);
        let count = count.expect("it has at least one partition, and no more than there can be");
        LogPartition::of(&event.stream, count)
    }

    /// Returns how many partitions it is for.
    pub fn partitions(&self) -> usize {
        self.places.len()
    }

    /// Returns the positions alone, in the order of the partitions.
    pub fn positions(&self) -> impl Iterator<Item = Position> {
        self.places.iter().map(|(position, _)| *position)
    }

    /// Returns each partition with its place there.
    pub fn iter(&self) -> impl Iterator<Item = (LogPartition, Bookmark)> {
        let all = (0..).map(LogPartition).take(self.places.len());
        all.map(|partition| (partition, self.get(partition)))
    }
}

/// Makes a cursor of places. Partitions without a place are at the start.
impl FromIterator<(LogPartition, Bookmark)> for Cursor {
    fn from_iter<I: IntoIterator<Item = (LogPartition, Bookmark)>>(all: I) -> Self {
        let mut cursor = Self {
            log: None,
            places: Vec::new(),
        };
        for (partition, place) in all {
            let count = cursor.places.len().max(partition.index() + 1);
            cursor.places.resize(count, (Position::START, None));
            cursor.set(partition, place);
        }
        cursor
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(LogId(log)) = self.log {
            write!(f, "{}/", log.simple())?;
        }
        for (at, (position, event)) in self.places.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{position}")?;
            if let Some(event) = event {
                write!(f, ":{}", event.simple())?;
            }
        }
        Ok(())
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text).ok_or_else(|| InvalidCursor { text: text.into() })
    }
}

fn read(text: &str) -> Option<Cursor> {
    let (log, places) = match text.split_once('/') {
        Some((log, places)) => (Some(LogId(log.parse().ok()?)), places),
        None => (None, text),
    };
    let place = |text: &str| {
        let (position, event) = match text.split_once(':') {
            Some((position, event)) => (position, Some(event.parse().ok()?)),
            None => (text, None),
        };
        Some((Position(position.parse().ok()?), event))
    };
    let places: Vec<_> = places.split(',').map(place).collect::<Option<_>>()?;
    u16::try_from(places.len()).ok()?;
    Some(Cursor { log, places })
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

/// A text that is not a valid [`Cursor`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a place in the log: give the one that came with an event, for example `1042`"
)]
pub struct InvalidCursor {
    /// The value that was given.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Domain, Payload, Sequence, StreamId, Timestamp};

    const LOG: LogId = LogId(Uuid::from_u128(7));

    #[test]
    fn an_event_moves_the_partition_that_it_is_in() {
        let at = "9:0000000000000000000000000000000a";
        for (count, expected) in [(1, "#"), (2, "#,0"), (7, "0,#,0,0,0,0,0")] {
            let mut cursor = Cursor::start(LOG, NonZero::new(count).unwrap());
            let root = Uuid::from_u128(0x0190_1234_5678_7abc_8def_0123_4567_89ab);
            let event = RecordedEvent {
                id: Uuid::from_u128(10),
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
            let expected = format!("{}/{}", LOG.0.simple(), expected.replace('#', at));
            assert_eq!(cursor.to_string(), expected);
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let (log, event) = (LOG.0.simple(), Uuid::from_u128(10).simple());
        for text in [
            "0".to_owned(),
            "17".to_owned(),
            "1,2,3".to_owned(),
            "18446744073709551615,0".to_owned(),
            format!("{log}/0"),
            format!("{log}/17:{event},0,4:{event}"),
        ] {
            let cursor: Cursor = text.parse().unwrap();
            assert_eq!(cursor.to_string(), text);
            let json = serde_json::to_string(&cursor).unwrap();
            assert_eq!(serde_json::from_str::<Cursor>(&json).unwrap(), cursor);
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in [
            "",
            "-1",
            "1,",
            ",1",
            "1 2",
            "x",
            "18446744073709551616",
            "/1",
            "x/1",
            "1:",
            "1:x",
            "1:2:3",
        ] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
        assert!(vec!["1"; 70_000].join(",").parse::<Cursor>().is_err());
    }
}
