//! Refuses messages that are too large, before they are read.
//!
//! tonic has such a limit too, but answers OUT_OF_RANGE, which here means "a sequence beyond the current one". So
//! the frames are counted on their way to it: each begins with a flag and the length of its message.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::{Frame, SizeHint};
use seriatim_proto::convert::Invalid;
use seriatim_proto::status::WireError;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower_service::Service;

/// A flag of one byte, and the length in four, most significant first.
const HEADER_BYTES: usize = 5;

/// A service behind the limit. A call with a larger message ends with INVALID_ARGUMENT.
#[derive(Clone, Debug)]
pub(crate) struct MessageLimit<S> {
    pub(crate) inner: S,
    pub(crate) max_bytes: usize,
}

impl<S: NamedService> NamedService for MessageLimit<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for MessageLimit<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        let max_bytes = self.max_bytes;
        let limited = |body| {
            Body::new(LimitedBody {
                body,
                frames: Frames::new(max_bytes),
                refusal: None,
            })
        };
        self.inner.call(request.map(limited))
    }
}

/// A request's body whose messages are looked at in passing.
#[derive(Debug)]
struct LimitedBody {
    body: Body,
    frames: Frames,
    /// Set once a message is too large: the body ends with it.
    refusal: Option<Status>,
}

impl http_body::Body for LimitedBody {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        if let Some(refusal) = self.refusal.clone() {
            return Poll::Ready(Some(Err(refusal)));
        }
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)).transpose()? else {
            return Poll::Ready(None);
        };
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
        };
        let Err(TooLarge { at, bytes }) = self.frames.pass(&data) else {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        };
        let refusal = too_large(bytes, self.frames.max_bytes);
        if at == 0 {
            return Poll::Ready(Some(Err(refusal)));
        }
        // What came before is read as usual.
        self.refusal = Some(refusal);
        Poll::Ready(Some(Ok(Frame::data(data.slice(..at)))))
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    fn is_end_stream(&self) -> bool {
        self.refusal.is_none() && self.body.is_end_stream()
    }
}

/// Where in the sequence of messages the bytes are.
#[derive(Debug)]
struct Frames {
    max_bytes: usize,
    /// What is known of the next message's header.
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    /// What is still to come of the message.
    message_bytes: usize,
}

/// A message that is too large.
#[derive(Debug, PartialEq, Eq)]
struct TooLarge {
    /// Where it begins in the bytes just looked at; 0 if it began before them.
    at: usize,
    /// How large it is.
    bytes: u32,
}

impl Frames {
    fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            header: [0; HEADER_BYTES],
            header_bytes: 0,
            message_bytes: 0,
        }
    }

    /// Goes through the next bytes; fails at a message that is too large.
    fn pass(&mut self, data: &[u8]) -> Result<(), TooLarge> {
        let mut seen = 0;
        while seen < data.len() {
            let left = &data[seen..];
            if self.message_bytes > 0 {
                let skip = self.message_bytes.min(left.len());
                self.message_bytes -= skip;
                seen += skip;
                continue;
            }
            let take = (HEADER_BYTES - self.header_bytes).min(left.len());
            self.header[self.header_bytes..self.header_bytes + take].copy_from_slice(&left[..take]);
            self.header_bytes += take;
            seen += take;
            if self.header_bytes == HEADER_BYTES {
                self.header_bytes = 0;
                self.message_bytes = self.announced().map_err(|bytes| TooLarge {
                    at: seen.saturating_sub(HEADER_BYTES),
                    bytes,
                })?;
            }
        }
        Ok(())
    }

    /// The length that the header announces; fails with it if that is too much.
    fn announced(&self) -> Result<usize, u32> {
        let [_, length @ ..] = self.header;
        let length = u32::from_be_bytes(length);
        usize::try_from(length)
            .ok()
            .filter(|bytes| *bytes <= self.max_bytes)
            .ok_or(length)
    }
}

fn too_large(bytes: u32, max_bytes: usize) -> Status {
    let description = format!(
        "{bytes} bytes in one message; at most {max_bytes} are allowed, so send less at once"
    );
    Invalid::field("request", description).to_status()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Vec<u8> {
        let length = u32::try_from(bytes).unwrap().to_be_bytes();
        [&[0][..], &length, &vec![7; bytes]].concat()
    }

    /// Each message, in pieces of any size; how many bytes of them passed, if not all.
    fn pass(messages: &[usize], piece: usize) -> Result<(), usize> {
        let mut frames = Frames::new(100);
        let bytes: Vec<u8> = messages.iter().flat_map(|bytes| message(*bytes)).collect();
        for (n, data) in bytes.chunks(piece).enumerate() {
            frames
                .pass(data)
                .map_err(|too_large| n * piece + too_large.at)?;
        }
        Ok(())
    }

    #[test]
    fn messages_up_to_the_limit_pass() {
        for piece in [1, 2, 5, 6, 1000] {
            assert_eq!(pass(&[0, 100, 1, 0, 99], piece), Ok(()), "{piece}");
        }
    }

    #[test]
    fn a_message_over_the_limit_is_refused_and_those_before_it_pass() {
        for piece in [1, 2, 5, 6, 1000] {
            for (messages, before) in [
                (&[101][..], 0),
                (&[0, 100, 101], 5 + 105),
                (&[1, 1000, 1], 6),
            ] {
                let passed = pass(messages, piece).unwrap_err();
                // A part of its own header may be through already; no message comes of that.
                let header = before..before + HEADER_BYTES;
                assert!(header.contains(&passed), "{piece} {messages:?}: {passed}");
            }
        }
    }
}
