//! The last pages of a partition, kept a while for those who are a little behind.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use seriatim_core::{Position, RecordedEvent};

use crate::page_size::bytes;

/// How many events are kept, if they are small.
const EVENTS: usize = 10_000;
/// How many bytes of payload are kept, but for the last page.
const BYTES: usize = 16 << 20;

/// Events that follow one another in the log, shared by all who read them.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    events: Arc<[RecordedEvent]>,
    range: Range<usize>,
}

impl Page {
    pub(crate) fn new(events: Vec<RecordedEvent>) -> Self {
        Self {
            range: 0..events.len(),
            events: events.into(),
        }
    }

    pub(crate) fn events(&self) -> &[RecordedEvent] {
        &self.events[self.range.clone()]
    }

    /// Keeps the first `count` events.
    pub(crate) fn truncate(&mut self, count: usize) {
        self.range.end = self.range.end.min(self.range.start + count);
    }

    /// The position of its last event.
    pub(crate) fn last(&self) -> Option<Position> {
        Some(self.events().last()?.position)
    }
}

/// Pages that follow one another without a gap, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    pages: VecDeque<Arc<[RecordedEvent]>>,
    events: usize,
    bytes: usize,
}

impl Recent {
    /// Adds the page that follows the last one.
    pub(crate) fn push(&mut self, page: &Page) {
        self.events += page.events.len();
        self.bytes += bytes(&page.events);
        self.pages.push_back(Arc::clone(&page.events));
        while self.pages.len() > 1 && (self.events > EVENTS || self.bytes > BYTES) {
            if let Some(oldest) = self.pages.pop_front() {
                self.events -= oldest.len();
                self.bytes -= bytes(&oldest);
            }
        }
    }

    /// What follows `after`, as far as one page has it; `None` if that is not kept.
    pub(crate) fn after(&self, after: Position) -> Option<Page> {
        let before = |event: &RecordedEvent| event.position <= after;
        let first = self.pages.front()?.first()?;
        if !before(first) && first.position.0 > after.0 + 1 {
            return None;
        }
        let page = (self.pages).partition_point(|page| page.last().is_some_and(before));
        let events = Arc::clone(self.pages.get(page)?);
        Some(Page {
            range: events.partition_point(before)..events.len(),
            events,
        })
    }
}

#[cfg(test)]
mod tests {
    use seriatim_core::{Domain, Payload, Sequence, StreamId, Timestamp};
    use uuid::Uuid;

    use super::*;

    fn page(positions: Range<u64>, size: usize) -> Page {
        let event = |position| RecordedEvent {
            id: Uuid::nil(),
            stream: StreamId::new(Domain::new("order").unwrap(), Uuid::nil()),
            sequence: Sequence(0),
            position: Position(position),
            recorded_at: Timestamp::from_micros(0),
            payload: Payload::json("Noted", vec![b' '; size]),
            metadata: Arc::default(),
        };
        Page::new(positions.map(event).collect())
    }

    fn positions(page: Option<Page>) -> Option<Vec<u64>> {
        Some(
            page?
                .events()
                .iter()
                .map(|event| event.position.0)
                .collect(),
        )
    }

    #[test]
    fn what_is_kept_goes_on_exactly_after_what_was_seen() {
        let mut recent = Recent::default();
        assert_eq!(positions(recent.after(Position(0))), None);
        recent.push(&page(5..8, 0));
        recent.push(&page(8..10, 0));
        for (after, expected) in [
            (0, None),
            (3, None),
            (4, Some(vec![5, 6, 7])),
            (5, Some(vec![6, 7])),
            (7, Some(vec![8, 9])),
            (8, Some(vec![9])),
            (9, None),
            (u64::MAX, None),
        ] {
            assert_eq!(
                positions(recent.after(Position(after))),
                expected,
                "{after}"
            );
        }
    }

    #[test]
    fn the_oldest_go_first_when_there_are_too_many_or_they_are_too_large() {
        let mut recent = Recent::default();
        recent.push(&page(1..100, 0));
        recent.push(&page(100..100 + EVENTS as u64, 0));
        assert_eq!(positions(recent.after(Position(98))), None);
        assert!(recent.after(Position(99)).is_some());
        let end = 100 + EVENTS as u64;
        recent.push(&page(end..end + 1, BYTES + 1));
        assert_eq!(positions(recent.after(Position(end - 2))), None);
        // One page is kept whatever it takes: somebody waits for it.
        assert_eq!(positions(recent.after(Position(end - 1))), Some(vec![end]));
    }
}
