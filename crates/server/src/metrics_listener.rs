//! Accepts the connections of those who read metrics.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use seriatim_security::tls::{Protocol, ServerTls};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::arrivals::Arrivals;
use crate::greeting::{self, Greeted, Line, Refusals};
use crate::meter::Refused;

/// The number of connections that may be silent at once. Another one then takes the place of the oldest.
const SILENT: usize = 64;
/// The time that a connection may take to begin.
const BEGIN: Duration = Duration::from_secs(10);

/// A door over HTTP/1.1, with TLS or without. Connections begin beside one another, so that silent ones keep nobody
/// waiting.
pub(crate) struct MetricsListener {
    listener: TcpListener,
    tls: Option<ServerTls>,
    arrivals: Arrivals<Result<Greeted, Refused>>,
    refusals: Refusals,
}

/// The names in the certificate that a client has shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer(pub(crate) Option<Arc<[String]>>);

impl Connected<IncomingStream<'_, MetricsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, MetricsListener>) -> Self {
        stream.remote_addr().clone()
    }
}

impl MetricsListener {
    pub(crate) fn new(listener: TcpListener, tls: Option<ServerTls>) -> Self {
        Self {
            listener,
            tls,
            arrivals: Arrivals::default(),
            refusals: Refusals::default(),
        }
    }
}

impl Listener for MetricsListener {
    type Io = Box<dyn Line>;
    type Addr = Peer;

    async fn accept(&mut self) -> (Self::Io, Peer) {
        loop {
            tokio::select! {
                biased;
                arrived = self.arrivals.next() => match arrived {
                    Ok(Greeted { line, client }) => {
                        return (line, Peer(client.map(|client| client.names)));
                    }
                    Err(refused) => self.refusals.count(refused),
                },
                // It waits by itself after an error.
                (tcp, _) = Listener::accept(&mut self.listener) => {
                    if self.arrivals.len() >= SILENT {
                        self.arrivals.make_room();
                    }
                    self.arrivals.add(begin(tcp, self.tls.clone()));
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer::default())
    }
}

async fn begin(tcp: TcpStream, tls: Option<ServerTls>) -> Result<Greeted, Refused> {
    let begun = async {
        let Some(tls) = tls else {
            let mut first = [0; 2];
            let seen = tcp.peek(&mut first).await;
            let seen = seen.map_err(|_| Refused::NoGreeting)?;
            return match greeting::is_tls(&first[..seen]) {
                true => Err(Refused::Tls),
                false => Ok(Greeted::new(tcp, None)),
            };
        };
        let accepted = greeting::shake_hands(&tls, tcp, Protocol::Http1).await?;
        Ok(Greeted::new(accepted.stream, accepted.client))
    };
    let begun = timeout(BEGIN, begun).await;
    begun.unwrap_or(Err(Refused::NoGreeting))
}
