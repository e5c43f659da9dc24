//! Protobuf through prost: the payload is the message itself.

use prost::Message;

use crate::{DecodeError, EncodeError, Payload};

/// A protobuf message that knows its full name: every one with a [`prost::Name`].
#[diagnostic::on_unimplemented(
    message = "the protobuf message `{Self}` does not say its full name",
    note = "generate it with prost-build's `enable_type_names`, or add `#[seriatim(name = \"package.Message\")]`"
)]
pub trait Named: Message {
    /// Its package and name, which are the type name of its payloads.
    const FULL_NAME: &'static str;

    /// Returns its name by prost. It differs from [`Named::FULL_NAME`] if the message is nested in another one.
    fn full_name() -> String;
}

#[diagnostic::do_not_recommend]
impl<M: prost::Name> Named for M {
    const FULL_NAME: &'static str = FullName::join(M::PACKAGE, M::NAME).as_str();

    fn full_name() -> String {
        <M as prost::Name>::full_name()
    }
}

/// A package, a dot and a name, joined at compile time.
struct FullName {
    bytes: [u8; Self::MAX],
    length: usize,
}

impl FullName {
    /// The length limit for names in a request.
    const MAX: usize = 256;

    const fn join(package: &str, name: &str) -> Self {
        let mut joined = Self {
            bytes: [0; Self::MAX],
            length: 0,
        };
        joined.push(package);
        if !package.is_empty() {
            joined.push(".");
        }
        joined.push(name);
        joined
    }

    const fn push(&mut self, text: &str) {
        let text = text.as_bytes();
        assert!(
            self.length + text.len() <= Self::MAX,
            "the full name of a message is longer than 256 bytes; shorten it by `#[seriatim(name)]`"
        );
        let mut at = 0;
        while at < text.len() {
            self.bytes[self.length + at] = text[at];
            at += 1;
        }
        self.length += text.len();
    }

    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(name) => name,
            Err(_) => panic!("two texts are a text"),
        }
    }
}

/// Fails the build if two messages of a domain have the same name.
pub const fn assert_distinct(names: &[&str]) {
    let mut at = 0;
    while at < names.len() {
        let mut before = 0;
        while before < at {
            if same(names[before].as_bytes(), names[at].as_bytes()) {
                panic!(
                    "two variants have the same type name; give one of them another by `#[seriatim(name)]`"
                );
            }
            before += 1;
        }
        at += 1;
    }
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    let mut at = 0;
    while at < left.len() && at < right.len() && left[at] == right[at] {
        at += 1;
    }
    at == left.len() && at == right.len()
}

/// Encodes a message under its full name.
///
/// For a message that is nested in another, prost knows that name only at run time. Such a message would be stored
/// under a wrong name, so debug builds refuse it: the first test that writes one fails.
pub fn encode_named<M: Named>(message: &M) -> Result<Payload, EncodeError> {
    if cfg!(debug_assertions) && M::full_name() != M::FULL_NAME {
        let advice = format!(
            "it is nested in another message; add `#[seriatim(name = \"{}\")]`",
            M::full_name()
        );
        return Err(EncodeError {
            type_name: M::FULL_NAME,
            field: None,
            source: serde::ser::Error::custom(advice),
        });
    }
    Ok(encode(M::FULL_NAME, message))
}

/// Encodes a message.
pub fn encode<M: Message>(type_name: &'static str, message: &M) -> Payload {
    Payload::protobuf(type_name, message.encode_to_vec())
}

/// Decodes a message.
pub fn decode<M: Message + Default>(payload: &Payload) -> Result<M, DecodeError> {
    super::check_codec(payload, crate::Codec::Protobuf)?;
    M::decode(payload.data.clone()).map_err(|source| DecodeError::Protobuf {
        type_name: payload.type_name.clone().into_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    struct Opened {}

    impl prost::Name for Opened {
        const NAME: &'static str = "Opened";
        const PACKAGE: &'static str = "bank.v1";
    }

    #[test]
    fn the_full_name_is_known_at_compile_time() {
        const NAME: &str = <Opened as Named>::FULL_NAME;
        assert_eq!(NAME, <Opened as prost::Name>::full_name());
        assert_eq!(FullName::join("", "Opened").as_str(), "Opened");
    }

    #[test]
    #[should_panic(expected = "longer than 256 bytes")]
    fn a_name_longer_than_a_request_may_carry_is_refused() {
        FullName::join(&"p".repeat(200), &"N".repeat(60));
    }

    #[test]
    fn names_that_differ_are_let_through() {
        assert_distinct(&["a", "ab", "b", ""]);
    }

    #[test]
    #[should_panic(expected = "two variants have the same type name")]
    fn a_name_for_two_variants_is_refused() {
        assert_distinct(&["a", "b", "a"]);
    }
}
