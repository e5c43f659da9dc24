//! Reads the events of a stream in pieces, as the client takes them.

use std::collections::VecDeque;

use futures::stream::{self, BoxStream, StreamExt};
use prost::Message;
use seriatim_coordinator::Coordinator;
use seriatim_core::{Log, RecordedEvent, Sequence, StoreError, StreamId};
use seriatim_proto::convert::{self, Invalid};
use seriatim_proto::v1;
use seriatim_security::Verb;
use tonic::Status;
use uuid::Uuid;

use super::{check_domain, status, store_status};
use crate::call::Call;
use crate::method::{LARGE, PAGE};
use crate::ration::Held;

/// The number of events that are read from the store at first: as many of the largest that the default `Limits` allow
/// are [`LARGE`].
const FIRST_PIECE_EVENTS: usize = 2;
/// The most events that are read at once. The next events may be larger than those before, but the store is asked for a
/// number.
const MOST_PIECE_EVENTS: usize = 64;
/// The most that the number of events may grow by after a piece, as a factor, for the same reason.
const PIECE_GROWTH: usize = 2;
/// The size of a piece's payloads, if they are as large as those of the piece before.
const PIECE_BYTES: usize = PAGE / 2;
/// The size of the events of one book, unless it is a single event.
const BOOK_BYTES: usize = 64 * 1024;

/// One read of a stream.
pub(super) struct EventStream {
    log: Log,
    call: Call,
    /// The room for events that are read and not yet sent. Each book takes its part of it along.
    held: Option<Held>,
    stream: StreamId,
    /// The next event to read from the store; `None` if there is none.
    next: Option<Sequence>,
    through: Sequence,
    /// The number of events to read at once.
    piece_events: usize,
    /// The events that are read and not yet sent.
    read: VecDeque<RecordedEvent>,
    /// The next event to send.
    from: Sequence,
}

/// Returns the sequence of the last event of a stream; `None` if it has none.
async fn current(
    coordinator: &Coordinator,
    stream: &StreamId,
) -> Result<Option<Sequence>, StoreError> {
    let before = stream.root.as_u128().checked_sub(1).map(Uuid::from_u128);
    let before = before.map(|root| StreamId::new(stream.domain.clone(), root));
    let store = coordinator.store();
    let found = store
        .streams(Some(&stream.domain), before.as_ref(), 1)
        .await?;
    let found = found.first().filter(|found| found.stream == *stream);
    Ok(found.map(|found| found.current))
}

impl EventStream {
    /// Reads the first piece. Fails if the call cannot be answered.
    pub(super) async fn open(
        coordinator: &Coordinator,
        call: Call,
        request: &v1::GetEventsRequest,
    ) -> Result<Self, Status> {
        let stream = convert::stream(request.cover.as_ref()).map_err(status)?;
        call.caller().check(Verb::Read, Some(&stream.domain))?;
        let from = Sequence(request.from_sequence.unwrap_or_default());
        let through = request.through_sequence.map_or(Sequence::MAX, Sequence);
        if through < from {
            let description = format!("{through} is before `from_sequence`, {from}");
            return Err(status(Invalid::field("through_sequence", description)));
        }
        let from = match request.last {
            None => from,
            Some(0) => {
                let description = "0 events; ask for one at least";
                return Err(status(Invalid::field("last", description)));
            }
            Some(last) => {
                let current = current(coordinator, &stream).await.map_err(store_status)?;
                let end = Sequence::count(current.map(|current| current.min(through)));
                let first = end.saturating_sub(u64::from(last));
                from.max(Sequence(u32::try_from(first).unwrap_or(u32::MAX)))
            }
        };
        let mut events = Self {
            log: coordinator.log().clone(),
            call,
            held: None,
            stream,
            next: Some(from),
            through,
            piece_events: FIRST_PIECE_EVENTS,
            read: VecDeque::new(),
            from,
        };
        events.read_piece(LARGE).await?;
        if events.read.is_empty() {
            check_domain(coordinator, &events.stream.domain, events.call.caller())?;
        }
        Ok(events)
    }

    /// Returns the events in books; if there are none, returns one book without pages.
    pub(super) fn books(mut self) -> BoxStream<'static, Result<v1::GetEventsResponse, Status>> {
        let first = self.book();
        let rest = stream::unfold(Some(self), |events| async {
            let mut events = events?;
            match events.next_book().await {
                Ok(Some(book)) => Some((Ok(book), Some(events))),
                Ok(None) => None,
                Err(status) => Some((Err(status), None)),
            }
        });
        stream::iter([Ok(first)]).chain(rest).boxed()
    }

    async fn next_book(&mut self) -> Result<Option<v1::GetEventsResponse>, Status> {
        // The right may have been taken away since.
        (self.call.caller()).check(Verb::Read, Some(&self.stream.domain))?;
        if self.read.is_empty() {
            self.read_piece(PAGE).await?;
        }
        Ok((!self.read.is_empty()).then(|| self.book()))
    }

    /// Reads the next piece when there is room for this many bytes.
    async fn read_piece(&mut self, bytes: usize) -> Result<(), Status> {
        let Some(next) = self.next else {
            return Ok(());
        };
        // A call that waits for room holds none, so that none waits for another.
        self.held = None;
        let mut held = self.call.unread().wait(bytes).await;
        let wanted = u64::from(self.through.0) - u64::from(next.0) + 1;
        let limit = usize::try_from(wanted)
            .unwrap_or(usize::MAX)
            .min(self.piece_events);
        let events = self.log.read_stream(&self.stream, next, limit).await;
        self.read = events.map_err(store_status)?.into();
        self.next = match self.read.back() {
            Some(last) if self.read.len() == limit && last.sequence < self.through => {
                Sequence::after(Some(last.sequence)).ok()
            }
            Some(_) | None => None,
        };
        let bytes: usize = self.read.iter().map(|event| event.payload.data.len()).sum();
        held.settle(PAGE.max(bytes));
        self.held = Some(held);
        let fitting = PIECE_BYTES * self.read.len() / bytes.max(1);
        let most = MOST_PIECE_EVENTS.min(self.piece_events * PIECE_GROWTH);
        self.piece_events = fitting.clamp(1, most);
        Ok(())
    }

    fn book(&mut self) -> v1::GetEventsResponse {
        let mut pages: Vec<v1::EventPage> = Vec::new();
        let mut bytes = 0;
        while bytes < BOOK_BYTES
            && let Some(event) = self.read.pop_front()
        {
            let page = v1::EventPage::from(&event);
            bytes += page.encoded_len();
            pages.push(page);
        }
        let book = convert::event_book(&self.stream, pages, self.from);
        self.from = Sequence(book.next_sequence);
        let response = v1::GetEventsResponse { book: Some(book) };
        if let Some(held) = &mut self.held {
            self.call.add_room(held.split(response.encoded_len()));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use seriatim_core::Limits;

    use super::*;

    #[test]
    fn the_first_events_are_as_large_as_is_assumed_at_most() {
        assert_eq!(FIRST_PIECE_EVENTS * Limits::default().event_bytes, LARGE);
    }
}
