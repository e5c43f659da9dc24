//! Bounds the messages of a call, in bytes and in time, while they arrive and before anything of them is read.
//!
//! tonic makes room for a message as soon as its length is known, and waits for it without end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::{Body as _, Frame, SizeHint};
use hyper::body::{Bytes, Incoming};
use seriatim_core::SubmitError;
use seriatim_proto::convert::Invalid;
use seriatim_proto::status::WireError;
use tonic::Status;

use crate::entry::Entry;
use crate::frames::{Frames, Malformed};
use crate::meter::{self, NotRead};
use crate::ration::{Held, Ration};
use crate::request_time::RequestTime;

/// The time that the rest of a refused request may take to come; it is thrown away.
const REST_TIME: Duration = Duration::from_secs(1);
/// The time after which to send again if there was no room.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// The number of messages that a call has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Messages {
    /// One, and the client says that it was the last.
    One,
    /// Any number, with any time between them.
    Any,
}

/// The messages that a client sends in one call, while they arrive.
#[derive(Debug)]
pub(crate) struct Arriving {
    body: Incoming,
    messages: Messages,
    frames: Frames,
    ration: Ration,
    /// The room of the message that is arriving. A message that came in one piece is counted only if it waits, to be in
    /// work or for room for its answer, or if it belongs to a call with any number of messages.
    held: Option<Held>,
    /// The room of the messages that are complete. A single message has it until it runs, others until the next are
    /// asked for.
    complete: Option<Held>,
    time: Duration,
    /// The time in which the arriving message must be complete, or in which the rest of a refused one is thrown away.
    left: RequestTime,
    /// The wait that a complete request must go through, if there is one.
    entry: Option<Entry>,
    is_complete: bool,
    /// Once set, nothing more is read; the rest is thrown away, and this is the answer.
    refusal: Option<Status>,
    most_bytes: usize,
    thrown_away: usize,
}

impl Arriving {
    pub(crate) fn new(
        body: Incoming,
        messages: Messages,
        most_bytes: usize,
        ration: Ration,
        time: Duration,
        entry: Option<Entry>,
    ) -> Self {
        let refusal = entry.as_ref().and_then(Entry::refusal);
        let mut arriving = Self {
            body,
            messages,
            frames: Frames::new(most_bytes),
            ration,
            held: None,
            complete: None,
            time,
            left: RequestTime::new(time),
            entry,
            is_complete: false,
            refusal: None,
            most_bytes,
            thrown_away: 0,
        };
        if let Some(refusal) = refusal {
            arriving.refuse(refusal);
        }
        arriving
    }

    /// Returns `true` if the client still has to send something.
    fn is_awaited(&self) -> bool {
        self.messages == Messages::One || self.frames.unfinished().is_some()
    }

    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        if !self.is_awaited() {
            return Poll::Pending;
        }
        ready!(self.left.poll(cx));
        meter::not_read(NotRead::TooSlow);
        let wrong = format!(
            "was not complete after {} ms; nothing was done, send it faster",
            self.time.as_millis()
        );
        Poll::Ready(Invalid::field("request", wrong).to_status())
    }

    /// Looks at the next bytes. Returns how many of them may be read, and the reason if not all may.
    fn look_at(&mut self, data: &[u8]) -> (usize, Option<Status>) {
        self.left.stop();
        let finished = self.frames.finished();
        if let Err((at, malformed)) = self.frames.pass(data) {
            return (at, Some(malformed.to_status()));
        }
        let is_next = self.frames.finished() > finished;
        if is_next && self.messages == Messages::Any {
            self.left = RequestTime::new(self.time);
        }
        match self.hold(data.len(), is_next) {
            Some(()) => (data.len(), None),
            None => (0, Some(too_much())),
        }
    }

    /// Holds room for the arriving message, and for the messages that the last `bytes` have completed, if `is_next`
    /// says so. Returns `None` if there is no room.
    fn hold(&mut self, bytes: usize, is_next: bool) -> Option<()> {
        if is_next {
            self.complete = self.held.take();
            if self.complete.is_none() && self.messages == Messages::Any {
                self.complete = Some(self.ration.take(bytes)?);
            }
        }
        match self.frames.unfinished() {
            // The length of the message is not known yet.
            None | Some(0) => {}
            Some(_) if self.held.is_some() => {}
            Some(bytes) => self.held = Some(self.ration.take(bytes)?),
        }
        Some(())
    }

    /// Is ready when the client has sent everything and its request may run.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        if !self.is_complete {
            let complete = self.frames.end(self.messages == Messages::One);
            complete.map_err(Malformed::to_status)?;
            self.is_complete = true;
        }
        let entered = match &mut self.entry {
            Some(entry) => entry.poll(cx),
            None => Poll::Ready(Ok(())),
        };
        if entered.is_pending() && self.complete.is_none() {
            let held = self.ration.take(self.frames.last_bytes());
            self.complete = Some(held.ok_or_else(too_much)?);
        }
        entered
    }

    fn refuse(&mut self, refusal: Status) {
        self.held = None;
        self.left = RequestTime::new(REST_TIME);
        self.refusal = Some(refusal);
    }

    /// Is ready when the rest of a refused request has come, or as much of it as is usually under way.
    ///
    /// HTTP/2 treats bytes that come for a finished call as an error of the client, and ends the connection with all
    /// its calls after a thousand of them.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.is_complete && self.thrown_away <= self.most_bytes {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.data_ref() {
                    Some(data) => self.thrown_away += data.len(),
                    None => break,
                },
                Poll::Ready(_) => break,
                Poll::Pending => {
                    ready!(self.left.poll(cx));
                    break;
                }
            }
        }
        self.is_complete = true;
        Poll::Ready(())
    }
}

fn too_much() -> Status {
    meter::not_read(NotRead::TooMuch);
    let retry_after = RETRY_AFTER;
    SubmitError::Overloaded { retry_after }.to_status()
}

impl http_body::Body for Arriving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.messages == Messages::Any {
            // The messages that were read are in work.
            self.complete = None;
        }
        if let Some(refusal) = self.refusal.clone() {
            ready!(self.poll_rest(cx));
            return Poll::Ready(Some(Err(refusal)));
        }
        let read = match self.is_complete {
            true => Poll::Ready(None),
            false => Pin::new(&mut self.body).poll_frame(cx),
        };
        let data = match read {
            Poll::Ready(Some(Ok(frame))) => frame.into_data().ok(),
            Poll::Ready(Some(Err(error))) => {
                return Poll::Ready(Some(Err(Status::from_error(error.into()))));
            }
            Poll::Ready(None) => None,
            Poll::Pending => {
                let refusal = ready!(self.poll_late(cx));
                self.refuse(refusal);
                // Nothing more is under way that could be thrown away.
                self.is_complete = true;
                return self.poll_frame(cx);
            }
        };
        // This is the end, or it is trailers, which mean the same: gRPC has none in a request.
        let Some(data) = data else {
            let ended = ready!(self.poll_end(cx));
            self.complete = None;
            let Err(refusal) = ended else {
                return Poll::Ready(None);
            };
            self.refuse(refusal);
            return self.poll_frame(cx);
        };
        let (fine, refusal) = self.look_at(&data);
        if let Some(refusal) = refusal {
            self.refuse(refusal);
            if fine == 0 {
                return self.poll_frame(cx);
            }
        }
        // The bytes before the refused ones are read as usual.
        Poll::Ready(Some(Ok(Frame::data(data.slice(..fine)))))
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
