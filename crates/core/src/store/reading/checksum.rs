//! Computes a checksum of a stored event, so that a reader notices if its content was changed.

use uuid::Uuid;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use crate::{Codec, Payload, Sequence, StreamId};

/// The most bytes that are copied into one piece and hashed at once. Of most events the copy costs less than hashing
/// many small parts.
const AT_ONCE: usize = 1024;
/// The number of bytes that are hashed besides the texts.
const FIXED: usize = 4 * 8 + 16 + 4 + 16 + 1;

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
    checksum_by(stream, sequence, id, payload, metadata, AT_ONCE)
}

/// Returns the same checksum for every value of `at_once`.
fn checksum_by(
    stream: &StreamId,
    sequence: Sequence,
    id: Uuid,
    payload: &Payload,
    metadata: Option<&str>,
    at_once: usize,
) -> u64 {
    // The length comes before each text, so that no text can end where another begins.
    let texts = [
        stream.domain.as_str().as_bytes(),
        payload.type_name.as_bytes(),
        metadata.unwrap_or_default().as_bytes(),
        &payload.data,
    ];
    let put_all = |put: &mut dyn FnMut(&[u8])| {
        for text in texts {
            put(&(text.len() as u64).to_le_bytes());
            put(text);
        }
        put(stream.root.as_bytes());
        put(&sequence.0.to_le_bytes());
        put(id.as_bytes());
        put(&[match payload.codec {
            Codec::Json => 0,
            Codec::Protobuf => 1,
        }]);
    };
    if texts.map(<[u8]>::len).iter().sum::<usize>() + FIXED > at_once {
        let mut hash = Xxh3Default::new();
        put_all(&mut |part| hash.update(part));
        return hash.digest();
    }
    let (mut piece, mut end) = ([0; AT_ONCE], 0);
    put_all(&mut |part| {
        piece[end..end + part.len()].copy_from_slice(part);
        end += part.len();
    });
    xxh3_64(&piece[..end])
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

    #[test]
    fn in_one_piece_and_in_parts_it_is_the_same() {
        let stream = StreamId::new(Domain::new("note").unwrap(), Uuid::from_u128(1));
        for length in (0..2 * AT_ONCE).step_by(3) {
            let text: Vec<_> = (0..length).map(|n| n.to_le_bytes()[0]).collect();
            let payload = Payload::protobuf("Noted", text);
            let by = |at_once| {
                let (sequence, id) = (Sequence(7), Uuid::from_u128(2));
                checksum_by(&stream, sequence, id, &payload, Some("{}"), at_once)
            };
            assert_eq!(by(AT_ONCE), by(0), "{length}");
        }
    }
}
