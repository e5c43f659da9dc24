//! A server with TLS, and its clients.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{CommandRequest, Payload, StreamId, SubmitError};
use seriatim_proto::{CallError, Client, ConnectError, ConnectOptions};
use seriatim_security::tls::{Pem, ServerTls};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::certificates::{Authority, Pair};
use crate::rig::*;

/// Starts a server with TLS.
pub(crate) async fn start(tls: ServerTls) -> Rig {
    Rig::start_with(|server| server.tls(tls)).await
}

/// Returns what a client needs that trusts an authority.
pub(crate) fn trusting(authority: &Authority) -> ConnectOptions {
    ConnectOptions::new(Duration::from_secs(60)).ca(Pem::text(authority.pem()))
}

/// Returns the URL of a server with TLS.
pub(crate) fn https(rig: &Rig) -> String {
    rig.url.replace("http://", "https://")
}

pub(crate) fn address(rig: &Rig) -> &str {
    rig.url.strip_prefix("http://").unwrap()
}

pub(crate) async fn connect(rig: &Rig, options: ConnectOptions) -> Result<Client, ConnectError> {
    soon(Client::connect(&https(rig), options)).await
}

/// Makes a connection of TLS whose client then does what it likes. It says that it speaks these protocols.
pub(crate) async fn raw(
    address: impl ToSocketAddrs,
    authority: &Authority,
    identity: Option<&Pair>,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap();
    roots.add(ca).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(Pair { certificate, key }) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    soon(TlsConnector::from(Arc::new(config)).connect(name, tcp)).await
}

pub(crate) fn fill(stream: &StreamId) -> CommandRequest {
    let payload = Payload::json("Fill", r#"{"coins":1}"#.to_owned());
    CommandRequest::new(stream.clone(), payload)
}

/// Sends a command. Returns why it was not accepted.
pub(crate) async fn works(client: &Client) -> Result<(), CallError<SubmitError>> {
    soon(client.submit(&fill(&till()))).await.map(drop)
}
