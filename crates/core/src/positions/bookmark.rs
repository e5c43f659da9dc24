//! Identifies a place in the log, so that the same position in another log is not taken for it.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{LogPartition, Position, RecordedEvent};

/// The identity of a log. It is made with the log and never changes; a copy, such as a restored backup, has the same
/// identity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(pub Uuid);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A place in a partition of a log: a position, with the id of the event there.
///
/// Every log that is long enough has a given position, but only one log has a given event, and the events before it are
/// the same wherever it is. A bookmark therefore shows whether a log is still the one that was read, however it was
/// replaced and however long it has grown since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Bookmark {
    /// The log; `None` if it was not recorded.
    pub log: Option<LogId>,
    /// The position in the partition.
    pub position: Position,
    /// The event at this position; `None` if it was not recorded, or if this is the start.
    pub event: Option<Uuid>,
}

impl Bookmark {
    /// The place before the first event, in any log.
    pub const START: Self = Self::at(Position::START);

    /// Returns a bookmark of a position alone.
    pub const fn at(position: Position) -> Self {
        Self {
            log: None,
            position,
            event: None,
        }
    }

    /// Returns the place of an event of a log.
    pub fn of(log: LogId, event: &RecordedEvent) -> Self {
        Self {
            log: Some(log),
            position: event.position,
            event: Some(event.id),
        }
    }

    /// Checks that this place is in a log that has the event `found` at its position. The start is in every log. Fails
    /// with what the log has there instead.
    pub fn check(
        &self,
        partition: LogPartition,
        log: LogId,
        found: Option<Uuid>,
    ) -> Result<(), LogReplaced> {
        let is_same = self.log.is_none_or(|expected| expected == log)
            && found.is_some()
            && (self.event.is_none() || self.event == found);
        if self.position == Position::START || is_same {
            return Ok(());
        }
        Err(LogReplaced {
            partition,
            expected: *self,
            found: Self {
                log: Some(log),
                position: self.position,
                event: found,
            },
        })
    }
}

/// The log is not the one that was read: another log has replaced it, or it went back to an earlier state and has grown
/// since. Data made from the old log may show events that do not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogReplaced {
    /// The partition in which this was noticed.
    pub partition: LogPartition,
    /// The place that was read before.
    pub expected: Bookmark,
    /// The place that the log has now.
    pub found: Bookmark,
}

impl fmt::Display for LogReplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            expected,
            found,
        } = self;
        let position = expected.position;
        match (expected.log, found.log) {
            (Some(expected), Some(found)) if expected != found => write!(
                f,
                "the log was replaced: it is the log {found}, and what was read up to position {position} of partition {partition} is of the log {expected}"
            ),
            _ => {
                write!(f, "the log was replaced, by a backup for example: ")?;
                match (expected.event, found.event) {
                    (Some(expected), Some(found)) => write!(
                        f,
                        "position {position} of partition {partition} was the event {expected}, and is the event {found} now"
                    ),
                    _ => write!(
                        f,
                        "it was read up to position {position} of partition {partition}, and ends before that"
                    ),
                }
            }
        }
    }
}

impl std::error::Error for LogReplaced {}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: LogId = LogId(Uuid::from_u128(1));
    const OTHER: LogId = LogId(Uuid::from_u128(2));
    const EVENT: Uuid = Uuid::from_u128(10);

    fn seen(log: Option<LogId>, event: Option<Uuid>) -> Bookmark {
        let position = Position(7);
        Bookmark {
            log,
            position,
            event,
        }
    }

    fn check(bookmark: Bookmark, log: LogId, found: Option<Uuid>) -> Result<(), String> {
        let checked = bookmark.check(LogPartition::FIRST, log, found);
        checked.map_err(|replaced| replaced.to_string())
    }

    #[test]
    fn a_place_is_in_the_log_that_has_its_event_there() {
        for known in [
            seen(Some(LOG), Some(EVENT)),
            seen(None, Some(EVENT)),
            seen(Some(LOG), None),
            seen(None, None),
        ] {
            assert_eq!(check(known, LOG, Some(EVENT)), Ok(()));
            assert!(check(known, LOG, None).is_err(), "{known:?}");
        }
    }

    #[test]
    fn another_event_or_another_log_is_told() {
        let other = Uuid::from_u128(11);
        let replaced = check(seen(Some(LOG), Some(EVENT)), LOG, Some(other)).unwrap_err();
        assert!(replaced.contains(&format!(
            "was the event {EVENT}, and is the event {other} now"
        )));
        let replaced = check(seen(Some(LOG), Some(EVENT)), OTHER, Some(EVENT)).unwrap_err();
        assert!(replaced.contains(&format!("it is the log {OTHER}")));
        let ends = check(seen(None, None), LOG, None).unwrap_err();
        assert!(
            ends.ends_with("it was read up to position 7 of partition 0, and ends before that")
        );
    }

    #[test]
    fn the_start_is_in_every_log() {
        let start = Bookmark {
            log: Some(OTHER),
            ..Bookmark::START
        };
        assert_eq!(check(start, LOG, None), Ok(()));
    }
}
