//! Computes a checksum of a stored event, so that a reader notices if its content was changed.

use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3Default;

use crate::{Codec, Payload, Sequence, StreamId};

/// Returns the checksum of an event: 64 bits of XXH3 (<https://xxhash.com>) over its stream, sequence, id and payload,
/// and over its metadata as they are stored.
///
/// It detects accidental changes by a disk or a person; one change in 2^64 goes unnoticed. It does not protect against
/// deliberate changes, because anybody can compute it.
pub fn checksum(
    stream: &StreamId,
    sequence: Sequence,
    id: Uuid,
    payload: &Payload,
    metadata: Option<&str>,
) -> u64 {
    let mut hash = Xxh3Default::new();
    // The length comes before each text, so that no text can end where another begins.
    let mut text = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    text(stream.domain.as_str().as_bytes());
    text(payload.type_name.as_bytes());
    text(metadata.unwrap_or_default().as_bytes());
    text(&payload.data);
    hash.update(stream.root.as_bytes());
    hash.update(&sequence.0.to_le_bytes());
    hash.update(id.as_bytes());
    hash.update(&[match payload.codec {
        Codec::Json => 0,
        Codec::Protobuf => 1,
    }]);
    hash.digest()
}

/// An event was read that differs from the one that was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "event {sequence} of `{stream}` is not what was written, because its checksum differs: restore a backup, or, if \
     somebody has changed it on purpose, set its checksum to NULL"
)]
pub struct ChecksumDiffers {
    /// Its stream.
    pub stream: StreamId,
    /// Its sequence.
    pub sequence: Sequence,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Domain;

    /// Later programs must compute the same checksums as those that are stored.
    #[test]
    fn it_stays_the_same_and_sees_every_part() {
        let stream = |name| StreamId::new(Domain::new(name).unwrap(), Uuid::from_u128(1));
        let payload = Payload::json("Noted", r#"{"text":"x"}"#);
        let of = |stream: &StreamId, sequence, id, payload: &Payload, metadata| {
            checksum(
                stream,
                Sequence(sequence),
                Uuid::from_u128(id),
                payload,
                metadata,
            )
        };
        let one = of(&stream("note"), 0, 2, &payload, Some("{}"));
        assert_eq!(one, 0xb663_683f_e19e_85d4);
        let other_root = StreamId::new(stream("note").domain, Uuid::from_u128(3));
        let protobuf = Payload {
            codec: Codec::Protobuf,
            ..payload.clone()
        };
        for other in [
            of(&stream("notes"), 0, 2, &payload, Some("{}")),
            of(&other_root, 0, 2, &payload, Some("{}")),
            of(&stream("note"), 1, 2, &payload, Some("{}")),
            of(&stream("note"), 0, 3, &payload, Some("{}")),
            of(&stream("note"), 0, 2, &payload, None),
            of(&stream("note"), 0, 2, &protobuf, Some("{}")),
            of(
                &stream("note"),
                0,
                2,
                &Payload::json("Note", r#"d{"text":"x"}"#),
                Some("{}"),
            ),
            of(
                &stream("note"),
                0,
                2,
                &Payload::json("Noted", r#"{"text":"y"}"#),
                Some("{}"),
            ),
        ] {
            assert_ne!(one, other);
        }
    }
}
