//! Contains a proxy whose connections can die without notice, as when a cable is pulled.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A proxy between clients and a server.
pub(crate) struct Proxy {
    pub(crate) url: String,
    silence: watch::Sender<()>,
}

impl Proxy {
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let silence = watch::Sender::new(());
        let told = silence.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, told.subscribe()));
            }
        });
        Self { url, silence }
    }

    /// Lets nothing more through on its open connections, and does not close them.
    pub(crate) fn silence(&self) {
        self.silence.send_replace(());
    }
}

async fn pass(mut client: TcpStream, server: SocketAddr, mut silence: watch::Receiver<()>) {
    let mut server = TcpStream::connect(server).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = silence.changed() => std::future::pending().await,
    }
}
