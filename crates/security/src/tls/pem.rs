//! Reads certificates and keys as PEM.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsError;
use crate::exposure::is_exposed;

/// The most bytes that are read of a file. Chains of certificates have a few thousand.
const MOST_BYTES: u64 = 1024 * 1024;

/// Certificates or a key as PEM, in a file or in memory. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    /// A file. It is read when it is needed.
    File(PathBuf),
    /// The text itself.
    Text(Arc<[u8]>),
}

/// A certificate with the certificates that lead to its authority, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The chain, the own certificate first.
    pub certificate: Pem,
    /// The key. If it is a file, only its owner may be able to read it.
    pub key: Pem,
}

impl Identity {
    /// Names the two files.
    pub fn files(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificate: Pem::File(certificate.into()),
            key: Pem::File(key.into()),
        }
    }
}

impl Pem {
    /// Takes text.
    pub fn text(text: impl AsRef<[u8]>) -> Self {
        Self::Text(text.as_ref().into())
    }

    pub(super) fn read(&self) -> Result<Arc<[u8]>, TlsError> {
        match self {
            Self::File(path) => Ok(read(path, false)?.into()),
            Self::Text(text) => Ok(Arc::clone(text)),
        }
    }

    /// Reads a key. Fails if others can read it too.
    pub(super) fn read_secret(&self) -> Result<Arc<[u8]>, TlsError> {
        match self {
            Self::File(path) => Ok(read_secret(path)?.into()),
            Self::Text(text) => Ok(Arc::clone(text)),
        }
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Text(_) => f.debug_tuple("Text").finish_non_exhaustive(),
        }
    }
}

/// How errors name it.
impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Text(_) => f.write_str("the given text"),
        }
    }
}

/// Reads a file with a secret, for example a key or a token. On Unix it fails if anybody but the owner can read or
/// change the file.
pub fn read_secret(path: &Path) -> Result<Vec<u8>, TlsError> {
    read(path, true)
}

fn read(path: &Path, is_secret: bool) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::Read {
        path: path.into(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    if is_secret {
        check_mode(&file, path)?;
    }
    let mut bytes = Vec::new();
    let read = file.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    if read.map_err(failed)? as u64 > MOST_BYTES {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    Ok(bytes)
}

fn check_mode(file: &File, path: &Path) -> Result<(), TlsError> {
    let metadata = file.metadata().map_err(|source| TlsError::Read {
        path: path.into(),
        source,
    })?;
    match is_exposed(&metadata) {
        true => Err(TlsError::Exposed { path: path.into() }),
        false => Ok(()),
    }
}

/// Reads a chain. `from` is where the bytes come from.
pub(super) fn chain(bytes: &[u8], from: &Pem) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(TlsError::NoCertificate { from: from.clone() }),
        Err(reason) => Err(TlsError::NoPem {
            from: from.clone(),
            reason: reason.to_string(),
        }),
    }
}

pub(super) fn key(bytes: &[u8], from: &Pem) -> Result<PrivateKeyDer<'static>, TlsError> {
    // The reason could repeat parts of the key.
    PrivateKeyDer::from_pem_slice(bytes).map_err(|_| TlsError::NoKey { from: from.clone() })
}

/// Reads the certificates of authorities.
pub(super) fn authorities(bytes: &[u8], from: &Pem) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(bytes, from)? {
        roots
            .add(certificate)
            .map_err(|reason| TlsError::Authority {
                from: from.clone(),
                reason,
            })?;
    }
    Ok(roots)
}
