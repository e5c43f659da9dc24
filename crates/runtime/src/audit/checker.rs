//! Checks one partition, event by event. It reads nothing itself.

use std::convert::Infallible;
use std::num::NonZero;

use seriatim_core::{LogPartition, Position, RecordedEvent, Sequence, Timestamp};

use super::finding::Finding;
use crate::last_sequences::{Before, LastSequences};

/// Checks one partition from its first event on.
#[derive(Debug)]
pub(super) struct Checker {
    partition: LogPartition,
    partitions: NonZero<u16>,
    last: Position,
    recorded_at: Timestamp,
    streams: LastSequences,
}

/// The result of checking an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) findings: Vec<Finding>,
    /// True if the event before it in its stream must be looked up, see [`follows`].
    pub(super) look_up: bool,
}

impl Checker {
    /// Makes a checker that remembers this many streams.
    pub(super) fn new(partition: LogPartition, partitions: NonZero<u16>, streams: usize) -> Self {
        Self {
            partition,
            partitions,
            last: Position::START,
            recorded_at: Timestamp::from_micros(i64::MIN),
            streams: LastSequences::new(streams, true),
        }
    }

    /// Returns the position of the last event that was checked.
    pub(super) fn last(&self) -> Position {
        self.last
    }

    /// Checks the next event. After a fault it continues from the event as it is, so that each fault is found once.
    pub(super) fn check(&mut self, event: &RecordedEvent) -> Checked {
        let mut checked = Checked::default();
        let found = &mut checked.findings;
        let expected = Position(self.last.0.saturating_add(1));
        if event.position != expected {
            found.push(Finding::PositionMissing {
                partition: self.partition,
                expected,
                found: event.position,
            });
        }
        if event.recorded_at < self.recorded_at {
            found.push(Finding::TimeDecreased {
                partition: self.partition,
                position: event.position,
                at: event.recorded_at,
                before: self.recorded_at,
            });
        }
        let home = LogPartition::of(&event.stream, self.partitions);
        if home != self.partition {
            found.push(Finding::OtherPartition {
                stream: event.stream.clone(),
                sequence: event.sequence,
                partition: self.partition,
                home,
            });
        }
        let Ok(()) = self.streams.pass(event, |before| {
            match before {
                Before::Known(last) if Sequence::after(last) == Ok(event.sequence) => {}
                Before::Known(last) => found.push(Finding::SequenceBroken {
                    stream: event.stream.clone(),
                    expected: Sequence::count(last),
                    found: event.sequence,
                    position: event.position,
                }),
                Before::Forgotten => checked.look_up = event.sequence > Sequence::FIRST,
            }
            Ok::<_, Infallible>(())
        });
        (self.last, self.recorded_at) = (event.position, event.recorded_at);
        checked
    }
}

/// Checks that an event follows the one before it, given two events of its stream that were read from that one on.
pub(super) fn follows(event: &RecordedEvent, read: &[RecordedEvent]) -> Result<(), Finding> {
    if let [before, itself] = read
        && before.sequence.0.checked_add(1) == Some(event.sequence.0)
        && before.position < event.position
        && (itself.sequence, itself.position) == (event.sequence, event.position)
    {
        return Ok(());
    }
    Err(Finding::PredecessorMissing {
        stream: event.stream.clone(),
        found: event.sequence,
        position: event.position,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use seriatim_core::{Domain, Payload, StreamId};
    use uuid::Uuid;

    use super::*;

    fn event(position: u64, root: u128, sequence: u32) -> RecordedEvent {
        RecordedEvent {
            id: Uuid::from_u128(position.into()),
            stream: StreamId::new(Domain::new("order").unwrap(), Uuid::from_u128(root)),
            sequence: Sequence(sequence),
            position: Position(position),
            recorded_at: Timestamp::from_micros(i64::try_from(position).unwrap()),
            payload: Payload::json("Noted", "{}"),
            metadata: Arc::default(),
        }
    }

    fn checker(streams: usize) -> Checker {
        Checker::new(LogPartition::FIRST, NonZero::<u16>::MIN, streams)
    }

    /// Returns the findings as text, and how many look-ups are asked for.
    fn check(checker: &mut Checker, events: &[RecordedEvent]) -> (Vec<String>, usize) {
        let all: Vec<_> = events.iter().map(|event| checker.check(event)).collect();
        let found = all.iter().flat_map(|checked| &checked.findings);
        (
            found.map(ToString::to_string).collect(),
            all.iter().filter(|checked| checked.look_up).count(),
        )
    }

    #[test]
    fn a_sound_log_gives_no_findings() {
        let events: Vec<_> = (0..100)
            .map(|at| event(at + 1, u128::from(at % 7), u32::try_from(at / 7).unwrap()))
            .collect();
        assert_eq!(check(&mut checker(7), &events), (vec![], 0));
    }

    #[test]
    fn every_fault_is_found_once() {
        let stream = |root| event(1, root, 0).stream;
        let late = RecordedEvent {
            recorded_at: Timestamp::from_micros(-1),
            ..event(6, 1, 3)
        };
        let events = [
            event(1, 1, 0),
            event(3, 1, 1),
            event(4, 2, 1),
            event(5, 1, 2),
            late,
            event(7, 1, 3),
            event(8, 1, 4),
        ];
        let (found, _) = check(&mut checker(7), &events);
        assert_eq!(
            found,
            [
                "partition 0 has no event at position 2; the next one is at 3".to_owned(),
                format!(
                    "{} goes on with event 1 at position 4 where 0 should come",
                    stream(2)
                ),
                format!(
                    "the event at position 6 of partition 0 was recorded at {}, before {} of the one before it",
                    Timestamp::from_micros(-1),
                    Timestamp::from_micros(5)
                ),
                format!(
                    "{} goes on with event 3 at position 7 where 4 should come",
                    stream(1)
                ),
            ]
        );
    }

    #[test]
    fn an_event_in_another_partition_is_found() {
        let two = NonZero::new(2).unwrap();
        let event = event(1, 1, 0);
        let home = LogPartition::of(&event.stream, two);
        let other = LogPartition(1 - home.0);
        assert_eq!(Checker::new(home, two, 7).check(&event), Checked::default());
        let found = Checker::new(other, two, 7).check(&event).findings;
        assert!(
            matches!(found[..], [Finding::OtherPartition { home: found, .. }] if found == home),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_forgotten_is_to_be_looked_up() {
        let mut checker = checker(2);
        let begin: Vec<_> = (1..=6).map(|at| event(at, at.into(), 0)).collect();
        assert_eq!(check(&mut checker, &begin), (vec![], 0));
        // The first stream is forgotten, and the last is not.
        let later = [event(7, 1, 1), event(8, 6, 1), event(9, 1, 2)];
        assert_eq!(check(&mut checker, &later), (vec![], 1));
        let [first, itself] = [event(1, 1, 0), event(7, 1, 1)];
        assert_eq!(follows(&itself, &[first.clone(), itself.clone()]), Ok(()));
        for read in [
            vec![],
            vec![itself.clone()],
            vec![first.clone()],
            vec![first.clone(), event(8, 1, 1)],
            vec![event(9, 1, 0), itself.clone()],
        ] {
            assert!(follows(&itself, &read).is_err(), "{read:?}");
        }
    }
}
