//! Reads what a certificate says of its owner.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// The names and the end of a certificate.
pub(super) struct Facts {
    /// The DNS names, in lower case, and the URIs.
    pub(super) names: Vec<String>,
    pub(super) expires: SystemTime,
}

impl Facts {
    /// Reads them. Returns `None` if it is no certificate.
    pub(super) fn of(certificate: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let alternative = certificate.subject_alternative_name().ok()?;
        let names = alternative.map_or(&[][..], |names| &names.value.general_names);
        let expires = certificate.validity().not_after.timestamp();
        Some(Self {
            names: names.iter().filter_map(name).collect(),
            expires: UNIX_EPOCH + Duration::from_secs(u64::try_from(expires).unwrap_or_default()),
        })
    }
}

/// A DNS name never looks like a URI, so that an authority that checks only one of the two kinds is not deceived.
fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) if !name.contains([':', '/']) => Some(name.to_ascii_lowercase()),
        GeneralName::URI(uri) if uri.contains(':') => Some((*uri).to_owned()),
        _ => None,
    }
}
