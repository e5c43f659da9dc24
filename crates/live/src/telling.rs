//! What one room tells, and to whom.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use seriatim_core::{RecordedEvent, Sequence};

use crate::event_json;
use crate::frames::{ServerFrame, WhyLeft};
use crate::kind::State;
use crate::outbox::{Outbox, Push, Pushed, Ticket};

/// The bytes of events after which a frame is sent, though more events follow.
const FRAME_BYTES: usize = 64 * 1024;

/// The state of a stream as of the last event that was told, and those who are told.
#[derive(Default)]
pub(crate) struct Telling {
    /// `None` while it is loaded.
    pub(crate) state: Option<Box<dyn State>>,
    /// The sequence of the next event to be told.
    pub(crate) next: u64,
    /// Events that came while the state was loaded.
    pub(crate) early: Vec<RecordedEvent>,
    members: HashMap<Ticket, Member>,
    /// Those who are on their way in: it is not closed while there are any.
    pub(crate) visits: usize,
    /// True if no event will be told any more.
    pub(crate) is_closed: bool,
}

/// A membership of a connection.
struct Member {
    ticket: Ticket,
    user: Arc<str>,
    outbox: Outbox,
}

impl Member {
    fn push(&self, what: Pushed) {
        let ticket = self.ticket;
        self.outbox.push(Push { ticket, what });
    }
}

/// A user that was let in.
pub(crate) struct Entered {
    /// The sequence of the first event that will be pushed.
    pub(crate) next: u64,
    /// What the user is shown of the state before it, as JSON.
    pub(crate) view: String,
}

/// The reason why a user was not let in.
pub(crate) enum NoEntry {
    /// The user may not read the stream.
    Denied,
    /// The room was closed meanwhile: open another.
    Closed,
    /// The state cannot be shown.
    Broken(String),
}

/// An event is missing before the one that came: the one with this sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) from: Sequence,
}

impl Telling {
    /// Returns whether a user may read the stream now.
    pub(crate) fn admits(&self, user: &str) -> bool {
        let state = self.state.as_ref();
        state.is_some_and(|state| state.may_read(user))
    }

    pub(crate) fn look(&self, user: &str) -> Result<Entered, NoEntry> {
        let state = match &self.state {
            Some(state) if !self.is_closed => state,
            Some(_) | None => return Err(NoEntry::Closed),
        };
        if !state.may_read(user) {
            return Err(NoEntry::Denied);
        }
        Ok(Entered {
            next: self.next,
            view: state.view(user).map_err(NoEntry::Broken)?,
        })
    }

    pub(crate) fn enter(
        &mut self,
        ticket: Ticket,
        user: &Arc<str>,
        outbox: &Outbox,
    ) -> Result<Entered, NoEntry> {
        let entered = self.look(user)?;
        let member = Member {
            ticket,
            user: Arc::clone(user),
            outbox: outbox.clone(),
        };
        self.members.insert(ticket, member);
        Ok(entered)
    }

    pub(crate) fn leave(&mut self, ticket: Ticket) {
        self.members.remove(&ticket);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn reach(&self, ticket: Ticket) -> Option<u64> {
        self.members.contains_key(&ticket).then_some(self.next)
    }

    pub(crate) fn deliver(&mut self, name: &str, events: &[RecordedEvent]) -> Result<(), Missing> {
        let mut told = Vec::new();
        let mut bytes = 0;
        let mut delivered = Ok(());
        for event in events {
            let sequence = u64::from(event.sequence.0);
            if self.is_closed || sequence < self.next {
                continue;
            }
            if sequence > self.next {
                // It is below the sequence of an event, so it is one.
                let from = Sequence(u32::try_from(self.next).unwrap_or(u32::MAX));
                delivered = Err(Missing { from });
                break;
            }
            let state = self.state.as_mut().expect("it is loaded");
            if let Err(error) = state.evolve(event) {
                tracing::error!(
                    stream = name,
                    sequence,
                    error,
                    "nobody can follow the stream: an event cannot be read"
                );
                self.tell(name, &mut told);
                self.break_off();
                break;
            }
            self.next += 1;
            let json = event_json::to_json(event);
            bytes += json.len();
            told.push(json);
            if bytes >= FRAME_BYTES || self.any_is_shut_out() {
                self.tell(name, &mut told);
                bytes = 0;
                self.shut_out();
            }
        }
        self.tell(name, &mut told);
        delivered
    }

    fn tell(&self, name: &str, told: &mut Vec<String>) {
        if !told.is_empty() && !self.members.is_empty() {
            self.push(&ServerFrame::Events { stream: name }.with_events(told));
        }
        told.clear();
    }

    pub(crate) fn push(&self, frame: &Utf8Bytes) {
        for member in self.members.values() {
            member.push(Pushed::Frame(frame.clone()));
        }
    }

    fn any_is_shut_out(&self) -> bool {
        self.members
            .values()
            .any(|member| !self.admits(&member.user))
    }

    /// Lets out those who may not read the stream any more. They have got the event that says so.
    fn shut_out(&mut self) {
        let members = std::mem::take(&mut self.members);
        let (stay, go): (HashMap<_, _>, HashMap<_, _>) =
            (members.into_iter()).partition(|(_, member)| self.admits(&member.user));
        self.members = stay;
        for member in go.values() {
            member.push(Pushed::Left(WhyLeft::Removed));
        }
    }

    pub(crate) fn break_off(&mut self) {
        self.is_closed = true;
        for (_, member) in self.members.drain() {
            member.push(Pushed::Left(WhyLeft::Broken));
        }
    }
}
