//! The tables `server` and `tls`.

use std::path::{Path, PathBuf};

use super::fault::{Place, Wrong, nearest};
use super::files::{file, secret};
use super::reader::{Faults, Found, Reader};
use crate::tls::{self, Identity, Pem, TlsOptions};

/// Where a server listens, and what is said about the network around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerConfig {
    /// The address of the gRPC server.
    pub listen: Option<String>,
    /// The address of the metrics.
    pub metrics: Option<String>,
    /// True if a proxy in front of it speaks TLS with clients.
    pub behind_proxy: bool,
    /// True if callers need not be asked who they are, although other machines reach the server.
    pub insecure: bool,
    /// True if everybody may ask for the health of a server that asks its callers.
    pub open_health: bool,
    /// True if a server that asks its callers tells everybody its methods, by reflection.
    pub open_reflection: bool,
}

/// The files for TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate of the server, with those that lead to the root, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
    /// The certificates of those who sign client certificates, in PEM. `None` if clients are not asked for one.
    pub client_ca: Option<PathBuf>,
    /// What happens to clients without a certificate.
    pub client_certificates: ClientCertificates,
}

impl From<&TlsConfig> for TlsOptions {
    fn from(config: &TlsConfig) -> Self {
        let required = config.client_certificates == ClientCertificates::Required;
        Self {
            identity: Identity::files(&config.certificate, &config.key),
            clients: (config.client_ca.clone()).map(|ca| tls::ClientCertificates {
                ca: Pem::File(ca),
                required,
            }),
        }
    }
}

/// What happens to clients without a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They may show who they are in another way.
    #[default]
    Optional,
    /// They are refused at the handshake.
    Required,
}

impl ServerConfig {
    pub(super) fn read(table: Option<(Place, Reader<'_>)>, faults: &Faults) -> Self {
        let Some((_, mut table)) = table else {
            return Self::default();
        };
        let server = Self {
            listen: table.text("listen").map(|given| address(given, faults)),
            metrics: table.text("metrics").map(|given| address(given, faults)),
            behind_proxy: table.flag("behind_proxy").unwrap_or_default(),
            insecure: table.flag("insecure").unwrap_or_default(),
            open_health: table.flag("open_health").unwrap_or_default(),
            open_reflection: table.flag("open_reflection").unwrap_or_default(),
        };
        table.finish();
        server
    }
}

/// Checks the form of an address. The name of a host is looked up when the server listens.
fn address(given: Found<String>, faults: &Faults) -> String {
    let parts = given.value.rsplit_once(':');
    let is_right =
        parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !is_right {
        let wrong = Wrong::Address {
            given: given.value.clone(),
        };
        faults.add(&given.place, given.key, wrong);
    }
    given.value
}

impl TlsConfig {
    pub(super) fn read(
        place: &Place,
        mut table: Reader<'_>,
        faults: &Faults,
        folder: &Path,
    ) -> Option<Self> {
        let certificate = table
            .text("certificate")
            .map(|found| file(&found, faults, folder));
        let key = table
            .text("key")
            .map(|found| secret(&found, faults, folder));
        let client_ca = table
            .text("client_ca")
            .map(|found| file(&found, faults, folder));
        let wanted = table.text("client_certificates");
        let client_certificates =
            wanted
                .as_ref()
                .map_or_else(ClientCertificates::default, |found| {
                    if client_ca.is_none() {
                        let needs = "tls.client_ca";
                        faults.add(&found.place, &found.key, Wrong::Needs { needs });
                    }
                    client_certificates(found, faults)
                });
        table.finish();
        for (key, is_missing) in [
            ("certificate", certificate.is_none()),
            ("key", key.is_none()),
        ] {
            if is_missing {
                faults.add(place, "tls", Wrong::Missing { key });
            }
        }
        Some(Self {
            certificate: certificate?,
            key: key?,
            client_ca,
            client_certificates,
        })
    }
}

fn client_certificates(found: &Found<String>, faults: &Faults) -> ClientCertificates {
    let allowed = vec!["optional", "required"];
    match found.value.as_str() {
        "optional" => ClientCertificates::Optional,
        "required" => ClientCertificates::Required,
        given => {
            let wrong = Wrong::Choice {
                given: given.to_owned(),
                nearest: nearest(given, allowed.iter().copied()),
                allowed,
            };
            faults.add(&found.place, &found.key, wrong);
            ClientCertificates::default()
        }
    }
}
