//! The doors of an application: gRPC, and metrics.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Mutex;

use seriatim_server::ServeError;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

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

/// An address that is listened on, with nobody behind it yet.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Whoever is told the address can connect to it from here on.
    pub(crate) async fn bind(address: &str) -> Result<Self, StartAppError> {
        let failed = |source| StartAppError::Listen {
            address: address.into(),
            source,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Serves on a task of its own, until the door is closed.
    pub(crate) fn serve<S>(self, serve: impl FnOnce(TcpListener, Closed) -> S) -> Door
    where
        S: Future<Output = Result<(), ServeError>> + Send + 'static,
    {
        let (close, closed) = oneshot::channel();
        let closed = Box::pin(async move {
            // An error says that the door was dropped, which closes it too.
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

/// Ends when the door is closed.
pub(crate) type Closed = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Door {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets open calls finish. The second time there is nothing left to do.
    pub(crate) async fn close(&self) -> Result<(), ServeError> {
        let open = self.open.lock().map(|mut open| open.take()).ok().flatten();
        let Some(Open { close, served }) = open else {
            return Ok(());
        };
        // Fails if the server has ended by itself, whose result says why.
        let _ = close.send(());
        served.await.unwrap_or(Ok(()))
    }
}

/// Returns when the process is told to end: Ctrl-C, or SIGTERM where there is such a thing.
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
