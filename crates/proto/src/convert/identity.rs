//! Converts UUIDs and covers, which name the stream, the workflow, and the external id.

use seriatim_core::{Domain, Metadata, StreamId};
use uuid::Uuid;

use super::invalid::{Found, Invalid, required};
use crate::v1;

impl From<Uuid> for v1::Uuid {
    fn from(uuid: Uuid) -> Self {
        Self {
            value: uuid.as_bytes().to_vec(),
        }
    }
}

impl TryFrom<&v1::Uuid> for Uuid {
    type Error = Invalid;

    fn try_from(uuid: &v1::Uuid) -> Result<Self, Invalid> {
        Self::from_slice(&uuid.value).map_err(|_| {
            let message = format!("{} bytes; a UUID has 16", uuid.value.len());
            Invalid::field("value", message)
        })
    }
}

/// Reads a UUID that may be left out.
pub(super) fn optional_uuid(uuid: Option<&v1::Uuid>, field: &str) -> Result<Option<Uuid>, Invalid> {
    uuid.filter(|uuid| !uuid.value.is_empty())
        .map(Uuid::try_from)
        .transpose()
        .map_err(|invalid| invalid.within(field))
}

/// Reads a UUID that must be there.
pub fn uuid(uuid: Option<&v1::Uuid>, field: &str) -> Result<Uuid, Invalid> {
    let uuid = required(uuid, field, "give the 16 bytes of a UUID as its `value`")?;
    Uuid::try_from(uuid).map_err(|invalid| invalid.within(field))
}

/// Reads the name of a domain.
pub fn domain(name: &str, field: &str) -> Result<Domain, Invalid> {
    Domain::new(name).map_err(|error| Invalid::field(field, error.to_string()))
}

/// Reads the stream that a cover names.
pub fn stream(cover: Option<&v1::Cover>) -> Result<StreamId, Invalid> {
    let cover = required(cover, "cover", "give `root` and `domain`")?;
    let mut found = Found::default();
    let domain = found.take(domain(&cover.domain, "cover.domain"));
    let root = found.take(uuid(cover.root.as_ref(), "cover.root"));
    found.give(
        domain
            .zip(root)
            .map(|(domain, root)| StreamId::new(domain, root)),
    )
}

/// Makes the cover of a stream, with nothing else in it.
pub fn cover(stream: &StreamId) -> v1::Cover {
    v1::Cover {
        root: Some(stream.root.into()),
        domain: stream.domain.as_str().into(),
        correlation_id: String::new(),
        external_id: String::new(),
    }
}

/// Makes the cover of a request.
pub(super) fn cover_of_request(stream: &StreamId, metadata: &Metadata) -> v1::Cover {
    v1::Cover {
        correlation_id: metadata.correlation_id.clone().unwrap_or_default(),
        external_id: metadata.external_id.clone().unwrap_or_default(),
        ..cover(stream)
    }
}

/// Reads a text. Returns `None` if it is empty, which means the same as absent on the wire.
pub(super) fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
