//! Lets a connection begin: TLS if the door has it, and then HTTP/2.

use std::io;
use std::time::Duration;

use seriatim_security::tls::{Accepted, ClientCertificate, Protocol, ServerTls, TlsProblem};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutWriter;

use crate::ServerSettings;
use crate::meter::{self, Refused};
use crate::trouble::Trouble;

/// The bytes that every client of HTTP/2 sends first.
const GREETING: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The bytes with which every client of TLS begins: a handshake, in a version of TLS.
const TLS: &[u8; 2] = &[22, 3];

/// What a client sends and reads.
pub(crate) trait Line: AsyncRead + AsyncWrite + Unpin + Send {}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send> Line for IO {}

/// A connection that has begun.
pub(crate) struct Greeted {
    pub(crate) line: Box<dyn Line>,
    /// The certificate that its client has shown.
    pub(crate) client: Option<ClientCertificate>,
}

impl Greeted {
    pub(crate) fn new(line: impl Line + 'static, client: Option<ClientCertificate>) -> Self {
        Self {
            line: Box::new(line),
            client,
        }
    }
}

/// Waits until the client has said that it speaks HTTP/2. Leaves those bytes for the server, which reads them once
/// more.
///
/// The returned connection fails when nothing could be written for `answer_time`: HTTP/2 keeps data that is to be
/// written, even after its calls have ended.
pub(crate) async fn greet(
    tcp: TcpStream,
    tls: Option<ServerTls>,
    settings: ServerSettings,
) -> Result<Greeted, Refused> {
    let patience = settings.answer_time;
    let greeted = async {
        // A small answer must not wait for the acknowledgement of the one before.
        tcp.set_nodelay(true).map_err(|_| Refused::NoGreeting)?;
        let Some(tls) = tls else {
            let (read, write) = tcp.into_split();
            return Ok(Greeted::new(greeted(read, write, patience).await?, None));
        };
        let Accepted { stream, client } = shake_hands(&tls, tcp, Protocol::Http2).await?;
        let (read, write) = tokio::io::split(stream);
        Ok(Greeted::new(greeted(read, write, patience).await?, client))
    };
    let greeted = timeout(settings.greeting_time, greeted).await;
    greeted.unwrap_or(Err(Refused::NoGreeting))
}

pub(crate) async fn shake_hands(
    tls: &ServerTls,
    tcp: TcpStream,
    protocol: Protocol,
) -> Result<Accepted<TcpStream>, Refused> {
    let accepted = tls.accept(tcp, protocol).await;
    accepted.map_err(|error| match TlsProblem::of(&error) {
        Some(TlsProblem::NoTls) => Refused::NoTls,
        Some(_) => {
            tracing::debug!(%error, "a TLS handshake failed");
            Refused::Handshake
        }
        None => Refused::NoGreeting,
    })
}

/// Returns whether a client begins with TLS.
pub(crate) fn is_tls(begin: &[u8]) -> bool {
    begin.starts_with(TLS)
}

async fn greeted(
    mut read: impl AsyncRead + Unpin + Send + 'static,
    write: impl AsyncWrite + Send + 'static,
    patience: Duration,
) -> Result<impl Line, Refused> {
    let mut greeting = [0; GREETING.len()];
    let got = read.read_exact(&mut greeting).await;
    got.map_err(|_: io::Error| Refused::NoGreeting)?;
    if is_tls(&greeting) {
        return Err(Refused::Tls);
    }
    if &greeting != GREETING {
        return Err(Refused::NoGreeting);
    }
    let mut write = TimeoutWriter::new(write);
    write.set_timeout(Some(patience));
    let read = GREETING.chain(read);
    Ok(tokio::io::join(read, Box::pin(write)))
}

/// Counts connections that are not served, and tells the log of them now and then.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    tls: Trouble,
    no_tls: Trouble,
}

impl Refusals {
    pub(crate) fn count(&mut self, refused: Refused) {
        meter::refused(refused);
        match refused {
            Refused::Tls => {
                if let Some(others) = self.tls.news() {
                    tracing::warn!(others, "a client began with TLS; this door has none");
                }
            }
            Refused::NoTls => {
                if let Some(others) = self.no_tls.news() {
                    tracing::warn!(others, "a client began without TLS; this door has it");
                }
            }
            Refused::TooMany | Refused::NoRoom | Refused::NoGreeting | Refused::Handshake => {}
        }
    }
}
