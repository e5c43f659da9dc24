//! The console of an application.

use std::net::SocketAddr;
use std::sync::Arc;

use seriatim_console::Console;

use crate::{App, StartAppError};

impl App {
    /// Serves the console at an address, for example at `127.0.0.1:8081`; port 0 takes any free port. Returns the
    /// address. Operators open it in a browser: they see the components, the dead letters and the streams, and decide
    /// about letters. It speaks TLS if the application does, asks who its visitors are if the application does, and
    /// ends with the application.
    ///
    /// Fails as [`AppBuilder::listen`](crate::AppBuilder::listen) says: an address that other machines reach needs TLS,
    /// and callers that are asked who they are.
    pub async fn console(&self, address: &str) -> Result<SocketAddr, StartAppError> {
        let access = self.doors.access.clone();
        if access.asks() {
            access.tokens().until_read().await;
        }
        let mut console = Console::new(
            self.coordinator.clone(),
            Arc::clone(&self.reactions),
            self.job_desk.clone(),
            access,
        )
        .secure_cookies(self.doors.speaks_tls());
        if let Some(audits) = self.audits() {
            console = console.audits(audits);
        }
        let address = self.serve_pages(address, console.router()).await?;
        self.doors.keep_console(console);
        Ok(address)
    }
}
