//! The server's side of TLS.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, sink};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificate::Facts;
use super::pem::{self, Identity, Pem};
use super::reload::Told;
use super::{TlsError, VERSIONS, provider};

/// The longest time, and the most bytes, that are waited for after a handshake that has failed.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 64 * 1024;

/// TLS for the doors of a server. It takes other certificates into use when its files change. Cheap to clone; clones are
/// one.
#[derive(Clone)]
pub struct ServerTls(pub(super) Arc<Data>);

pub(super) struct Data {
    pub(super) options: TlsOptions,
    current: RwLock<Arc<InForce>>,
    /// Held while the files are looked at, so that of two looks at once the later one has the later files.
    pub(super) told: Mutex<Option<Told>>,
}

/// What TLS is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// The server's certificate and key.
    pub identity: Identity,
    /// Which client certificates are accepted. `None` asks for none.
    pub clients: Option<ClientCertificates>,
}

/// Which client certificates are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificates {
    /// The certificates of the authorities that sign them.
    pub ca: Pem,
    /// `true` if a client without one is refused. A client with a certificate of another authority always is.
    pub required: bool,
}

/// The protocol that a door speaks within TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC: `h2`.
    Http2,
    /// Pages and metrics: `http/1.1`.
    Http1,
}

/// A connection whose handshake is done.
#[derive(Debug)]
pub struct Accepted<IO> {
    /// What the client sends and reads.
    pub stream: TlsStream<IO>,
    /// The certificate that the client has shown.
    pub client: Option<ClientCertificate>,
}

/// A client certificate that was verified.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// Its DNS names, in lower case, and its URIs.
    pub names: Arc<[String]>,
    /// The time after which it is not valid any more.
    pub expires: SystemTime,
}

/// What the files contained when they were last usable.
pub(super) struct InForce {
    http2: TlsAcceptor,
    http1: TlsAcceptor,
    pub(super) digest: ContentDigest,
    pub(super) expires: SystemTime,
}

pub(super) type ContentDigest = [u8; 32];

/// What the files contain.
pub(super) struct Content {
    certificate: Arc<[u8]>,
    key: Arc<[u8]>,
    authorities: Option<Arc<[u8]>>,
}

impl ServerTls {
    /// Reads the certificates and the key. Fails if they cannot be used.
    pub fn new(options: TlsOptions) -> Result<Self, TlsError> {
        let in_force = Content::read(&options)?.load(&options)?;
        Ok(Self(Arc::new(Data {
            options,
            current: RwLock::new(Arc::new(in_force)),
            told: Mutex::default(),
        })))
    }

    /// Shakes hands with a client. It may take as long as the client likes: give it a time limit. Fails if the client
    /// does not speak TLS, or shows a certificate that is not accepted.
    pub async fn accept<IO>(&self, io: IO, protocol: Protocol) -> io::Result<Accepted<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let in_force = self.in_force();
        let acceptor = match protocol {
            Protocol::Http2 => &in_force.http2,
            Protocol::Http1 => &in_force.http1,
        };
        let accepted = acceptor.accept(io).into_fallible().await;
        let stream = match accepted {
            Ok(stream) => stream,
            Err((error, io)) => {
                linger(io).await;
                return Err(error);
            }
        };
        let shown = stream.get_ref().1.peer_certificates();
        let facts = match shown.and_then(<[_]>::first) {
            Some(leaf) => Some(Facts::of(leaf).ok_or(io::ErrorKind::InvalidData)?),
            None => None,
        };
        let client = facts.map(|Facts { names, expires }| ClientCertificate {
            names: names.into(),
            expires,
        });
        Ok(Accepted { stream, client })
    }

    /// Returns the time after which the server's certificate is not valid any more.
    pub fn expires(&self) -> SystemTime {
        self.in_force().expires
    }

    pub(super) fn in_force(&self) -> Arc<InForce> {
        let current = &self.0.current;
        Arc::clone(&current.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn put_in_force(&self, next: InForce) {
        let current = &self.0.current;
        *current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.0.options;
        f.debug_tuple("ServerTls").field(options).finish()
    }
}

impl Content {
    pub(super) fn read(options: &TlsOptions) -> Result<Self, TlsError> {
        let clients = options.clients.as_ref();
        Ok(Self {
            certificate: options.identity.certificate.read()?,
            key: options.identity.key.read_secret()?,
            authorities: clients.map(|clients| clients.ca.read()).transpose()?,
        })
    }

    pub(super) fn digest(&self) -> ContentDigest {
        let mut digest = Sha256::new();
        let parts = [Some(&self.certificate), Some(&self.key)];
        for part in parts.into_iter().chain([self.authorities.as_ref()]) {
            digest.update(part.map_or(0, |part| part.len()).to_be_bytes());
            digest.update(part.map_or(&[][..], |part| part));
        }
        digest.finalize().into()
    }

    pub(super) fn load(&self, options: &TlsOptions) -> Result<InForce, TlsError> {
        let Identity { certificate, key } = &options.identity;
        let chain = pem::chain(&self.certificate, certificate)?;
        let facts = chain.first().and_then(|leaf| Facts::of(leaf));
        let facts = facts.ok_or_else(|| TlsError::Certificate {
            from: certificate.clone(),
        })?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(TlsError::Unusable)?;
        let builder = match (&options.clients, &self.authorities) {
            (Some(clients), Some(authorities)) => {
                let roots = Arc::new(pem::authorities(authorities, &clients.ca)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
                let verifier = match clients.required {
                    true => verifier,
                    false => verifier.allow_unauthenticated(),
                };
                // It has roots, so it can be built.
                let verifier = verifier.build().map_err(|_| TlsError::NoCertificate {
                    from: clients.ca.clone(),
                })?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_single_cert(chain, pem::key(&self.key, key)?)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
                    certificate: certificate.clone(),
                    key: key.clone(),
                },
                other => TlsError::Unusable(other),
            })?;
        // A session that is resumed is not verified again: its client certificate may have expired, or its authority
        // may not be trusted any more.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(InForce {
            http1: acceptor(config.clone(), b"http/1.1"),
            http2: acceptor(config, b"h2"),
            digest: self.digest(),
            expires: facts.expires,
        })
    }
}

/// Ends a connection whose client has been told why, and reads what the client has sent meanwhile: closing at once would
/// make the system throw away what the client was told.
async fn linger<IO: AsyncRead + AsyncWrite + Unpin>(mut io: IO) {
    let reading = async {
        if io.shutdown().await.is_ok() {
            let _ = copy(&mut (&mut io).take(LINGER_BYTES), &mut sink()).await;
        }
    };
    // It is a courtesy, so an error and a client that does not end are the same.
    let _ = timeout(LINGER, reading).await;
}

fn acceptor(mut config: ServerConfig, protocol: &[u8]) -> TlsAcceptor {
    config.alpn_protocols = vec![protocol.into()];
    Arc::new(config).into()
}
