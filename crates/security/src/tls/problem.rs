//! Says why a connection to a server with TLS does not come about.

use std::error::Error;
use std::fmt::Write as _;
use std::io;

use rustls::{AlertDescription, CertificateError};

/// The reason why there is no connection, as a client sees it. Its text says what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TlsProblem {
    /// The server does not answer in TLS, or ends the connection at once.
    #[error(
        "the server does not shake hands in TLS; if it has no TLS, give its URL as http://HOST:PORT"
    )]
    NoTls,
    /// The server answers in TLS, and the client did not.
    #[error("the server speaks TLS; give its URL as https://HOST:PORT")]
    NeedsTls,
    /// Nobody who is trusted has signed the server's certificate.
    #[error(
        "the server's certificate is signed by an authority that is not trusted here; give the certificate of its authority as the CA (`--ca FILE`)"
    )]
    UnknownAuthority,
    /// The certificate has other names than the one in the URL.
    #[error(
        "the server's certificate is not for the host in the URL{0}; call it by a name in the certificate, or have it made for this one"
    )]
    WrongName(Names),
    /// The server's certificate has expired.
    #[error("the server's certificate has expired; ask who runs the server for a new one")]
    Expired,
    /// The server's certificate is not valid yet.
    #[error(
        "the server's certificate is not valid yet; compare the clocks of this machine and of the server"
    )]
    NotYetValid,
    /// The server wants a client certificate.
    #[error(
        "the server wants a client certificate; give one with its key (`--cert FILE --key FILE`)"
    )]
    CertificateWanted,
    /// The server does not accept the client certificate.
    #[error(
        "the server does not accept the client certificate; give one that is valid and signed by an authority that the server trusts"
    )]
    CertificateRefused,
    /// The host in the URL can be in no certificate.
    #[error("`{0}` is neither a host name nor an address, so no certificate can be for it")]
    NoName(String),
    /// Something else about TLS is wrong.
    #[error("TLS failed: {0}")]
    Other(rustls::Error),
}

/// The names in a certificate, for an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.is_empty() {
            true => Ok(()),
            false => write!(f, " but for {}", self.0.join(", ")),
        }
    }
}

impl TlsProblem {
    /// Returns the problem that an error of a connection means, if it means one.
    pub fn of(error: &io::Error) -> Option<Self> {
        let inner = error.get_ref()?;
        let inner: &(dyn Error + 'static) = inner;
        let known = inner.downcast_ref::<Self>().cloned();
        known.or_else(|| inner.downcast_ref().map(Self::of_tls))
    }

    /// Returns the problem that an error of a handshake means, if it means one.
    pub(super) fn of_handshake(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => Some(Self::NoTls),
            _ => Self::of(error),
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        use rustls::Error as Tls;
        match error {
            Tls::InvalidMessage(_) => Self::NoTls,
            Tls::InvalidCertificate(error) => match error {
                CertificateError::UnknownIssuer => Self::UnknownAuthority,
                CertificateError::NotValidForName => Self::WrongName(Names::default()),
                CertificateError::NotValidForNameContext { presented, .. } => {
                    Self::WrongName(Names(presented.iter().map(|name| readable(name)).collect()))
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::Expired
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYetValid
                }
                _ => Self::Other(Tls::InvalidCertificate(error.clone())),
            },
            Tls::AlertReceived(AlertDescription::CertificateRequired) => Self::CertificateWanted,
            Tls::AlertReceived(
                AlertDescription::BadCertificate
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateUnknown
                | AlertDescription::DecryptError
                | AlertDescription::UnknownCA
                | AlertDescription::UnsupportedCertificate,
            ) => Self::CertificateRefused,
            other => Self::Other(other.clone()),
        }
    }
}

/// The names come from a server that nobody trusts yet, and may be shown on a terminal.
fn readable(name: &str) -> String {
    let mut text = String::new();
    for character in seriatim_core::printable(name).chars().take(253) {
        // Writing to a string does not fail.
        let _ = text.write_char(character);
    }
    text
}
