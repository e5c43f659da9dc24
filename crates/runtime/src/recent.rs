//! Keeps the latest pages of a partition for a while, for subscribers that are a little behind.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use seriatim_core::{Bookmark, Position, RecordedEvent};

use crate::page_size::{LARGEST, TARGET, bytes};

/// The number of events that are kept, if they are small.
const EVENTS: usize = 10_000;
/// The number of bytes of payload that are kept, besides the last page.
const BYTES: usize = 16 << 20;

/// Consecutive events of the log, shared by all readers.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    parts: Vec<Part>,
}

/// Some or all of the events of one read. It is never empty.
#[derive(Clone, Debug)]
struct Part {
    events: Arc<[RecordedEvent]>,
    range: Range<usize>,
}

impl Page {
    /// Makes a page. Returns `None` if there are no events.
    pub(crate) fn new(events: Vec<RecordedEvent>) -> Option<Self> {
        let all = Part {
            range: 0..events.len(),
            events: events.into(),
        };
        (!all.range.is_empty()).then(|| Self { parts: vec![all] })
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = &RecordedEvent> {
        self.parts.iter().flat_map(Part::events)
    }

    /// Keeps the first `count` events.
    pub(crate) fn truncate(&mut self, mut count: usize) {
        self.parts.retain_mut(|part| {
            part.range.end = part.range.end.min(part.range.start + count);
            count -= part.range.len();
            !part.range.is_empty()
        });
    }

    pub(crate) fn last(&self) -> Option<&RecordedEvent> {
        self.parts.last()?.events().last()
    }
}

impl Part {
    fn events(&self) -> &[RecordedEvent] {
        &self.events[self.range.clone()]
    }
}

/// Pages that follow one another without a gap, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// The place that the first page follows.
    after: Bookmark,
    pages: VecDeque<Arc<[RecordedEvent]>>,
    events: usize,
    bytes: usize,
}

impl Recent {
    /// Makes an empty one whose first page will follow this place.
    pub(crate) fn following(after: Bookmark) -> Self {
        Self {
            after,
            ..Self::default()
        }
    }

    /// Adds the page that follows the last one.
    pub(crate) fn push(&mut self, page: Page) {
        for Part { events, .. } in page.parts {
            self.events += events.len();
            self.bytes += bytes(&events);
            self.pages.push_back(events);
        }
        while self.pages.len() > 1 && (self.events > EVENTS || self.bytes > BYTES) {
            if let Some(oldest) = self.pages.pop_front() {
                let last = oldest.last().expect("no page is empty");
                (self.after.position, self.after.event) = (last.position, Some(last.id));
                self.events -= oldest.len();
                self.bytes -= bytes(&oldest);
            }
        }
    }

    /// Returns as many events after `after` as make a page. Returns `None` if they are not kept, or if another event is
    /// at that place.
    ///
    /// Pages are joined, because at the end of the log they are as small as commits are. A reader whose step takes
    /// longer than the time between two commits would otherwise fall further and further behind.
    pub(crate) fn after(&self, after: &Bookmark) -> Option<Page> {
        let before = |event: &RecordedEvent| event.position <= after.position;
        if after.position < self.after.position || !self.is_at(after) {
            return None;
        }
        let begin = (self.pages).partition_point(|page| page.last().is_some_and(before));
        let (mut events, mut size) = (0, 0);
        let room = |page: &&Arc<[RecordedEvent]>| {
            let first = events == 0;
            (events, size) = (events + page.len(), size + bytes(page));
            first || (events <= LARGEST && size <= TARGET)
        };
        let pages = self.pages.range(begin..).take_while(room);
        let parts: Vec<_> = (pages.map(Arc::clone))
            .map(|events| Part {
                range: events.partition_point(before)..events.len(),
                events,
            })
            .collect();
        (!parts.is_empty()).then_some(Page { parts })
    }

    /// Returns true if the event at a place is the one that was read there, or if either is unknown.
    fn is_at(&self, place: &Bookmark) -> bool {
        let read = match place.position == self.after.position {
            true => self.after.event,
            false => self.event_at(place.position).map(|event| event.id),
        };
        read.is_none() || place.event.is_none() || read == place.event
    }

    fn event_at(&self, position: Position) -> Option<&RecordedEvent> {
        let before =
            |page: &Arc<[RecordedEvent]>| page.last().is_some_and(|last| last.position < position);
        let page = self.pages.get(self.pages.partition_point(before))?;
        let index = page
            .binary_search_by_key(&position, |event| event.position)
            .ok()?;
        page.get(index)
    }
}

#[cfg(test)]
mod tests {
    use seriatim_core::{Domain, Payload, Sequence, StreamId, Timestamp};
    use uuid::Uuid;

    use super::*;

    fn page(positions: Range<u64>, size: usize) -> Page {
        let event = |position| RecordedEvent {
            id: Uuid::from_u128(u128::from(position)),
            stream: StreamId::new(Domain::new("order").unwrap(), Uuid::nil()),
            sequence: Sequence(0),
            position: Position(position),
            recorded_at: Timestamp::from_micros(0),
            payload: Payload::json("Noted", vec![b' '; size]),
            metadata: Arc::default(),
        };
        Page::new(positions.map(event).collect()).unwrap()
    }

    fn positions(page: Option<Page>) -> Option<Vec<u64>> {
        Some(page?.events().map(|event| event.position.0).collect())
    }

    #[test]
    fn what_is_kept_goes_on_exactly_after_what_was_seen() {
        let mut recent = Recent::following(Bookmark::at(Position(4)));
        assert_eq!(positions(recent.after(&Bookmark::START)), None);
        recent.push(page(5..8, 0));
        recent.push(page(8..10, 0));
        for (after, expected) in [
            (0, None),
            (3, None),
            (4, Some(vec![5, 6, 7, 8, 9])),
            (5, Some(vec![6, 7, 8, 9])),
            (7, Some(vec![8, 9])),
            (8, Some(vec![9])),
            (9, None),
            (u64::MAX, None),
        ] {
            assert_eq!(
                positions(recent.after(&Bookmark::at(Position(after)))),
                expected,
                "{after}"
            );
        }
    }

    #[test]
    fn the_oldest_go_first_when_there_are_too_many_or_they_are_too_large() {
        let mut recent = Recent::default();
        recent.push(page(1..100, 0));
        recent.push(page(100..100 + EVENTS as u64, 0));
        assert_eq!(positions(recent.after(&Bookmark::at(Position(98)))), None);
        assert!(recent.after(&Bookmark::at(Position(99))).is_some());
        let end = 100 + EVENTS as u64;
        recent.push(page(end..end + 1, BYTES + 1));
        assert_eq!(
            positions(recent.after(&Bookmark::at(Position(end - 2)))),
            None
        );
        // One page is kept however large it is, because somebody waits for it.
        assert_eq!(
            positions(recent.after(&Bookmark::at(Position(end - 1)))),
            Some(vec![end])
        );
    }

    #[test]
    fn pages_are_joined_up_to_the_size_of_one() {
        let mut recent = Recent::default();
        let small = LARGEST as u64 / 2;
        for begin in [1, 1 + small, 1 + 2 * small] {
            recent.push(page(begin..begin + small, 0));
        }
        recent.push(page(1 + 3 * small..2 + 3 * small, TARGET + 1));
        let last = |after| {
            recent
                .after(&Bookmark::at(Position(after)))
                .and_then(|page| Some(page.last()?.position))
        };
        assert_eq!(last(0), Some(Position(2 * small)));
        // The rest of the first page makes no room for another one.
        assert_eq!(last(small - 1), Some(Position(2 * small)));
        assert_eq!(last(2 * small), Some(Position(3 * small)));
        // One event is returned however large it is.
        assert_eq!(last(3 * small), Some(Position(3 * small + 1)));
    }

    #[test]
    fn of_joined_pages_the_first_events_can_be_kept() {
        let mut recent = Recent::default();
        recent.push(page(1..3, 0));
        recent.push(page(3..6, 0));
        for (count, expected) in [
            (0, vec![]),
            (1, vec![2]),
            (3, vec![2, 3, 4]),
            (9, vec![2, 3, 4, 5]),
        ] {
            let mut page = recent.after(&Bookmark::at(Position(1)));
            page.as_mut().unwrap().truncate(count);
            assert_eq!(positions(page), Some(expected));
        }
    }
}
