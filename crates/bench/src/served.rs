//! A server on a runtime of its own, as if it were another process; the product's and the limit's alike.

use std::net::SocketAddr;

use seriatim::{App, AppBuilder};
use seriatim_bench::{Outcome, product};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};

use crate::limits::echo::Echo;

/// A server that listens.
pub(crate) struct Served {
    address: SocketAddr,
    app: Option<App>,
    apart: Apart,
}

impl Served {
    /// The product's own door, on the store that `url` names.
    pub(crate) async fn product(url: &str) -> Outcome<Self> {
        Self::product_with(url, |app| app).await
    }

    /// The same, configured.
    pub(crate) async fn product_with(
        url: &str,
        configure: impl FnOnce(AppBuilder) -> AppBuilder + Send + 'static,
    ) -> Outcome<Self> {
        let apart = Apart::new()?;
        let url = url.to_owned();
        let started = apart.run(async move {
            let builder = product::builder(&url).await?.listen("127.0.0.1:0");
            Outcome::Ok(configure(builder).start().await?)
        });
        let app = started.await??;
        Ok(Self {
            address: app.address().ok_or("the application has no door")?,
            app: Some(app),
            apart,
        })
    }

    /// Tonic with nothing behind it.
    pub(crate) async fn echo() -> Outcome<Self> {
        let apart = Apart::new()?;
        let started = apart.run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            let server = Server::builder().add_service(Echo);
            tokio::spawn(server.serve_with_incoming(incoming));
            Outcome::Ok(address)
        });
        Ok(Self {
            address: started.await??,
            app: None,
            apart,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
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

    pub(crate) async fn close(self) -> Outcome<()> {
        if let Some(app) = self.app {
            self.apart
                .run(async move { app.shutdown().await })
                .await??;
        }
        Ok(())
    }
}

/// A runtime beside the one that this is called on.
struct Apart(Option<Runtime>);

impl Apart {
    fn new() -> Outcome<Self> {
        Ok(Self(Some(Runtime::new()?)))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Outcome<T> {
        let runtime = self.0.as_ref().ok_or("the runtime has ended")?;
        Ok(runtime.spawn(work).await?)
    }
}

/// One must not wait for a runtime on another.
impl Drop for Apart {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
