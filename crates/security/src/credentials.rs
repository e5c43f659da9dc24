//! Holds what a caller shows of itself.

use std::fmt;
use std::sync::Arc;

/// What a caller shows: the value of the header `authorization`, and the names in its client certificate. Cheap to
/// clone. `Debug` shows neither.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The value of the header, as it was sent.
    pub authorization: Option<Arc<[u8]>>,
    /// The DNS names and the URIs in the certificate that the connection has shown.
    pub certificate: Option<Arc<[String]>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("has_authorization", &self.authorization.is_some())
            .field("has_certificate", &self.certificate.is_some())
            .finish()
    }
}
