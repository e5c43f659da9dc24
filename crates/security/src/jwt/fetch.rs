//! Gets the text of the keys, from a file or over HTTP.

use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::JwksSource;

/// The longest text of keys that is read, in bytes.
const MOST_BYTES: usize = 1024 * 1024;

/// The reason why the keys cannot be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the file cannot be read: {0}")]
    File(std::io::Error),
    #[error("it takes more than {MOST_BYTES} bytes")]
    TooLarge,
    #[error("the server cannot be reached: {0}")]
    Connect(std::io::Error),
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    #[error("the server does not speak HTTP: {0}")]
    Http(#[from] hyper::Error),
    #[error("the answer breaks off, or takes more than {MOST_BYTES} bytes")]
    Body,
    #[error("the server answers with status {0}; redirects are not followed")]
    Status(StatusCode),
}

/// Returns whether keys may be fetched from a URL: over TLS, or without it from this machine.
pub(crate) fn may_be_fetched(url: &Uri) -> bool {
    let Some(host) = url.host().filter(|host| !host.is_empty()) else {
        return false;
    };
    // A password would be shown wherever the configuration is.
    let has_user = url
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'));
    match url.scheme_str() {
        _ if has_user => false,
        Some("https") => true,
        Some("http") => is_loopback(host),
        _ => false,
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Returns the text of the keys. The caller limits the time.
pub(super) async fn fetch(source: &JwksSource, ca: Option<&Path>) -> Result<Vec<u8>, FetchError> {
    match source {
        JwksSource::File(path) => {
            let path = path.clone();
            let read = tokio::task::spawn_blocking(move || read(&path));
            read.await.expect("reading a file does not panic")
        }
        JwksSource::Url(url) => get(url, ca).await,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, FetchError> {
    let mut text = Vec::new();
    let file = File::open(path).map_err(FetchError::File)?;
    let most = u64::try_from(MOST_BYTES + 1).expect("a small number");
    file.take(most)
        .read_to_end(&mut text)
        .map_err(FetchError::File)?;
    match text.len() <= MOST_BYTES {
        true => Ok(text),
        false => Err(FetchError::TooLarge),
    }
}

async fn get(url: &Uri, ca: Option<&Path>) -> Result<Vec<u8>, FetchError> {
    let host = url.host().expect("it was checked");
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_tls = url.scheme_str() == Some("https");
    let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.map_err(FetchError::Connect)?;
    match is_tls {
        false => ask(url, stream).await,
        true => {
            let name = ServerName::try_from(host.to_owned());
            let name = name.map_err(|error| FetchError::Tls(error.to_string()))?;
            let connector = TlsConnector::from(Arc::new(tls(ca)?));
            let stream = connector.connect(name, stream).await;
            ask(url, stream.map_err(FetchError::Connect)?).await
        }
    }
}

async fn ask(
    url: &Uri,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<Vec<u8>, FetchError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, url.authority().expect("it was checked").as_str())
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, concat!("seriatim/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<&[u8]>::new())
        .expect("the parts of a URL are valid");
    let answer = async {
        let answer = sender.send_request(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
        Ok(body.map_err(|_| FetchError::Body)?.to_bytes().to_vec())
    };
    // The connection moves only while it is waited for, and ends with the answer.
    tokio::pin!(connection);
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        // The end of the connection may come before the answer is taken.
        ended = &mut connection => {
            ended?;
            answer.await
        }
    }
}

fn tls(ca: Option<&Path>) -> Result<ClientConfig, FetchError> {
    let failed = |error: &dyn std::fmt::Display| FetchError::Tls(error.to_string());
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            let all = CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))?;
            for certificate in all {
                let certificate = certificate.map_err(|error| failed(&error))?;
                roots.add(certificate).map_err(|error| failed(&error))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| failed(&error))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
