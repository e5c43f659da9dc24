//! Reads and writes the sender of a call, a name in the call's metadata.

use tonic::metadata::{MetadataMap, MetadataValue};

use crate::convert::Invalid;

/// The key for a name of printable ASCII characters.
pub const ACTOR: &str = "seriatim-actor";
/// The key for any other name, in UTF-8.
pub const ACTOR_BIN: &str = "seriatim-actor-bin";

/// Returns the sender of a call, if the call names one. Fails if the name is not valid.
pub fn actor(metadata: &MetadataMap) -> Result<Option<String>, Invalid> {
    if let Some(name) = metadata.get_bin(ACTOR_BIN) {
        let name = name.to_bytes().ok().map(|bytes| bytes.to_vec());
        return match name.map(String::from_utf8) {
            Some(Ok(name)) => Ok(Some(name)),
            Some(Err(_)) | None => Err(Invalid::field(ACTOR_BIN, "is not UTF-8")),
        };
    }
    match metadata.get(ACTOR).map(MetadataValue::to_str) {
        None => Ok(None),
        Some(Ok(name)) => Ok(Some(name.into())),
        Some(Err(_)) => Err(Invalid::field(
            ACTOR,
            format!("is not printable ASCII; send it as `{ACTOR_BIN}`"),
        )),
    }
}

/// Sets the sender of a call.
pub fn set_actor(metadata: &mut MetadataMap, name: &str) {
    match MetadataValue::try_from(name) {
        // Intermediaries may trim an ASCII value, so a name with spaces at its ends is sent as bytes.
        Ok(value) if name.trim() == name && value.to_str().is_ok() => {
            metadata.insert(ACTOR, value);
        }
        Ok(_) | Err(_) => {
            metadata.insert_bin(ACTOR_BIN, MetadataValue::from_bytes(name.as_bytes()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_arrives_as_it_was_sent() {
        for name in ["ann", "Ann Smith", " ann ", "Zoë", "安", ""] {
            let mut metadata = MetadataMap::new();
            set_actor(&mut metadata, name);
            assert_eq!(actor(&metadata), Ok(Some(name.into())), "{name}");
        }
        assert_eq!(actor(&MetadataMap::new()), Ok(None));
    }

    #[test]
    fn a_name_that_cannot_be_read_is_refused() {
        let mut metadata = MetadataMap::new();
        metadata.insert_bin(ACTOR_BIN, MetadataValue::from_bytes(b"\xff"));
        assert_eq!(actor(&metadata).unwrap_err().0[0].field, ACTOR_BIN);
    }
}
