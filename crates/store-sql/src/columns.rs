//! Converts values to the columns of both stores, and back.

use seriatim_core::{ClaimRecord, Codec, ContentHash};

/// A row holds something that this program never wrote there.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The number of a codec that this program does not know.
    #[error("this program does not know codec {0}; use a newer program")]
    Codec(i64),
    /// An event of a stream is missing, although a later one exists.
    #[error("the stream has no event {0} but a later one; restore a backup")]
    Gap(u64),
    /// The content of a claim is not a hash.
    #[error("the content of a claim has {0} bytes; restore a backup")]
    Content(usize),
    /// The first result of a claim is not the JSON that was written.
    #[error(transparent)]
    FirstResult(#[from] serde_json::Error),
}

/// Returns the value of a `LIMIT`. There are no more rows than the largest value.
pub fn limit_column(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Returns the number of a codec.
pub fn codec_column(codec: Codec) -> i16 {
    match codec {
        Codec::Json => 0,
        Codec::Protobuf => 1,
    }
}

/// Returns the codec with this number.
pub fn codec(number: i64) -> Result<Codec, Unreadable> {
    match number {
        0 => Ok(Codec::Json),
        1 => Ok(Codec::Protobuf),
        other => Err(Unreadable::Codec(other)),
    }
}

/// Makes a claim from the columns `content` and `first_result`.
pub fn claim_record(content: &[u8], first_result: &str) -> Result<ClaimRecord, Unreadable> {
    let hash = content.try_into();
    let hash = hash.map_err(|_| Unreadable::Content(content.len()))?;
    Ok(ClaimRecord {
        content: ContentHash(hash),
        first: serde_json::from_str(first_result)?,
    })
}
