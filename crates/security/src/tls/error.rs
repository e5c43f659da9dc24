//! Says why TLS cannot be set up.

use std::io;
use std::path::PathBuf;

use super::Pem;

/// The reason why TLS cannot be set up. No text of it contains a part of a key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read `{}`: {source}; check the path, and who may read the file", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Others than the owner can read or change a file with a secret.
    #[error("the secret in `{0}` is open to others; run `chmod 600 {0}`", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// There is no certificate where one should be.
    #[error("there is no certificate in {from}; it must have a block `BEGIN CERTIFICATE`")]
    NoCertificate {
        /// Where it should be.
        from: Pem,
    },
    /// There is no key where one should be.
    #[error(
        "there is no whole private key in {from}; it must have a block `BEGIN PRIVATE KEY` without a passphrase"
    )]
    NoKey {
        /// Where it should be.
        from: Pem,
    },
    /// The text is not PEM, or not all of it.
    #[error("{from} is no whole PEM file: {reason}")]
    NoPem {
        /// The text.
        from: Pem,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate cannot be read.
    #[error("the certificate in {from} cannot be read; make it anew")]
    Certificate {
        /// Where it is.
        from: Pem,
    },
    /// The key belongs to another certificate.
    #[error(
        "the key in {key} does not belong to the first certificate in {certificate}; give the two that were made together"
    )]
    Mismatch {
        /// The certificate.
        certificate: Pem,
        /// The key.
        key: Pem,
    },
    /// A certificate cannot be that of an authority.
    #[error("the certificate of an authority in {from} cannot be used: {reason}")]
    Authority {
        /// Where it is.
        from: Pem,
        /// The reason.
        reason: rustls::Error,
    },
    /// This machine has no list of authorities that it trusts.
    #[error(
        "this machine trusts no authority; give the certificate of the server's authority as the CA (`--ca FILE`)"
    )]
    NoAuthorities,
    /// TLS does not take the pair for another reason.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[source] rustls::Error),
}
