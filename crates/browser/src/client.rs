//! Requests to ChromeDriver, each with a limit: plain HTTP to the loopback, a connection for each request.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::WebDriverError;

/// The longest time that a request may take: longer than the limits that ChromeDriver itself has for pages and scripts.
const LIMIT: Duration = Duration::from_secs(90);

/// The same for the request that closes a browser, which nobody waits for longer.
const CLOSING: Duration = Duration::from_secs(20);

/// Sends requests to the ChromeDriver on a port of the loopback. It keeps no connection, so any runtime can use it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    port: u16,
    limit: Duration,
}

impl Client {
    pub(crate) fn new(port: u16) -> Self {
        Self { port, limit: LIMIT }
    }

    /// Returns a client with the limit of a request that closes a browser.
    pub(crate) fn closing(self) -> Self {
        let limit = self.limit.min(CLOSING);
        Self { limit, ..self }
    }

    /// Sends a request, whose body is JSON or empty, and returns the answer, whatever its status is. Fails if there is
    /// no connection, or if no answer comes within the limit.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        json: String,
    ) -> Result<Response<Bytes>, WebDriverError> {
        let answer = tokio::time::timeout(self.limit, self.exchange(method, path, json)).await;
        let limit = self.limit;
        let answer = answer.map_err(|_| WebDriverError::Silent { limit })?;
        answer.map_err(|source| WebDriverError::Connection { source })
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        json: String,
    ) -> io::Result<Response<Bytes>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, format!("{}:{}", Ipv4Addr::LOCALHOST, self.port))
            .header(CONNECTION, "close")
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Full::new(Bytes::from(json)))
            .map_err(io::Error::other)?;

        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(io::Error::other)?;
        let answer = async move {
            let (head, body) = sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, hyper::Error>(Response::from_parts(head, body))
        };
        // What goes wrong with the connection is told by the answer.
        let (answer, _) = tokio::join!(answer, connection);
        answer.map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::net::TcpListener;

    use super::*;

    async fn status_by(client: Client) -> WebDriverError {
        let sent = client.send(Method::GET, "/status", String::new());
        let sent = tokio::time::timeout(LIMIT, sent).await;
        sent.expect("the limit is a shorter one").unwrap_err()
    }

    #[tokio::test]
    async fn a_driver_that_is_silent_is_waited_for_no_longer_than_the_limit() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = silent.local_addr().unwrap().port();
        let limit = Duration::from_millis(50);
        let begun = Instant::now();
        let error = status_by(Client { port, limit }).await;
        assert!(matches!(error, WebDriverError::Silent { .. }), "{error}");
        assert!(begun.elapsed() >= limit);
    }

    #[tokio::test]
    async fn a_driver_that_is_gone_is_an_error_at_once() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = gone.local_addr().unwrap().port();
        drop(gone);
        let error = status_by(Client::new(port)).await;
        assert!(
            matches!(error, WebDriverError::Connection { .. }),
            "{error}"
        );
    }
}
