//! Sends an answer to its client in pieces, and counts it while it is under way.
//!
//! HTTP/2 takes everything that it is given and keeps it until the client has room, so it is given little at a time.
//! Large parts are counted until the last of them has left the process.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use futures::task::AtomicWaker;
use http::{HeaderMap, HeaderValue};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Bytes;
use tonic::Status;
use tonic::body::Body;

use crate::call::Call;
use crate::meter;
use crate::ration::Held;
use crate::taking::Taking;

/// The size up to which a part is too small to be counted.
pub(crate) const SMALL: usize = 4 * 1024;
/// The number of bytes that HTTP/2 is given at once: a frame.
const PIECE: usize = 16 * 1024;
/// The longest message of an error that fits into trailers that every client accepts.
const MESSAGE_BYTES: usize = 2 * 1024;

/// The answer to one call.
pub(crate) struct Answer {
    body: Body,
    call: Call,
    taking: Arc<Taking>,
    /// A part that waits for room.
    waiting: Option<(Bytes, BoxFuture<'static, Held>)>,
    /// The bytes to give to HTTP/2.
    rest: Bytes,
    /// `true` if HTTP/2 was given a piece that it may not have taken yet.
    is_offered: bool,
    /// The end of the answer, once it has come.
    trailers: Option<HeaderMap>,
    /// A wait for the moment from which on the caller may not have the rest.
    ended: Option<BoxFuture<'static, Status>>,
}

/// The large parts of an answer that have not left yet, and a waker for the last of them.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    parts: AtomicUsize,
    left: AtomicWaker,
}

/// A large part of an answer. It is dropped when its last piece has left, or the call has ended.
struct Part {
    bytes: Bytes,
    _held: Held,
    call: Call,
}

impl Part {
    fn of(bytes: Bytes, held: Held, call: &Call) -> Bytes {
        call.under_way().parts.fetch_add(1, Relaxed);
        Bytes::from_owner(Self {
            bytes,
            _held: held,
            call: call.clone(),
        })
    }
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let under_way = self.call.under_way();
        under_way.parts.fetch_sub(1, Relaxed);
        under_way.left.wake();
    }
}

impl Answer {
    /// Makes the answer of a call. The room that the call has when a part is made is the room of that part.
    pub(crate) fn new(body: Body, call: Call) -> Self {
        Self {
            body,
            taking: Taking::current(),
            waiting: None,
            rest: Bytes::new(),
            is_offered: false,
            trailers: None,
            ended: call.cut_off(),
            call,
        }
    }

    /// Returns the next piece of the bytes that have come.
    fn next_piece(&mut self) -> Option<Bytes> {
        let piece = self.rest.len().min(PIECE);
        (piece > 0).then(|| self.rest.split_to(piece))
    }

    /// Takes in a part. Counts it, unless it is small.
    fn take_in(&mut self, bytes: Bytes) {
        let (held, size) = (self.call.take_room(), bytes.len());
        if size <= SMALL {
            self.rest = bytes;
        } else if let Some(mut held) = held {
            held.settle(size);
            self.rest = Part::of(bytes, held, &self.call);
        } else {
            let call = self.call.clone();
            let room = async move { call.unread().wait(size).await };
            self.waiting = Some((bytes, Box::pin(room)));
        }
    }

    /// Is ready when nothing waits for room.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some((_, room)) = &mut self.waiting {
            let held = ready!(room.as_mut().poll(cx));
            if let Some((bytes, _)) = self.waiting.take() {
                self.rest = Part::of(bytes, held, &self.call);
            }
        }
        Poll::Ready(())
    }

    /// Ends the answer if the caller may not have the rest of it.
    fn poll_ended(&mut self, cx: &mut Context<'_>) {
        if let Some(ended) = &mut self.ended
            && let Poll::Ready(status) = ended.as_mut().poll(cx)
        {
            self.ended = None;
            self.body = Body::empty();
            (self.waiting, self.rest) = (None, Bytes::new());
            let mut trailers = HeaderMap::new();
            // A status of ours can always be written.
            let _ = status.add_header(&mut trailers);
            self.trailers = Some(trailers);
        }
    }

    /// Returns the next frame.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            if let Some(piece) = self.next_piece() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if self.trailers.is_some() {
                ready!(self.poll_left(cx));
                let trailers = self.trailers.take().map(Frame::trailers);
                return Poll::Ready(trailers.map(Ok));
            }
            ready!(self.poll_room(cx));
            if !self.rest.is_empty() {
                continue;
            }
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)).transpose()? else {
                return Poll::Ready(None);
            };
            match frame.into_data() {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => self.take_in(bytes),
                Err(frame) => {
                    let mut trailers = frame.into_trailers().unwrap_or_default();
                    shorten(&mut trailers);
                    self.trailers = Some(trailers);
                }
            }
        }
    }

    /// Is ready when all large parts have left. Trailers wait for this, because a call that has ended can no longer be
    /// ended for parts that its client leaves.
    fn poll_left(&self, cx: &mut Context<'_>) -> Poll<()> {
        let under_way = self.call.under_way();
        if under_way.parts.load(Relaxed) == 0 {
            return Poll::Ready(());
        }
        under_way.left.register(cx.waker());
        match under_way.parts.load(Relaxed) {
            0 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        // HTTP/2 asks for the next piece when it has taken the one before.
        if mem::take(&mut self.is_offered) {
            self.taking.taken();
        }
        self.poll_ended(cx);
        let frame = self.poll_next(cx);
        match &frame {
            Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                self.is_offered = true;
                self.taking.offer();
            }
            Poll::Ready(_) => {}
            // HTTP/2 takes a whole piece as soon as the client has room for one byte of it, so a part that has not left
            // is still offered.
            Poll::Pending => match self.poll_left(cx) {
                Poll::Pending => self.taking.offer(),
                Poll::Ready(()) => self.taking.taken(),
            },
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
            && self.waiting.is_none()
            && self.trailers.is_none()
            && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // No part follows that could take it, but parts that are under way keep the call.
        drop(self.call.take_room());
        if self.taking.was_ended() {
            meter::not_taken();
            tracing::warn!(
                method = self.call.method(),
                "a call was ended: its client took nothing of the answer for too long"
            );
        }
    }
}

/// Cuts the message of an error that would be too long for a client; our own errors never are.
pub(crate) fn shorten(headers: &mut HeaderMap) {
    let Some(message) = headers.get(Status::GRPC_MESSAGE) else {
        return;
    };
    if message.len() <= MESSAGE_BYTES {
        return;
    }
    let kept = &message.as_bytes()[..end_of_a_character(message.as_bytes())];
    if let Ok(kept) = HeaderValue::from_bytes(kept) {
        headers.insert(Status::GRPC_MESSAGE, kept);
    }
}

/// Returns the last place up to [`MESSAGE_BYTES`] where a character ends. Characters that are not ASCII are written as
/// `%` and two digits for each byte, and the bytes of a character after its first begin with the bits 10.
fn end_of_a_character(message: &[u8]) -> usize {
    let mut end = MESSAGE_BYTES;
    while let Some(escape) = (end.saturating_sub(2)..end).find(|at| message[*at] == b'%') {
        end = escape;
    }
    while let [b'%', b'8' | b'9' | b'A' | b'B' | b'a' | b'b', ..] = &message[end..] {
        end = end.saturating_sub(3);
    }
    end
}
