//! The tables `server` and `tls`.

use std::path::Path;

use seriatim_core::nearest;

use super::fault::{Place, Wrong};
use super::files::{file, secret};
use super::reader::{Faults, Found, Reader};
use crate::tls::{ClientCertificates, Identity, Pem, TlsOptions};

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

/// Reads the table `tls`.
pub(super) fn tls(
    place: &Place,
    mut table: Reader<'_>,
    faults: &Faults,
    folder: &Path,
) -> Option<TlsOptions> {
    let mut named = |key| table.text(key).map(|found| file(&found, faults, folder));
    let (certificate, client_ca) = (named("certificate"), named("client_ca"));
    let key = table.text("key");
    let key = key.map(|found| secret(&found, faults, folder));
    let wanted = table.text("client_certificates");
    if let (Some(found), None) = (&wanted, &client_ca) {
        let needs = "tls.client_ca";
        faults.add(&found.place, &found.key, Wrong::Needs { needs });
    }
    let required = wanted.is_some_and(|found| is_required(&found, faults));
    table.finish();
    for (key, is_missing) in [
        ("certificate", certificate.is_none()),
        ("key", key.is_none()),
    ] {
        if is_missing {
            faults.add(place, "tls", Wrong::Missing { key });
        }
    }
    Some(TlsOptions {
        identity: Identity::files(certificate?, key?),
        clients: client_ca.map(|ca| ClientCertificates {
            ca: Pem::File(ca),
            required,
        }),
    })
}

/// Returns whether clients without a certificate are refused.
fn is_required(found: &Found<String>, faults: &Faults) -> bool {
    let allowed = vec!["optional", "required"];
    match found.value.as_str() {
        "optional" => false,
        "required" => true,
        given => {
            let wrong = Wrong::Choice {
                given: given.to_owned(),
                nearest: nearest(given, allowed.iter().copied()),
                allowed,
            };
            faults.add(&found.place, &found.key, wrong);
            false
        }
    }
}
