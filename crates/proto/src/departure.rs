//! Makes calls on a connection, each with the client's token, and can tell whether one has left it.
//!
//! A call waits inside the client while the connection is made, and while the connection has as many open calls as the
//! server allows. If its time runs out there, the server has not seen it, and must not see it later.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response};
use http_body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::transport::Channel;
use tonic::{Status, TimeoutExpired};

use crate::connector::Problem;

/// A connection that can tell whether a call whose time has run out had left. Cheap to clone; clones share the
/// connection.
#[derive(Clone)]
pub(crate) struct Departures {
    channel: Channel,
    /// What each call shows of the client.
    authorization: Option<HeaderValue>,
    problem: Problem,
}

impl Departures {
    /// `problem` is that of the connection's connector.
    pub(crate) fn new(
        channel: Channel,
        authorization: Option<HeaderValue>,
        problem: Problem,
    ) -> Self {
        Self {
            channel,
            authorization,
            problem,
        }
    }
}

impl Service<Request<Body>> for Departures {
    type Response = Response<Body>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Response<Body>, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(value) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, value.clone());
        }
        let departure = Departure::default();
        let seen = departure.clone();
        let request = request.map(|body| Body::new(Departing { body, departure }));
        let answer = self.channel.call(request);
        let problem = self.problem.clone();
        Box::pin(async move {
            answer.await.map_err(|error| {
                if is_timeout(&error) && seen.prevent() {
                    return NotSent.into();
                }
                match problem.get() {
                    Some(problem) => problem.into(),
                    None => error.into(),
                }
            })
        })
    }
}

/// The error of a call whose time ran out before anything of it was sent. Nothing of it will be sent.
#[derive(Debug)]
pub(crate) struct NotSent;

impl NotSent {
    /// Returns `true` if a status of this client means this.
    pub(crate) fn is_in(status: &Status) -> bool {
        status.source().is_some_and(<dyn Error>::is::<Self>)
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call found no place on the connection in time")
    }
}

impl Error for NotSent {}

fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    error.is::<TimeoutExpired>() || error.source().is_some_and(is_timeout)
}

/// A decision on whether a call leaves. The message of a call is asked for when the connection has opened its stream,
/// not before.
#[derive(Clone, Debug, Default)]
struct Departure(Arc<AtomicU8>);

const WAITING: u8 = 0;
const LEFT: u8 = 1;
const PREVENTED: u8 = 2;

impl Departure {
    /// Prevents the call from leaving. Returns `false` if it has left.
    fn prevent(&self) -> bool {
        self.decide(PREVENTED) == PREVENTED
    }

    /// Notes that the call leaves. Returns `false` if it must not.
    fn leave(&self) -> bool {
        self.decide(LEFT) == LEFT
    }

    /// Sets the decision if there is none yet, and returns the decision.
    fn decide(&self, wanted: u8) -> u8 {
        let order = Ordering::Relaxed;
        let decided = (self.0).compare_exchange(WAITING, wanted, order, order);
        decided.map_or_else(|holds| holds, |_| wanted)
    }
}

/// The message of a call, on its way.
struct Departing {
    body: Body,
    departure: Departure,
}

impl http_body::Body for Departing {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        match self.departure.leave() {
            true => Pin::new(&mut self.body).poll_frame(cx),
            false => Poll::Ready(Some(Err(Status::from_error(NotSent.into())))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_leaves_or_is_kept_and_never_both() {
        let departure = Departure::default();
        assert!(departure.leave());
        assert!(departure.leave());
        assert!(!departure.prevent());
        let departure = Departure::default();
        assert!(departure.prevent());
        assert!(departure.prevent());
        assert!(!departure.leave());
    }
}
