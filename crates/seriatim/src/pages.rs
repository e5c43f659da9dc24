//! Pages of an application.

use std::net::SocketAddr;

use crate::{App, StartAppError};

impl App {
    /// Serves pages over HTTP at an address, for example at `127.0.0.1:8080`; port 0 takes any free port. Returns the
    /// address. It speaks TLS if the application does. It ends with the application.
    ///
    /// Fails as [`AppBuilder::listen`](crate::AppBuilder::listen) says: an address that other machines reach needs TLS,
    /// and callers that are asked who they are. The router itself asks nobody; a gateway in it does.
    pub async fn serve_pages(
        &self,
        address: &str,
        router: axum::Router,
    ) -> Result<SocketAddr, StartAppError> {
        self.doors.open_pages(address, router).await
    }
}
