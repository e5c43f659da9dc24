//! Pages and WebSockets of an application.

use std::net::SocketAddr;

use seriatim_live::{Live, LiveBuilder, StartLiveError};

use crate::{App, StartAppError};

impl App {
    /// Starts a gateway through which browsers follow streams and send commands. `rooms` says which. Mount it with
    /// [`Live::router`], and serve that with [`App::serve_pages`] or with a server of your own. It ends with the
    /// application.
    ///
    /// If callers are asked who they are, this waits until the tokens of the store are known.
    pub async fn live(
        &self,
        rooms: impl FnOnce(LiveBuilder) -> LiveBuilder,
    ) -> Result<Live, StartLiveError> {
        let access = self.doors.access.clone();
        if access.asks() {
            access.tokens().until_read().await;
        }
        let builder = LiveBuilder::new(self.coordinator.clone(), self.feed.clone(), access);
        let live = rooms(builder).start().await?;
        self.doors.keep(live.clone());
        Ok(live)
    }

    /// Serves pages over HTTP at an address, for example at `127.0.0.1:8080`; port 0 takes any free port. Returns the
    /// address. It speaks TLS if the application does. It ends with the application.
    ///
    /// Fails as [`AppBuilder::listen`](crate::AppBuilder::listen) says: an address that other machines reach needs TLS,
    /// and callers that are asked who they are. The router itself asks nobody; a [`Live`] in it does.
    pub async fn serve_pages(
        &self,
        address: &str,
        router: axum::Router,
    ) -> Result<SocketAddr, StartAppError> {
        self.doors.open_pages(address, router).await
    }
}
