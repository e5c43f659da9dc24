//! The client's side of TLS.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::pem::{self, Identity, Pem};
use super::{TlsError, TlsProblem, VERSIONS, provider};

/// TLS for the clients of a server. Cheap to clone.
#[derive(Clone)]
pub struct ClientTls(TlsConnector);

impl ClientTls {
    /// Trusts the authorities in `ca`, and no others. Without it, it trusts those that the machine trusts. It shows
    /// `identity` to servers that ask for a client certificate.
    pub fn new(ca: Option<&Pem>, identity: Option<&Identity>) -> Result<Self, TlsError> {
        let roots = match ca {
            Some(ca) => pem::authorities(&ca.read()?, ca)?,
            None => of_the_machine()?,
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(TlsError::Unusable)?
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let chain = pem::chain(&certificate.read()?, certificate)?;
                let private = pem::key(&key.read_secret()?, key)?;
                let config = builder.with_client_auth_cert(chain, private);
                config.map_err(|error| match error {
                    rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
                        certificate: certificate.clone(),
                        key: key.clone(),
                    },
                    other => TlsError::Unusable(other),
                })?
            }
        };
        config.alpn_protocols = vec![b"h2".into()];
        Ok(Self(Arc::new(config).into()))
    }

    /// Shakes hands with a server, whose certificate must be for `host`: a name or an address. Give it a time limit.
    ///
    /// The error holds a [`TlsProblem`] if TLS is the reason. A server of TLS 1.3 refuses a client certificate only
    /// later: then reading fails.
    pub async fn connect<IO>(&self, host: &str, io: IO) -> io::Result<TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| io::Error::other(TlsProblem::NoName(host.into())))?;
        let connected = self.0.connect(name, io).await;
        connected.map_err(|error| match TlsProblem::of_handshake(&error) {
            Some(problem) => io::Error::new(error.kind(), problem),
            None => error,
        })
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").finish_non_exhaustive()
    }
}

fn of_the_machine() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    // Old machines have certificates in their list that cannot be read any more.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match roots.is_empty() {
        true => Err(TlsError::NoAuthorities),
        false => Ok(roots),
    }
}
