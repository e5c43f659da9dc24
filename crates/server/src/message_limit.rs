//! Refuses messages that are too large, before they are read, and requests that are no messages.
//!
//! tonic does that too, but answers OUT_OF_RANGE, which here means "a sequence beyond the current one", and INTERNAL, which
//! means a defect of the server. So the frames are looked at on their way to it: each begins with a flag and the length of
//! its message.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower_service::Service;

use crate::frames::Frames;

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
    /// Set once the next message is refused: the body ends with it.
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
            let end = self.frames.end();
            return Poll::Ready(end.err().map(|fault| Err(fault.to_status())));
        };
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
        };
        let Err((at, fault)) = self.frames.pass(&data) else {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        };
        let refusal = fault.to_status();
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
