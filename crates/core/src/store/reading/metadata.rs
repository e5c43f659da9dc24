//! Reads stored metadata: JSON text, or nothing if no metadata is known.

use std::sync::Arc;

use uuid::Uuid;

use crate::Metadata;

/// Reads metadata; successive events with the same text share one copy.
#[derive(Debug, Default)]
pub struct MetadataReader {
    empty: Arc<Metadata>,
    /// The text and the metadata that were read last; the text is empty if none was.
    last: (String, Arc<Metadata>),
}

impl MetadataReader {
    /// Reads JSON text; `None` stands for empty metadata. Fails if the text is not valid metadata.
    pub fn read(&mut self, text: Option<&str>) -> Result<Arc<Metadata>, serde_json::Error> {
        let Some(text) = text else {
            return Ok(self.empty.clone());
        };
        let (last, metadata) = &mut self.last;
        if last != text || text.is_empty() {
            let read = match plain(text) {
                Some(read) => read,
                None => serde_json::from_str(text)?,
            };
            *metadata = Arc::new(read);
            last.clear();
            last.push_str(text);
        }
        Ok(metadata.clone())
    }
}

/// Reads the usual form of metadata, an object of strings without escapes, faster than JSON can be read. Reading
/// metadata limits the speed at which a log is read. Returns `None` for any other text, valid or not.
fn plain(text: &str) -> Option<Metadata> {
    // All bytes are checked instead of stopping at the first hit, so that one instruction checks several bytes.
    let escapes = |found, byte| found | (byte < b' ') | (byte == b'\\');
    if text.bytes().fold(false, escapes) {
        return None;
    }
    let mut metadata = Metadata::default();
    let mut rest = text.strip_prefix('{')?.strip_suffix('}')?;
    loop {
        let (name, after) = string(rest)?;
        let after = after.strip_prefix(':')?;
        // The depth is the only number, and is written last.
        if name == "depth" {
            // Others than JSON read `+1` and `01` too.
            let is_plain = after.bytes().all(|byte| byte.is_ascii_digit());
            metadata.depth = after
                .parse()
                .ok()
                .filter(|_| is_plain && !after.starts_with('0'))?;
            return Some(metadata);
        }
        let (value, after) = string(after)?;
        let known = match name {
            "causation_id" => {
                let id = Uuid::try_parse(value).ok()?;
                metadata.causation_id.replace(id).is_some()
            }
            "correlation_id" => metadata.correlation_id.replace(value.into()).is_some(),
            "external_id" => metadata.external_id.replace(value.into()).is_some(),
            "actor" => metadata.actor.replace(value.into()).is_some(),
            _ => return None,
        };
        match after.strip_prefix(',') {
            _ if known => return None,
            Some(next) => rest = next,
            None => return after.is_empty().then_some(metadata),
        }
    }
}

/// Returns the content of a string without escapes, and the rest of the text.
fn string(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let end = memchr::memchr(b'"', text.as_bytes())?;
    Some((&text[..end], &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{FactOrigin, Timestamp};

    fn string() -> impl Strategy<Value = Option<String>> {
        proptest::option::of("[a-z\"\\\\\n,:{} é]{0,6}")
    }

    fn metadata() -> impl Strategy<Value = Metadata> {
        let id = proptest::option::of(any::<u128>().prop_map(Uuid::from_u128));
        let sent_at = proptest::option::of(any::<i64>().prop_map(Timestamp::from_micros));
        let depth = 0..3_u32;
        (string(), id, string(), string(), string(), sent_at, depth).prop_map(
            |(correlation_id, causation_id, external_id, actor, source, sent_at, depth)| Metadata {
                correlation_id,
                causation_id,
                external_id,
                actor,
                origin: source.map(|source| FactOrigin {
                    source,
                    description: String::new(),
                }),
                sent_at,
                depth,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(all in proptest::collection::vec(metadata(), 1..5)) {
            let mut reader = MetadataReader::default();
            for written in all {
                let text = serde_json::to_string(&written).unwrap();
                let read = reader.read(Some(&text)).unwrap();
                prop_assert_eq!(&*read, &written);
                let again = reader.read(Some(&text)).unwrap();
                prop_assert!(Arc::ptr_eq(&read, &again));
            }
        }

        /// A text close to metadata. JSON reads whatever the short way reads, with the same result.
        #[test]
        fn the_short_way_reads_nothing_that_json_does_not(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("\"actor\""), Just("\"correlation_id\""), Just("\"causation_id\""), Just("\"other\""),
                    Just("\"018f2c5e-0000-7000-8000-000000000000\""), Just("\"a\""), Just("\"\\n\""), Just("\"\n\""),
                    Just(":"), Just(","), Just(" "), Just("null"), Just("{"), Just("}"),
                ],
                0..9,
            ),
            pairs in proptest::collection::vec(("actor|external_id|causation_id|other", "[a-f0-9-]{0,3}"), 0..4),
            depth in proptest::option::of("[+0-9]{0,3}"),
        ) {
            let pairs = pairs.iter().map(|(name, value)| format!("\"{name}\":\"{value}\""));
            let depth = depth.map(|depth| format!("\"depth\":{depth}"));
            let pairs: Vec<_> = pairs.chain(depth).collect();
            for text in [format!("{{{}}}", parts.concat()), format!("{{{}}}", pairs.join(","))] {
                if let Some(read) = plain(&text) {
                    prop_assert_eq!(read, serde_json::from_str(&text).unwrap());
                }
            }
        }
    }

    #[test]
    fn the_short_way_is_taken() {
        let text = r#"{"correlation_id":"c","causation_id":"018f2c5e-0000-7000-8000-000000000000","external_id":"e","actor":"a"}"#;
        assert_eq!(plain(text), Some(serde_json::from_str(text).unwrap()));
        assert!(plain(r#"{"actor":"a","actor":"b"}"#).is_none());
        let mut reader = MetadataReader::default();
        for unsound in [
            "",
            "{",
            r#"{"depth":+1}"#,
            r#"{"depth":01}"#,
            r#"{"actor":"a","actor":"b"}"#,
            r#"{"causation_id":"x"}"#,
        ] {
            assert!(reader.read(Some(unsound)).is_err(), "{unsound}");
            assert!(reader.read(Some(unsound)).is_err(), "{unsound}");
        }
    }
}
