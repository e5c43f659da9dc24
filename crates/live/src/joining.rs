//! Joins a stream: history and live events without a gap between them and without a repeat.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use serde_json::value::RawValue;
use seriatim_core::{Sequence, StoreError, StreamId};

use crate::ended::Ended;
use crate::frames::{Join, Place, ServerFrame, WhyLeft, WhyResync};
use crate::history::{self, Part};
use crate::open_room::OpenRoom;
use crate::session::Session;
use crate::telling::{Entered, NoEntry};
use crate::writer::Writer;

/// The events that a client begins with if it does not say.
const LIMIT: usize = 50;
/// How often a room is opened again that was closed just then.
const ATTEMPTS: usize = 5;

/// The reason why a stream was not joined.
enum NotJoined {
    Denied,
    /// The room was closed just when we came.
    Closed,
    Resync(WhyResync),
    Left(WhyLeft),
    Ended(Ended),
}

impl From<Ended> for NotJoined {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

impl From<StoreError> for NotJoined {
    fn from(error: StoreError) -> Self {
        tracing::warn!(error = error.to_string(), "a stream cannot be joined now");
        Self::Left(WhyLeft::Broken)
    }
}

impl From<NoEntry> for NotJoined {
    fn from(reason: NoEntry) -> Self {
        match reason {
            NoEntry::Denied => Self::Denied,
            NoEntry::Closed => Self::Closed,
            NoEntry::Broken(error) => {
                tracing::error!(error, "the view of a state cannot be shown");
                Self::Left(WhyLeft::Broken)
            }
        }
    }
}

impl Session {
    /// Joins a stream, or says why not.
    pub(crate) async fn join(&mut self, join: Join, writer: &mut Writer) -> Result<(), Ended> {
        let stream = join.stream.0.clone();
        // Joining again begins again.
        self.forget(&stream);
        let name = &stream.to_string();
        let frame = match self.try_to_join(&stream, join, writer).await {
            Ok(()) => return Ok(()),
            Err(NotJoined::Ended(ended)) => return Err(ended),
            Err(NotJoined::Denied) => ServerFrame::Denied { stream: name },
            Err(NotJoined::Resync(why)) => ServerFrame::Resync { stream: name, why },
            Err(NotJoined::Left(why)) => ServerFrame::Left { stream: name, why },
            Err(NotJoined::Closed) => {
                let why = WhyLeft::Broken;
                ServerFrame::Left { stream: name, why }
            }
        };
        self.forget(&stream);
        writer.send(frame.encode()).await
    }

    async fn try_to_join(
        &mut self,
        stream: &StreamId,
        join: Join,
        writer: &mut Writer,
    ) -> Result<(), NotJoined> {
        if !(self.gateway).may_follow(&self.principal, &stream.domain) {
            return Err(NotJoined::Denied);
        }
        if self.joined.len() >= self.gateway.settings.streams {
            return Err(NotJoined::Left(WhyLeft::TooMany));
        }
        for _ in 0..ATTEMPTS {
            let visit = self.gateway.rooms.visit(stream).await;
            let visit = visit.map_err(|_| NotJoined::Left(WhyLeft::Broken))?;
            let room = &visit.room;
            self.make_current(room, join.after.as_ref()).await?;
            let joined = match &join.after {
                Some(place) => self.resume(room, place, writer).await,
                None => self.begin(room, join.limit.unwrap_or(LIMIT), writer).await,
            };
            if !matches!(joined, Err(NotJoined::Closed)) {
                return joined;
            }
            self.forget(stream);
        }
        Err(NotJoined::Closed)
    }

    /// Brings a room that others are in to where its stream is, if it is behind what the client knows, or what lets the
    /// user in may have come just now.
    async fn make_current(&self, room: &OpenRoom, after: Option<&Place>) -> Result<(), StoreError> {
        let is_behind = after.is_some_and(|place| room.next() <= u64::from(place.sequence));
        match is_behind || !room.admits(&self.user) {
            true => self.gateway.rooms.catch_up(room).await,
            false => Ok(()),
        }
    }

    /// Joins with the newest events.
    async fn begin(
        &mut self,
        room: &Arc<OpenRoom>,
        limit: usize,
        writer: &mut Writer,
    ) -> Result<(), NotJoined> {
        let entered = self.enter(room)?;
        let limit = limit.min(self.gateway.settings.page);
        let part = history::newest(self.gateway.log(), room.stream(), entered.next, limit).await?;
        Ok(writer.send(joined(room, false, &entered, &part)?).await?)
    }

    /// Joins after an event that the client has seen.
    async fn resume(
        &mut self,
        room: &Arc<OpenRoom>,
        place: &Place,
        writer: &mut Writer,
    ) -> Result<(), NotJoined> {
        let entered = room.look(&self.user)?;
        self.check(room.stream(), place).await?;
        let mut is_told = false;
        let followed = self.follow(room, entered, place, &mut is_told, writer);
        match followed.await {
            // Something was told, so it cannot begin anew.
            Err(NotJoined::Closed) if is_told => Err(NotJoined::Left(WhyLeft::Broken)),
            Err(NotJoined::Denied) if is_told => Err(NotJoined::Left(WhyLeft::Removed)),
            followed => followed,
        }
    }

    /// Tells everything after a place, and lets it in.
    async fn follow(
        &mut self,
        room: &Arc<OpenRoom>,
        mut entered: Entered,
        place: &Place,
        is_told: &mut bool,
        writer: &mut Writer,
    ) -> Result<(), NotJoined> {
        let mut next = u64::from(place.sequence) + 1;
        let page = self.gateway.settings.page as u64;
        // Nothing is pushed while the client is far behind: its queue would run over.
        while entered.next.saturating_sub(next) > page {
            let part = self.part(room, next, next + page).await?;
            next += part.events.len() as u64;
            writer
                .send(follows(room, is_told, &entered, &part)?)
                .await?;
            entered = room.look(&self.user)?;
        }
        let entered = self.enter(room)?;
        while next < entered.next || !*is_told {
            let part = self.part(room, next, entered.next).await?;
            next += part.events.len() as u64;
            writer
                .send(follows(room, is_told, &entered, &part)?)
                .await?;
        }
        Ok(())
    }

    /// Returns events of a stream that has all of them.
    async fn part(&self, room: &OpenRoom, from: u64, end: u64) -> Result<Part, NotJoined> {
        let part = history::forwards(self.gateway.log(), room.stream(), from, end).await?;
        match part.events.is_empty() && from < end {
            // The log was replaced under us.
            true => Err(NotJoined::Left(WhyLeft::Broken)),
            false => Ok(part),
        }
    }

    /// Lets it in. Every event from the returned one on is pushed.
    fn enter(&mut self, room: &Arc<OpenRoom>) -> Result<Entered, NotJoined> {
        let ticket = self.gateway.ticket();
        let entered = room.enter(ticket, &self.user, &self.outbox)?;
        self.has_joined(Arc::clone(room), ticket);
        Ok(entered)
    }

    /// Fails if the stream does not have the event. A log that was restored from a backup has the same identity and may
    /// have another event there.
    async fn check(&self, stream: &StreamId, place: &Place) -> Result<(), NotJoined> {
        let log = self.gateway.log();
        if log.id().to_string() != place.epoch {
            return Err(NotJoined::Resync(WhyResync::OtherLog));
        }
        let events = log.read_stream(stream, Sequence(place.sequence), 1).await?;
        let is_there = events
            .first()
            .is_some_and(|event| event.sequence.0 == place.sequence && event.id == place.event);
        match is_there {
            true => Ok(()),
            false => Err(NotJoined::Resync(WhyResync::UnknownPlace)),
        }
    }
}

/// The first part is in the answer, the others follow it.
fn follows(
    room: &OpenRoom,
    is_told: &mut bool,
    entered: &Entered,
    part: &Part,
) -> Result<Utf8Bytes, NotJoined> {
    if *is_told {
        let stream = room.name();
        return Ok(ServerFrame::Events { stream }.with_events(&part.events));
    }
    *is_told = true;
    joined(room, true, entered, part)
}

fn joined(
    room: &OpenRoom,
    recovered: bool,
    entered: &Entered,
    part: &Part,
) -> Result<Utf8Bytes, NotJoined> {
    let head = entered.next.checked_sub(1);
    let view: &RawValue =
        serde_json::from_str(&entered.view).map_err(|error| NoEntry::Broken(error.to_string()))?;
    let frame = ServerFrame::Joined {
        stream: room.name(),
        recovered,
        head: head.and_then(|head| u32::try_from(head).ok()),
        view,
    };
    Ok(frame.with_events(&part.events))
}
