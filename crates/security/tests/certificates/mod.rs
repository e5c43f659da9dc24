//! Authorities, and what they sign, for tests.
#![allow(dead_code, reason = "each test uses some of it")]

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::string::Ia5String;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use seriatim_security::tls::{ClientCertificates, Identity, Pem, ServerTls, TlsError, TlsOptions};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An authority that signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key as PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Signs a certificate for this machine, that is valid for a day.
    pub(crate) fn server(&self) -> Pair {
        self.signed(&["localhost", "127.0.0.1"], &[], DAY)
    }

    /// Signs one for DNS names or addresses and URIs, that was valid since yesterday and still is for a time.
    pub(crate) fn signed(&self, names: &[&str], uris: &[&str], valid: Duration) -> Pair {
        let now = SystemTime::now();
        self.signed_between(names, uris, now - DAY, now + valid)
    }

    pub(crate) fn signed_between(
        &self,
        names: &[&str],
        uris: &[&str],
        from: SystemTime,
        to: SystemTime,
    ) -> Pair {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        let uris = uris.iter().map(|uri| Ia5String::try_from(*uri).unwrap());
        params.subject_alt_names.extend(uris.map(SanType::URI));
        params.distinguished_name.push(DnType::CommonName, "tested");
        params.not_before = from.into();
        params.not_after = to.into();
        let key = KeyPair::generate().unwrap();
        Pair {
            certificate: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Pair {
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            certificate: Pem::text(&self.certificate),
            key: Pem::text(&self.key),
        }
    }

    /// Makes TLS that asks clients for nothing.
    pub(crate) fn server(&self) -> ServerTls {
        self.server_for(None).unwrap()
    }

    pub(crate) fn server_for(
        &self,
        clients: Option<ClientCertificates>,
    ) -> Result<ServerTls, TlsError> {
        ServerTls::new(TlsOptions {
            identity: self.identity(),
            clients,
        })
    }
}

/// A certificate and its key in files.
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Files {
    pub(crate) fn new(folder: &Path, pair: &Pair) -> Self {
        let files = Self {
            certificate: folder.join("server.pem"),
            key: folder.join("server.key"),
        };
        files.write(pair);
        files
    }

    pub(crate) fn write(&self, pair: &Pair) {
        std::fs::write(&self.certificate, &pair.certificate).unwrap();
        self.write_key(&pair.key);
    }

    pub(crate) fn write_key(&self, key: &str) {
        std::fs::write(&self.key, key).unwrap();
        self.set_mode(0o600);
    }

    #[cfg(unix)]
    pub(crate) fn set_mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&self.key, permissions).unwrap();
    }

    #[cfg(not(unix))]
    pub(crate) fn set_mode(&self, _: u32) {}

    pub(crate) fn options(&self) -> TlsOptions {
        TlsOptions {
            identity: Identity::files(&self.certificate, &self.key),
            clients: None,
        }
    }
}

/// Accepts client certificates of an authority.
pub(crate) fn clients_of(authority: &Authority, required: bool) -> Option<ClientCertificates> {
    Some(ClientCertificates {
        ca: Pem::text(authority.pem()),
        required,
    })
}
