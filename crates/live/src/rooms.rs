//! The rooms that are open in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seriatim_coordinator::Coordinator;
use seriatim_core::{At, Domain, RecordedEvent, Sequence, StoreError, StreamId};

use crate::kind::Kind;
use crate::open_room::OpenRoom;
use crate::telling::Missing;

/// The events that are read at once where some are missing.
const PAGE: usize = 256;

/// All open rooms, by stream.
pub(crate) struct Rooms {
    coordinator: Coordinator,
    kinds: HashMap<Domain, Arc<dyn Kind>>,
    open: Mutex<HashMap<StreamId, Arc<OpenRoom>>>,
}

/// A room with its state loaded. It stays open while this exists.
pub(crate) struct Visit {
    rooms: Arc<Rooms>,
    pub(crate) room: Arc<OpenRoom>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.room.end_visit();
        self.rooms.close_if_empty(&self.room);
    }
}

/// A room that cannot be opened now. The log says why.
#[derive(Debug)]
pub(crate) struct CannotOpen;

impl Rooms {
    pub(crate) fn new(
        coordinator: Coordinator,
        kinds: impl IntoIterator<Item = Arc<dyn Kind>>,
    ) -> Self {
        Self {
            coordinator,
            kinds: (kinds.into_iter().map(|kind| (kind.domain(), kind))).collect(),
            open: Mutex::default(),
        }
    }

    pub(crate) fn kind(&self, domain: &Domain) -> Option<&Arc<dyn Kind>> {
        self.kinds.get(domain)
    }

    pub(crate) fn domains(&self) -> Vec<Domain> {
        self.kinds.keys().cloned().collect()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<StreamId, Arc<OpenRoom>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, stream: &StreamId) -> Option<Arc<OpenRoom>> {
        self.open().get(stream).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.open().len()
    }

    /// Returns the room of a stream, with its state loaded. It misses no event: it is in the map, and so is told of
    /// events, before its state is loaded.
    pub(crate) async fn visit(self: &Arc<Self>, stream: &StreamId) -> Result<Visit, CannotOpen> {
        let visit = Visit {
            rooms: Arc::clone(self),
            room: self.begin_visit(stream),
        };
        let room = &visit.room;
        // If it fails, whoever else waits for it tries by itself.
        room.loaded.get_or_try_init(|| self.load(room)).await?;
        Ok(visit)
    }

    fn begin_visit(&self, stream: &StreamId) -> Arc<OpenRoom> {
        let mut open = self.open();
        if let Some(room) = open.get(stream).filter(|room| room.begin_visit()) {
            return Arc::clone(room);
        }
        let room = Arc::new(OpenRoom::new(stream.clone()));
        room.begin_visit();
        open.insert(stream.clone(), Arc::clone(&room));
        room
    }

    async fn load(&self, room: &OpenRoom) -> Result<(), CannotOpen> {
        let stream = room.stream();
        let kind = self.kind(&stream.domain).ok_or(CannotOpen)?;
        let view = self.coordinator.state(stream, At::Current).await;
        let view = view.map_err(|error| cannot_open(stream, &error.to_string()))?;
        let state = kind.state(stream.root, &view);
        let state = state.map_err(|error| cannot_open(stream, &error.to_string()))?;
        let next = view.sequence.map_or(0, |last| u64::from(last.0) + 1);
        let early = room.begin(state, next);
        let told = self.tell(room, &early).await;
        told.map_err(|error| cannot_open(stream, &error.to_string()))
    }

    /// Delivers events of a stream, in order, to its room, if it is open.
    pub(crate) async fn deliver(
        &self,
        stream: &StreamId,
        events: &[RecordedEvent],
    ) -> Result<(), StoreError> {
        match self.get(stream) {
            Some(room) => self.tell(&room, events).await,
            None => Ok(()),
        }
    }

    /// Brings a room to where its stream is. The log may not have told it yet what another connection, or another
    /// process, knows already.
    pub(crate) async fn catch_up(&self, room: &OpenRoom) -> Result<(), StoreError> {
        while let Ok(next) = u32::try_from(room.next()) {
            let log = self.coordinator.log();
            let events = log.read_stream(room.stream(), Sequence(next), PAGE).await?;
            self.tell(room, &events).await?;
            if events.len() < PAGE || room.is_closed() {
                break;
            }
        }
        Ok(())
    }

    /// Returns whether a user may read a stream as it is now in the store.
    pub(crate) async fn may_read(&self, stream: &StreamId, user: &str) -> bool {
        let Some(kind) = self.kind(&stream.domain) else {
            return false;
        };
        let view = self.coordinator.state(stream, At::Current).await;
        let state = view.map(|view| kind.state(stream.root, &view));
        matches!(state, Ok(Ok(state)) if state.may_read(user))
    }

    /// Events that have become nothing are not among those that the log gives to followers, but sequences have no gaps:
    /// what is missing is read.
    async fn tell(&self, room: &OpenRoom, events: &[RecordedEvent]) -> Result<(), StoreError> {
        while let Err(Missing { from }) = room.deliver(events) {
            let log = self.coordinator.log();
            let missing = log.read_stream(room.stream(), from, PAGE).await?;
            if missing.first().is_none_or(|first| first.sequence != from) {
                tracing::warn!(
                    stream = room.name(),
                    "the log of the stream has a gap, or was replaced"
                );
                room.close();
                return Ok(());
            }
            // They follow on one another, so nothing is missing among them.
            let _ = room.deliver(&missing);
        }
        Ok(())
    }

    /// Forgets a room that nobody is in.
    pub(crate) fn close_if_empty(&self, room: &Arc<OpenRoom>) {
        let mut open = self.open();
        if room.close_if_empty()
            && open
                .get(room.stream())
                .is_some_and(|known| Arc::ptr_eq(known, room))
        {
            open.remove(room.stream());
        }
    }

    /// Closes the room of a stream that cannot be followed, and tells everybody in it.
    pub(crate) fn give_up(&self, stream: &StreamId, error: &str) {
        cannot_open(stream, error);
        if let Some(room) = self.get(stream) {
            room.close();
        }
    }

    /// Closes all rooms, and tells everybody in them.
    pub(crate) fn close_all(&self) {
        let rooms = std::mem::take(&mut *self.open());
        for room in rooms.values() {
            room.close();
        }
    }
}

fn cannot_open(stream: &StreamId, error: &str) -> CannotOpen {
    let stream = stream.to_string();
    tracing::warn!(stream, error, "a stream cannot be followed");
    CannotOpen
}
