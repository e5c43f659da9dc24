//! A server on a runtime of its own, as if it were another process; the product's and the limit's alike.

use std::net::SocketAddr;
use std::path::Path;

use seriatim::App;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};

use crate::Outcome;
use crate::limits::echo::Echo;
use crate::product;

/// A server that listens.
pub(crate) struct Served {
    address: SocketAddr,
    app: Option<App>,
    runtime: Runtime,
}

impl Served {
    /// The product's own door.
    pub(crate) fn product(folder: &Path) -> Outcome<Self> {
        let runtime = Runtime::new()?;
        let app = runtime.block_on(async {
            let builder = product::builder(folder).await?.listen("127.0.0.1:0");
            Outcome::Ok(builder.start().await?)
        })?;
        Ok(Self {
            address: app.address().ok_or("the application has no door")?,
            app: Some(app),
            runtime,
        })
    }

    /// Tonic with nothing behind it.
    pub(crate) fn echo() -> Outcome<Self> {
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        runtime.spawn(
            Server::builder()
                .add_service(Echo)
                .serve_with_incoming(incoming),
        );
        Ok(Self {
            address,
            app: None,
            runtime,
        })
    }

    /// So many connections to it.
    pub(crate) async fn connect(&self, count: usize) -> Outcome<Vec<Channel>> {
        let mut channels = Vec::new();
        for _ in 0..count {
            let endpoint = Endpoint::from_shared(format!("http://{}", self.address))?;
            channels.push(endpoint.connect().await?);
        }
        Ok(channels)
    }

    pub(crate) fn close(self) -> Outcome<()> {
        if let Some(app) = self.app {
            self.runtime.block_on(app.shutdown())?;
        }
        self.runtime.shutdown_background();
        Ok(())
    }
}
