//! The servers of an application: gRPC, and metrics.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Mutex;

use seriatim_server::ServeError;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};

use crate::app_builder::StartAppError;

/// A server on a task of its own.
#[derive(Debug)]
pub(crate) struct Door {
    address: SocketAddr,
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    close: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ServeError>>,
}

/// An address that is bound, but not served yet.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds an address. Clients can connect from then on.
    pub(crate) async fn bind(address: &str) -> Result<Self, StartAppError> {
        let failed = |source| StartAppError::Listen {
            address: address.into(),
            source,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Checks that other machines reach the address only if that is safe.
    pub(crate) fn safe(self, safety: Safety) -> Result<Self, OpenDoor> {
        safety.check(self.address).map(|()| self)
    }

    /// Serves on a task of its own, until the server is closed.
    pub(crate) fn serve<S>(self, serve: impl FnOnce(TcpListener, Closed) -> S) -> Door
    where
        S: Future<Output = Result<(), ServeError>> + Send + 'static,
    {
        let (close, closed) = oneshot::channel();
        let closed = Box::pin(async move {
            // An error means that the door was dropped, which closes it too.
            let _ = closed.await;
        });
        Door {
            address: self.address,
            open: Mutex::new(Some(Open {
                close,
                served: tokio::spawn(serve(self.listener, closed)),
            })),
        }
    }
}

/// What keeps strangers out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Safety {
    /// True if there is TLS, here or in a proxy in front.
    pub(crate) has_tls: bool,
    /// True if callers are asked who they are.
    pub(crate) asks: bool,
    /// True if somebody has said that they need not be asked.
    pub(crate) is_insecure: bool,
}

impl Safety {
    fn check(self, address: SocketAddr) -> Result<(), OpenDoor> {
        if address.ip().to_canonical().is_loopback() {
            return Ok(());
        }
        if !self.has_tls {
            return Err(OpenDoor::NoTls { address });
        }
        match self.asks || self.is_insecure {
            true => Ok(()),
            false => Err(OpenDoor::NobodyAsked { address }),
        }
    }

    /// Tells the log if callers are not asked.
    pub(crate) fn say(self) {
        if self.asks {
            return;
        }
        if self.is_insecure {
            tracing::warn!(
                "callers are not asked who they are; everybody who reaches this application may do everything"
            );
        } else {
            tracing::info!(
                "callers are not asked who they are, as only this machine reaches this application; \
                 `AppBuilder::access` and `AppBuilder::tls` change that, see docs/security.md"
            );
        }
    }
}

/// Other machines reach an address that is not safe for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenDoor {
    /// What is sent could be read and changed on the way.
    #[error(
        "other machines reach `{address}`, and it has no TLS; set `AppBuilder::tls`, or `behind_proxy` if a proxy in front has TLS, or listen on 127.0.0.1"
    )]
    NoTls {
        /// The address.
        address: SocketAddr,
    },
    /// Anybody could do everything.
    #[error(
        "other machines reach `{address}`, and callers are not asked who they are; set `AppBuilder::access`, or `insecure` if they all may do everything, or listen on 127.0.0.1"
    )]
    NobodyAsked {
        /// The address.
        address: SocketAddr,
    },
}

/// Ends when the server is closed.
pub(crate) type Closed = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Door {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets open calls finish. Further calls do nothing. Returns an error with the panic if the server has panicked: the
    /// caller must go on with it once all else has ended.
    pub(crate) async fn close(&self) -> std::thread::Result<Result<(), ServeError>> {
        let open = self.open.lock().map(|mut open| open.take()).ok().flatten();
        let Some(Open { close, served }) = open else {
            return Ok(Ok(()));
        };
        // Fails if the server has ended by itself; its result then says why.
        let _ = close.send(());
        // Nobody aborts it, so an error is a panic.
        served.await.map_err(JoinError::into_panic)
    }
}

/// Returns when the process is told to end: by Ctrl-C, or by SIGTERM on Unix.
pub(crate) async fn told_to_end() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
