//! Serves pages over HTTP/1.1, with TLS or without.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use seriatim_security::Credentials;
use seriatim_security::tls::{Protocol, ServerTls};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tower_service::Service as _;

use crate::arrivals::Arrivals;
use crate::connections::{LAST_CALLS, expired, told_to_close};
use crate::greeting::{self, Greeted, Refusals};
use crate::meter::Refused;
use crate::strangers::{Standing, Strangers};

/// The number of connections that may be silent at once. Another one then takes the place of the oldest.
const SILENT: usize = 64;
/// The time that a connection may take to begin.
const BEGIN: Duration = Duration::from_secs(10);
/// The time that a request may take from the one before it, or from the beginning, to its last header.
const HEADERS: Duration = Duration::from_secs(30);
/// The time in which a client may read nothing of an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// The time in which nothing is accepted if the system has no room for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// The other end of a connection, as an extension of its requests.
#[derive(Clone, Debug)]
pub(crate) struct HttpPeer {
    /// The names in the certificate that it has shown.
    pub(crate) certificate: Option<Arc<[String]>>,
    /// To be told when it has shown who it is, or need not.
    pub(crate) standing: Standing,
}

/// Serves a router over HTTP/1.1 until `shutdown` ends, and then until the open requests are answered. At most `open`
/// connections are open at once; those that have become WebSockets do not count. Certificates are taken into use when
/// their files change.
///
/// The names in the client's certificate are an extension of each request, as [`Credentials`].
pub async fn serve_pages(
    listener: TcpListener,
    tls: Option<ServerTls>,
    router: Router,
    open: usize,
    shutdown: impl Future<Output = ()>,
) {
    tokio::select! {
        () = serve(listener, tls.clone(), router, open, shutdown) => {}
        never = crate::tls::watch(tls) => match never {},
    }
}

/// Serves as [`serve_pages`] does. Connections begin beside one another, so that silent ones keep nobody waiting.
async fn serve(
    listener: TcpListener,
    tls: Option<ServerTls>,
    router: Router,
    open: usize,
    shutdown: impl Future<Output = ()>,
) {
    let (closing, closed) = watch::channel(false);
    let mut arrivals = Arrivals::default();
    let mut connections = JoinSet::new();
    let mut strangers = Strangers::default();
    let mut refusals = Refusals::default();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            arrived = arrivals.next(), if connections.len() < open || strangers.any() => match arrived {
                Ok(greeted) => {
                    if connections.len() >= open {
                        strangers.make_room();
                    }
                    let standing = Standing::default();
                    let served = connection(greeted, router.clone(), standing.clone(), closed.clone());
                    strangers.add(connections.spawn(served), standing);
                }
                Err(refused) => refusals.count(refused),
            },
            accepted = listener.accept() => match accepted {
                Ok((tcp, _)) if arrivals.len() < SILENT || arrivals.make_room() => {
                    arrivals.add(begin(tcp, tls.clone()));
                }
                // All of those that wait have begun. Dropping the connection closes it.
                Ok(_) => refusals.count(Refused::TooMany),
                Err(error) => {
                    tracing::debug!(%error, "no connection to the pages can be accepted for now");
                    sleep(PAUSE).await;
                }
            },
        }
    }
    drop((listener, arrivals));
    // This fails only if nobody listens any more, which does no harm.
    let _ = closing.send(true);
    while connections.join_next().await.is_some() {}
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

async fn connection(
    greeted: Greeted,
    router: Router,
    standing: Standing,
    mut closed: watch::Receiver<bool>,
) {
    let Greeted { line, client } = greeted;
    let peer = HttpPeer {
        certificate: client.as_ref().map(|client| Arc::clone(&client.names)),
        standing,
    };
    let shown = Credentials {
        certificate: peer.certificate.clone(),
        ..Credentials::default()
    };
    let mut line = TimeoutStream::new(line);
    line.set_write_timeout(Some(PATIENCE));
    let answer = service_fn(move |mut request| {
        let extensions = http::Request::extensions_mut(&mut request);
        extensions.insert(peer.clone());
        extensions.insert(shown.clone());
        router.clone().call(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(Box::pin(line)), answer)
        .with_upgrades();
    let mut serving = pin!(serving);
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = told_to_close(&mut closed) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
        () = expired(client) => {
            serving.as_mut().graceful_shutdown();
            timeout(LAST_CALLS, serving).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the pages ended");
    }
}
