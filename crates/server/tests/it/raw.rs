//! Contains a client that does what no client library does: it sends requests in parts, and does not read.

use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request};
use tokio::net::TcpStream;
use tonic::Status;
use tonic::codegen::Bytes;

use crate::rig::soon;

/// One connection.
pub(crate) struct Raw(SendRequest<Bytes>);

/// A call that has begun.
pub(crate) struct RawCall {
    pub(crate) answer: ResponseFuture,
    pub(crate) message: SendStream<Bytes>,
}

impl Raw {
    /// Connects. `window` is how much may come of each answer before the client reads it; all together are not limited.
    pub(crate) async fn connect(address: &str, window: u32) -> Self {
        let tcp = TcpStream::connect(address).await.unwrap();
        let (calls, connection) = Builder::new()
            .initial_window_size(window)
            .initial_connection_window_size(1 << 30)
            .initial_max_send_streams(1000)
            .handshake(tcp)
            .await
            .unwrap();
        tokio::spawn(connection);
        Self(calls)
    }

    /// Connects with the largest windows, begins calls, and then reads nothing any more. The connection stays open as
    /// long as the returned value.
    pub(crate) async fn connect_and_stop_reading<T>(
        address: &str,
        begin: impl FnOnce(&mut Self) -> T,
    ) -> impl Sized {
        const MOST: u32 = (1 << 31) - 1;
        let tcp = TcpStream::connect(address).await.unwrap();
        let (calls, mut connection) = Builder::new()
            .initial_window_size(MOST)
            .initial_connection_window_size(MOST)
            .initial_max_send_streams(1000)
            .handshake::<_, Bytes>(tcp)
            .await
            .unwrap();
        let mut raw = Self(calls);
        let begun = begin(&mut raw);
        // The time is enough to send what was begun.
        let _ = tokio::time::timeout(std::time::Duration::from_millis(50), &mut connection).await;
        (connection, raw, begun)
    }

    /// Begins a call with one message.
    pub(crate) fn begin(&mut self, method: &str, message: Vec<u8>) -> RawCall {
        let mut call = self.begin_with(method, &[]);
        call.send(message);
        call.end();
        call
    }

    /// Begins a call to a method of ours, with `headers`.
    pub(crate) async fn call_with(
        &mut self,
        method: &str,
        headers: &[(&'static str, &str)],
    ) -> RawCall {
        std::future::poll_fn(|cx| self.0.poll_ready(cx))
            .await
            .unwrap();
        self.begin_with(method, headers)
    }

    fn begin_with(&mut self, method: &str, headers: &[(&'static str, &str)]) -> RawCall {
        let mut request = Request::post(format!("http://server/seriatim.v1.{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let (answer, message) = self.0.send_request(request, false).unwrap();
        RawCall { answer, message }
    }

    pub(crate) async fn call(&mut self, method: &str) -> RawCall {
        self.call_with(method, &[]).await
    }
}

impl RawCall {
    pub(crate) fn send(&mut self, bytes: impl Into<Bytes>) {
        // This fails if the server has answered already, as it may.
        let _ = self.message.send_data(bytes.into(), false);
    }

    /// Tells the server that there is no more.
    pub(crate) fn end(&mut self) {
        let _ = self.message.send_data(Bytes::new(), true);
    }

    /// Reads the answer to its end. Returns the status with which the call ends.
    pub(crate) async fn status(self) -> Status {
        let (head, body) = soon(self.answer).await.unwrap().into_parts();
        status_in(&head.headers).unwrap_or(status_after(body).await)
    }
}

/// Reads an answer to its end.
async fn status_after(mut body: RecvStream) -> Status {
    while let Some(data) = soon(body.data()).await {
        let Ok(data) = data else { break };
        let _ = body.flow_control().release_capacity(data.len());
    }
    let trailers = soon(body.trailers()).await.ok().flatten();
    trailers
        .and_then(|trailers| status_in(&trailers))
        .unwrap_or_else(|| Status::unknown("no status came"))
}

fn status_in(headers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(headers)
}

/// Returns a message with its header.
pub(crate) fn framed(message: &impl prost::Message) -> Vec<u8> {
    let message = message.encode_to_vec();
    [&header(message.len())[..], &message].concat()
}

/// Returns the header of a message of this many bytes.
pub(crate) fn header(bytes: usize) -> [u8; 5] {
    let [a, b, c, d] = u32::try_from(bytes).unwrap().to_be_bytes();
    [0, a, b, c, d]
}
