//! Holds what a caller shows of itself.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq as _;

/// What a caller shows: the value of the header `authorization`, and the names in its client certificate. Cheap to
/// clone. `Debug` shows neither.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The value of the header, as it was sent.
    pub authorization: Option<Arc<[u8]>>,
    /// The DNS names and the URIs in the certificate that the connection has shown.
    pub certificate: Option<Arc<[String]>>,
}

/// It takes the same time for every header of the same length.
impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        let is_same = match (&self.authorization, &other.authorization) {
            (Some(ours), Some(theirs)) => ours.ct_eq(theirs).into(),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        is_same && self.certificate == other.certificate
    }
}

impl Eq for Credentials {}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("has_authorization", &self.authorization.is_some())
            .field("has_certificate", &self.certificate.is_some())
            .finish()
    }
}
