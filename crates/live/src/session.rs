//! What one connection has joined, and what it is answered.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::StreamId;
use seriatim_security::Principal;

use crate::answer::Asked;
use crate::ended::Ended;
use crate::frames::{Read, Reason, Refused, ServerFrame, Signal, WhyLeft};
use crate::gateway::Gateway;
use crate::hello::may_connect;
use crate::history;
use crate::open_room::OpenRoom;
use crate::outbox::{Outbox, Push, Pushed, Ticket};
use crate::users::Counted;
use crate::writer::Writer;

/// One connection, once it is known whose it is.
pub(crate) struct Session {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) user: Arc<str>,
    pub(crate) principal: Principal,
    pub(crate) counted: Counted,
    pub(crate) outbox: Outbox,
    pub(crate) joined: HashMap<StreamId, Joined>,
    pub(crate) tickets: HashMap<Ticket, StreamId>,
}

/// A stream that a connection has joined.
pub(crate) struct Joined {
    pub(crate) room: Arc<OpenRoom>,
    pub(crate) ticket: Ticket,
}

impl Session {
    /// Remembers a membership.
    pub(crate) fn has_joined(&mut self, room: Arc<OpenRoom>, ticket: Ticket) {
        let stream = room.stream().clone();
        self.gateway.presence.enter(&stream, &self.user);
        self.tickets.insert(ticket, stream.clone());
        self.joined.insert(stream, Joined { room, ticket });
    }

    /// Ends a membership, if there is one.
    pub(crate) fn forget(&mut self, stream: &StreamId) {
        if let Some(Joined { room, ticket }) = self.joined.remove(stream) {
            self.tickets.remove(&ticket);
            room.leave(ticket);
            self.gateway.presence.leave(stream, &self.user);
            self.gateway.rooms.close_if_empty(&room);
        }
    }

    pub(crate) async fn leave(
        &mut self,
        stream: &StreamId,
        why: WhyLeft,
        writer: &mut Writer,
    ) -> Result<(), Ended> {
        self.forget(stream);
        let stream = &stream.to_string();
        writer
            .send(ServerFrame::Left { stream, why }.encode())
            .await
    }

    /// Hands on what a room has pushed.
    pub(crate) async fn pushed(&mut self, push: Push, writer: &mut Writer) -> Result<(), Ended> {
        let Some(stream) = self.tickets.get(&push.ticket) else {
            return Ok(());
        };
        match push.what {
            Pushed::Frame(frame) => writer.add(frame).await,
            Pushed::Left(why) => {
                let stream = stream.clone();
                self.leave(&stream, why, writer).await
            }
        }
    }

    /// Goes on with other rights. Streams that they do not reach any more are left.
    pub(crate) async fn become_now(
        &mut self,
        principal: Principal,
        writer: &mut Writer,
    ) -> Result<(), Ended> {
        self.counted.renew(&principal, &self.gateway.settings);
        self.principal = principal;
        let joined: Vec<StreamId> = self.joined.keys().cloned().collect();
        for stream in joined {
            if !self.gateway.may_follow(&self.principal, &stream.domain) {
                self.leave(&stream, WhyLeft::Removed, writer).await?;
            }
        }
        may_connect(&self.principal)
    }

    /// Returns where the live events of a stream have got to: the sequence of the next one. `None` if the connection
    /// has not joined it, or has been shut out and was not told yet.
    fn reach(&self, stream: &StreamId) -> Option<u64> {
        let joined = self.joined.get(stream)?;
        joined.room.reach(joined.ticket)
    }

    /// Answers a request for a part of a stream. It ends where live events have got to, so that a user that may not read
    /// what comes after gets none of it.
    pub(crate) async fn read(&self, read: Read, writer: &mut Writer) -> Result<(), Ended> {
        let asked = Asked {
            r#ref: read.r#ref,
            stream: read.stream.0.to_string(),
        };
        let refuse =
            |reason, message: &str| ServerFrame::Refused(asked.refused(reason, message)).encode();
        let Some(next) = self.reach(&read.stream.0) else {
            return writer
                .send(refuse(Reason::Denied, "join the stream first"))
                .await;
        };
        let (from, through) = (u64::from(read.from), u64::from(read.through));
        if through < from {
            let message = "`through` must not be less than `from`";
            return writer.send(refuse(Reason::Invalid, message)).await;
        }
        let page = self.gateway.settings.page as u64;
        let end = (through + 1).min(from + page).min(next);
        let log = self.gateway.log();
        let answer = match history::forwards(log, &read.stream.0, from, end).await {
            Ok(part) => ServerFrame::Page {
                r#ref: asked.r#ref,
                stream: &asked.stream,
            }
            .with_events(&part.events),
            Err(error) => {
                tracing::warn!(
                    stream = asked.stream,
                    error = error.to_string(),
                    "cannot be read"
                );
                let refused = Refused {
                    retry_after_ms: Some(500),
                    ..asked.refused(Reason::Unavailable, "this cannot be read now; ask again")
                };
                ServerFrame::Refused(refused).encode()
            }
        };
        writer.send(answer).await
    }

    /// Shows a signal to those who have joined. One that nobody would see is dropped.
    pub(crate) fn signal(&self, signal: &Signal) -> Result<(), Ended> {
        let Signal {
            stream,
            signal,
            for_ms,
        } = signal;
        if self.reach(&stream.0).is_none() || self.counted.send_one().is_err() {
            return Ok(());
        }
        let lasts = Duration::from_millis(*for_ms);
        let shown = (self.gateway.presence).show(&stream.0, &self.user, signal, lasts);
        shown.map_err(Ended::protocol)
    }

    pub(crate) fn pong(&self) -> axum::extract::ws::Utf8Bytes {
        let heads = self.joined.values().filter_map(|joined| {
            let last = joined.room.reach(joined.ticket)?.checked_sub(1)?;
            Some((joined.room.name().to_owned(), u32::try_from(last).ok()?))
        });
        let heads: BTreeMap<String, u32> = heads.collect();
        ServerFrame::Pong { heads }.encode()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let joined: Vec<StreamId> = self.joined.keys().cloned().collect();
        for stream in joined {
            self.forget(&stream);
        }
    }
}
