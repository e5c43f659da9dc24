//! Makes the connections of clients, with TLS or without.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use seriatim_security::tls::{ClientTls, TlsProblem};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::codegen::Service;

/// How a server of TLS begins its answer to a client without: with an alert, in a version of TLS.
const ALERT: &[u8; 2] = &[21, 3];

/// Makes connections to one server. tonic's own one takes no crypto provider, and its errors have no types.
#[derive(Clone)]
pub(crate) struct Connector {
    tcp: HttpConnector,
    tls: Option<ClientTls>,
    problem: Problem,
}

/// What is wrong with the last connection that was made. HTTP/2 keeps only the text of its errors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problem(Arc<Mutex<Option<TlsProblem>>>);

impl Problem {
    pub(crate) fn get(&self) -> Option<TlsProblem> {
        self.lock().clone()
    }

    fn set(&self, problem: Option<TlsProblem>) {
        *self.lock() = problem;
    }

    fn lock(&self) -> MutexGuard<'_, Option<TlsProblem>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connector {
    pub(crate) fn new(tls: Option<ClientTls>) -> Self {
        let mut tcp = HttpConnector::new();
        // A small request must not wait for the acknowledgement of the one before.
        tcp.set_nodelay(true);
        let problem = Problem::default();
        Self { tcp, tls, problem }
    }

    pub(crate) fn problem(&self) -> Problem {
        self.problem.clone()
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Line>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let host = server.host().unwrap_or_default().to_owned();
        let connecting = self.tcp.call(server);
        let (tls, problem) = (self.tls.clone(), self.problem());
        Box::pin(async move {
            problem.set(None);
            let tcp = connecting.await?.into_inner();
            let Some(tls) = tls else {
                return Ok(TokioIo::new(Line::new(tcp, problem, true)));
            };
            let connected = tls.connect(&host, tcp).await;
            if let Err(error) = &connected {
                problem.set(TlsProblem::of(error));
            }
            Ok(TokioIo::new(Line::new(connected?, problem, false)))
        })
    }
}

/// A connection whose errors say what to do.
pub(crate) struct Line {
    io: Box<dyn Io>,
    problem: Problem,
    /// True if the server may still turn out to speak TLS.
    is_to_be_seen: bool,
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin> Io for IO {}

impl Line {
    fn new(io: impl Io + 'static, problem: Problem, is_to_be_seen: bool) -> Self {
        Self {
            io: Box::new(io),
            problem,
            is_to_be_seen,
        }
    }
}

impl Line {
    /// Returns the problem that an answer means, if it is the first.
    fn look_at(&mut self, answer: &[u8]) -> io::Result<()> {
        let is_first = self.is_to_be_seen && !answer.is_empty();
        self.is_to_be_seen &= !is_first;
        match is_first && answer.starts_with(ALERT) {
            true => Err(self.fail(io::Error::other(TlsProblem::NeedsTls))),
            false => Ok(()),
        }
    }

    /// Keeps the problem that an error means, and puts it into the error. A server of TLS 1.3 refuses a client
    /// certificate when the client reads.
    fn fail(&self, error: io::Error) -> io::Error {
        let Some(problem) = TlsProblem::of(&error) else {
            return error;
        };
        self.problem.set(Some(problem.clone()));
        io::Error::new(error.kind(), problem)
    }

    /// Returns why nothing can be written any more: before the server closed the connection it may have said that.
    fn why(&mut self, cx: &mut Context<'_>, error: io::Error) -> io::Error {
        let mut said = [0; 64];
        let mut said = ReadBuf::new(&mut said);
        let problem = match Pin::new(&mut self.io).poll_read(cx, &mut said) {
            Poll::Ready(Ok(())) => self.look_at(said.filled()).err(),
            Poll::Ready(Err(error)) => Some(self.fail(error)),
            Poll::Pending => None,
        };
        problem.unwrap_or(error)
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.io).poll_read(cx, buffer));
        read.map_err(|error| self.fail(error))?;
        Poll::Ready(self.look_at(&buffer.filled()[before..]))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, bytes));
        Poll::Ready(written.map_err(|error| self.why(cx, error)))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, parts));
        Poll::Ready(written.map_err(|error| self.why(cx, error)))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.io).poll_flush(cx));
        Poll::Ready(flushed.map_err(|error| self.why(cx, error)))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Returns the TLS problem that is the cause of an error.
pub(crate) fn problem_in(error: &(dyn Error + 'static)) -> Option<TlsProblem> {
    std::iter::successors(Some(error), |error| (*error).source())
        .find_map(|error| TlsProblem::of(error.downcast_ref::<io::Error>()?))
}
