//! Checks that no event is missing between one read and the next.

use seriatim_core::{LogPartition, Position, RecordedEvent, Sequence, SubscribeError};

use crate::last_sequences::{Before, LastSequences};

/// The number of streams that are remembered at least, once there are so many; at most twice as many are.
const STREAMS: usize = 20_000;

/// Checks the events that a reader of one partition gets. Positions must have no gaps; nor must sequences, for the
/// streams that came lately.
///
/// The first check alone proves that nothing was missed. The second finds a log that contradicts itself.
#[derive(Debug)]
pub(crate) struct Continuity {
    partition: LogPartition,
    streams: LastSequences,
}

impl Continuity {
    /// Makes one for a reader that begins after `begin`.
    pub(crate) fn new(partition: LogPartition, begin: Position) -> Self {
        Self {
            partition,
            streams: LastSequences::new(STREAMS, begin == Position::START),
        }
    }

    /// Checks the events that were read after `after`. Returns how many of them are sound, and what is wrong with the
    /// event after those.
    pub(crate) fn check<'e>(
        &mut self,
        after: Position,
        events: impl IntoIterator<Item = &'e RecordedEvent>,
    ) -> Result<(), (usize, SubscribeError)> {
        let mut last = after;
        for (index, event) in events.into_iter().enumerate() {
            self.check_event(last, event)
                .map_err(|fault| (index, fault))?;
            last = event.position;
        }
        Ok(())
    }

    fn check_event(&mut self, last: Position, event: &RecordedEvent) -> Result<(), SubscribeError> {
        let expected = Position(last.0 + 1);
        if event.position != expected {
            return Err(SubscribeError::PositionMissing {
                partition: self.partition,
                expected,
                found: event.position,
            });
        }
        self.streams.pass(event, |before| match before {
            Before::Known(last) => check_follows(last, event),
            Before::Forgotten => Ok(()),
        })
    }
}

fn check_follows(last: Option<Sequence>, event: &RecordedEvent) -> Result<(), SubscribeError> {
    if Sequence::after(last) == Ok(event.sequence) {
        return Ok(());
    }
    Err(SubscribeError::SequenceMissing {
        stream: event.stream.clone(),
        expected: Sequence::count(last),
        found: event.sequence,
        position: event.position,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use seriatim_core::{Domain, Payload, StreamId, Timestamp};
    use uuid::Uuid;

    use super::*;

    fn event(position: u64, root: u128, sequence: u32) -> RecordedEvent {
        RecordedEvent {
            id: Uuid::from_u128(position.into()),
            stream: StreamId::new(Domain::new("order").unwrap(), Uuid::from_u128(root)),
            sequence: Sequence(sequence),
            position: Position(position),
            recorded_at: Timestamp::from_micros(0),
            payload: Payload::json("Noted", "{}"),
            metadata: Arc::default(),
        }
    }

    #[test]
    fn a_missing_position_is_named() {
        let mut continuity = Continuity::new(LogPartition(3), Position::START);
        let events = [event(1, 1, 0), event(2, 2, 0), event(4, 1, 1)];
        let (sound, fault) = continuity.check(Position::START, &events).unwrap_err();
        assert_eq!(sound, 2);
        let (expected, found) = (Position(3), Position(4));
        assert!(
            matches!(fault, SubscribeError::PositionMissing { expected: e, found: f, .. } if (e, f) == (expected, found))
        );
    }

    #[test]
    fn a_missing_sequence_is_named() {
        for (events, missing) in [
            ([event(1, 1, 0), event(2, 2, 0), event(3, 1, 2)], 1),
            ([event(1, 1, 0), event(2, 2, 0), event(3, 1, 0)], 1),
            ([event(1, 1, 0), event(2, 2, 0), event(3, 3, 4)], 0),
        ] {
            let mut continuity = Continuity::new(LogPartition::FIRST, Position::START);
            let (sound, fault) = continuity.check(Position::START, &events).unwrap_err();
            assert_eq!(sound, 2);
            assert!(
                matches!(fault, SubscribeError::SequenceMissing { expected, .. } if expected == missing)
            );
        }
    }

    #[test]
    fn a_stream_that_began_before_the_reader_may_begin_anywhere() {
        let mut continuity = Continuity::new(LogPartition::FIRST, Position(7));
        assert!(
            continuity
                .check(Position(7), &[event(8, 1, 5), event(9, 1, 6)])
                .is_ok()
        );
        assert!(continuity.check(Position(9), &[event(10, 1, 8)]).is_err());
    }

    #[test]
    fn more_streams_than_are_remembered_raise_no_false_alarm() {
        let mut continuity = Continuity::new(LogPartition::FIRST, Position::START);
        let streams = 3 * STREAMS as u64;
        let all: Vec<_> = (0..2 * streams)
            .map(|number| {
                let sequence = u32::try_from(number / streams).unwrap();
                event(number + 1, u128::from(number % streams), sequence)
            })
            .collect();
        assert!(continuity.check(Position::START, &all).is_ok());
    }
}
