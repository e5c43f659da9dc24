//! Checks that the events from a server have no gap and no repeat.

use seriatim_core::{Begin, Cursor, EventFilter, Offered, RecordedEvent, Resequencer};
use seriatim_core::{Sequence, StreamId, SubscribeError};

/// The number of streams that are remembered.
const STREAMS: usize = 20_000;

/// A check of the events of a subscription.
///
/// A call over HTTP/2 keeps the order, and the next call begins after the last event that was taken. So nothing has to
/// be put in order: the [`Resequencer`] keeps no early events, but detects a faulty server.
#[derive(Debug)]
pub(super) struct Order {
    /// The next sequence of each stream. `None` if the filter leaves out events of a stream, because then its sequences
    /// have gaps.
    streams: Option<Resequencer<RecordedEvent>>,
    /// The number of streams that are remembered now.
    known: usize,
}

impl Order {
    pub(super) fn new(begin: &Begin, filter: &EventFilter) -> Self {
        let streams = (!filter.leaves_gaps()).then(|| match begin {
            Begin::AtTheFirst => Resequencer::new(0),
            Begin::Now | Begin::Since(_) | Begin::After(_) => Resequencer::from_anywhere(0),
        });
        Self { streams, known: 0 }
    }

    /// Returns the events that follow `cursor`, up to the first gap, and the fault of the event after the gap. Drops
    /// repeats. Moves the cursor past the returned events.
    pub(super) fn check(
        &mut self,
        cursor: &mut Cursor,
        events: Vec<RecordedEvent>,
    ) -> (Vec<RecordedEvent>, Option<SubscribeError>) {
        let mut sound = Vec::with_capacity(events.len());
        for event in events {
            if cursor.has_passed(&event) {
                continue;
            }
            match self.offer(event) {
                Ok(None) => {}
                Ok(Some(event)) => {
                    cursor.pass(&event);
                    sound.push(event);
                }
                Err(fault) => return (sound, Some(fault)),
            }
        }
        (sound, None)
    }

    /// Returns the event, unless it is a repeat.
    fn offer(&mut self, event: RecordedEvent) -> Result<Option<RecordedEvent>, SubscribeError> {
        let Some(streams) = &mut self.streams else {
            return Ok(Some(event));
        };
        let (stream, sequence) = (event.stream.clone(), event.sequence);
        self.known += usize::from(streams.last(&stream).is_none());
        if self.known > STREAMS {
            // This loses only the check of the next event of each stream.
            *streams = Resequencer::from_anywhere(0);
            self.known = 1;
        }
        match streams.offer(&stream, sequence, event) {
            Offered::Ready(events) => Ok(events.into_iter().next()),
            Offered::Repeated => Ok(None),
            Offered::Refused(gap, event) => Err(missing(stream, gap.from, &event)),
            Offered::Held(_) => unreachable!("there is room for none"),
        }
    }
}

fn missing(stream: StreamId, expected: Sequence, found: &RecordedEvent) -> SubscribeError {
    SubscribeError::SequenceMissing {
        stream,
        expected: expected.0.into(),
        found: found.sequence,
        position: found.position,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;
    use std::sync::Arc;

    use seriatim_core::{Domain, LogId, Payload, Position, Timestamp};
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

    fn start() -> Cursor {
        Cursor::start(LogId(Uuid::nil()), NonZero::<u16>::MIN)
    }

    fn order(begin: &Begin, types: &[&str]) -> Order {
        let filter = EventFilter {
            types: types.iter().map(|name| (*name).into()).collect(),
            ..EventFilter::default()
        };
        Order::new(begin, &filter)
    }

    fn positions(events: &[RecordedEvent]) -> Vec<u64> {
        events.iter().map(|event| event.position.0).collect()
    }

    #[test]
    fn repeats_are_dropped() {
        for types in [&[][..], &["Noted"]] {
            let (mut order, mut cursor) = (order(&Begin::AtTheFirst, types), start());
            let first = vec![
                event(1, 1, 0),
                event(2, 2, 0),
                event(1, 1, 0),
                event(3, 1, 1),
            ];
            let (sound, fault) = order.check(&mut cursor, first);
            assert_eq!((positions(&sound), fault.is_none()), (vec![1, 2, 3], true));
            let (sound, fault) = order.check(&mut cursor, vec![event(3, 1, 1), event(4, 2, 1)]);
            assert_eq!((positions(&sound), fault.is_none()), (vec![4], true));
            assert!(cursor.positions().eq([Position(4)]));
        }
    }

    #[test]
    fn a_gap_is_an_error_and_stays_one() {
        let (mut order, mut cursor) = (order(&Begin::AtTheFirst, &[]), start());
        let events = vec![event(1, 1, 0), event(3, 1, 2), event(4, 2, 0)];
        let (sound, fault) = order.check(&mut cursor, events.clone());
        assert_eq!(
            (positions(&sound), cursor.positions().next()),
            (vec![1], Some(Position(1)))
        );
        assert!(matches!(
            fault,
            Some(SubscribeError::SequenceMissing {
                expected: 1,
                found: Sequence(2),
                ..
            })
        ));
        // The server is asked again for the events after the last sound one.
        let (sound, fault) = order.check(&mut cursor, events[1..].to_vec());
        assert!(sound.is_empty() && fault.is_some());
        let whole = vec![event(2, 1, 1), event(3, 1, 2), event(4, 2, 0)];
        let (sound, fault) = order.check(&mut cursor, whole);
        assert_eq!((positions(&sound), fault.is_none()), (vec![2, 3, 4], true));
    }

    #[test]
    fn where_events_are_left_out_by_their_type_a_gap_is_none() {
        let (mut order, mut cursor) = (order(&Begin::AtTheFirst, &["Noted"]), start());
        let (sound, fault) = order.check(&mut cursor, vec![event(1, 1, 0), event(9, 1, 5)]);
        assert_eq!((positions(&sound), fault.is_none()), (vec![1, 9], true));
    }

    #[test]
    fn a_stream_begins_at_its_first_event_unless_the_subscription_begins_later() {
        let (sound, fault) =
            order(&Begin::AtTheFirst, &[]).check(&mut start(), vec![event(7, 1, 3)]);
        assert!(sound.is_empty() && fault.is_some());
        let begin = Begin::After("6".parse().unwrap());
        let (sound, fault) = order(&begin, &[]).check(&mut start(), vec![event(7, 1, 3)]);
        assert!(sound.len() == 1 && fault.is_none());
    }

    #[test]
    fn more_streams_than_are_remembered_raise_no_false_alarm() {
        let (mut order, mut cursor) = (order(&Begin::AtTheFirst, &[]), start());
        let streams = 2 * STREAMS as u64;
        let events: Vec<_> = (0..2 * streams)
            .map(|number| {
                let sequence = u32::try_from(number / streams).unwrap();
                event(number + 1, u128::from(number % streams), sequence)
            })
            .collect();
        let (sound, fault) = order.check(&mut cursor, events.clone());
        assert!(fault.is_none());
        assert_eq!(sound, events);
    }
}
