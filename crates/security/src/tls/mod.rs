//! TLS for the doors of a server and for its clients: rustls with one crypto provider, which is passed explicitly. The
//! default provider of the process is neither used nor set.

mod pem;
mod error;
mod certificate;
mod server;
mod reload;
mod client;
mod problem;

pub use client::ClientTls;
pub use error::TlsError;
pub use pem::{Identity, Pem, read_secret};
pub use problem::TlsProblem;
pub use reload::describe_metrics;
pub use server::{
    Accepted, ClientCertificate, ClientCertificates, Protocol, ServerTls, TlsOptions,
};

use std::sync::Arc;

use rustls::SupportedProtocolVersion;
use rustls::crypto::{CryptoProvider, ring};
use rustls::version::{TLS12, TLS13};

const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
