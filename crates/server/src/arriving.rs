//! The messages of a call while they arrive: bounded in bytes and in time, before anything of them is read.
//!
//! tonic makes room for a message as soon as its length is known, and waits for it without end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::{Frame, SizeHint};
use hyper::body::{Bytes, Incoming};
use seriatim_core::SubmitError;
use seriatim_proto::convert::Invalid;
use seriatim_proto::status::WireError;
use tokio::time::{Sleep, sleep};
use tonic::Status;

use crate::frames::{Frames, Malformed};
use crate::meter::{self, NotRead};
use crate::ration::{Held, Ration};

/// When to send again what there was no room for.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// How many messages a call has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Messages {
    /// One, and the client says that it was the last.
    One,
    /// Any number, with any time between them.
    Any,
}

/// What a client sends in one call.
#[derive(Debug)]
pub(crate) struct Arriving {
    body: Incoming,
    messages: Messages,
    frames: Frames,
    ration: Ration,
    /// Of the message that is arriving: its number, and what it takes. One that came at once is not counted.
    held: Option<(usize, Held)>,
    time: Duration,
    /// Ends when what is arriving must be complete.
    late: Option<Pin<Box<Sleep>>>,
    /// Once set, nothing more is read.
    refusal: Option<Status>,
}

impl Arriving {
    pub(crate) fn new(
        body: Incoming,
        messages: Messages,
        most_bytes: usize,
        ration: Ration,
        time: Duration,
    ) -> Self {
        Self {
            body,
            messages,
            frames: Frames::new(most_bytes),
            ration,
            held: None,
            time,
            late: None,
            refusal: None,
        }
    }

    /// Whether the client owes something.
    fn is_awaited(&self) -> bool {
        self.messages == Messages::One || self.frames.unfinished().is_some()
    }

    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        if !self.is_awaited() {
            return Poll::Pending;
        }
        let time = self.time;
        let late = self.late.get_or_insert_with(|| Box::pin(sleep(time)));
        ready!(late.as_mut().poll(cx));
        meter::not_read(NotRead::TooSlow);
        let wrong = format!(
            "was not complete after {} ms; nothing was done, send it faster",
            time.as_millis()
        );
        Poll::Ready(Invalid::field("request", wrong).to_status())
    }

    /// Looks at the next bytes; how many of them may be read, and why not all.
    fn look_at(&mut self, data: &[u8]) -> (usize, Option<Status>) {
        if let Err((at, malformed)) = self.frames.pass(data) {
            return (at, Some(malformed.to_status()));
        }
        if self.messages == Messages::Any {
            // Its time is over with the message; the next has a time of its own.
            self.late = self.late.take().filter(|_| self.is_awaited());
        }
        match self.hold() {
            true => (data.len(), None),
            false => {
                meter::not_read(NotRead::TooMuch);
                let retry_after = RETRY_AFTER;
                (0, Some(SubmitError::Overloaded { retry_after }.to_status()))
            }
        }
    }

    /// Holds room for the message that is arriving; `false` if there is none.
    fn hold(&mut self) -> bool {
        let number = self.frames.finished();
        let is_of_this = |held: &(usize, _)| held.0 == number;
        match self.frames.unfinished() {
            // How long it is is not known yet.
            Some(0) => true,
            Some(_) if self.held.as_ref().is_some_and(is_of_this) => true,
            Some(bytes) => {
                self.held = None;
                self.held = self.ration.take(bytes).map(|held| (number, held));
                self.held.is_some()
            }
            // Of a call with one message it is held until the client has said that there is no more: it is read, and waits.
            None if self.messages == Messages::One => true,
            None => {
                self.held = None;
                true
            }
        }
    }

    /// What is left to say when the client has ended.
    fn end(&mut self) -> Option<Status> {
        self.held = None;
        let complete = self.frames.end(self.messages == Messages::One);
        complete.err().map(Malformed::to_status)
    }
}

impl http_body::Body for Arriving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(refusal) = self.refusal.clone() {
            return Poll::Ready(Some(Err(refusal)));
        }
        let data = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            },
            Poll::Ready(Some(Err(error))) => {
                return Poll::Ready(Some(Err(Status::from_error(error.into()))));
            }
            Poll::Ready(None) => return Poll::Ready(self.end().map(Err)),
            Poll::Pending => {
                let refusal = ready!(self.poll_late(cx));
                self.refusal = Some(refusal.clone());
                return Poll::Ready(Some(Err(refusal)));
            }
        };
        let (fine, refusal) = self.look_at(&data);
        self.refusal = refusal;
        match &self.refusal {
            Some(refusal) if fine == 0 => Poll::Ready(Some(Err(refusal.clone()))),
            // What came before is read as usual.
            _ => Poll::Ready(Some(Ok(Frame::data(data.slice(..fine))))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
