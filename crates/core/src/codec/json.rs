//! JSON through serde. The variant of an enum is the payload's type name, so only its content is written.

use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use serde::{Deserializer, Serialize};

use crate::{Codec, DecodeError, EncodeError, Payload, Tree, UnknownFields};

#[doc(hidden)]
pub use serde_json::Value;

/// Returns the JSON of a rejection's field. It is null if the field has no JSON form, because a rejection must not fail
/// on its details. A number that a [`Value`] cannot hold becomes a text.
pub fn field_value<T: Serialize>(field: &T) -> Value {
    Tree::of(field).map_or(Value::Null, |tree| Value::from(&tree))
}

/// Encodes a struct.
pub fn encode<T: Serialize>(type_name: &'static str, value: &T) -> Result<Payload, EncodeError> {
    match serde_json::to_vec(value) {
        Ok(text) => Ok(Payload::json(type_name, text)),
        Err(source) => Err(unencodable(type_name, source)),
    }
}

/// Decodes a struct.
pub fn decode<T: DeserializeOwned>(payload: &Payload) -> Result<T, DecodeError> {
    super::check_codec(payload, Codec::Json)?;
    serde_json::from_slice(&payload.data).map_err(|source| misfit(payload, source))
}

/// Decodes a struct, and notes the fields of the text that it does not have.
pub fn decode_noting<T: DeserializeOwned>(
    payload: &Payload,
    unknown: &mut UnknownFields,
) -> Result<T, DecodeError> {
    super::check_codec(payload, Codec::Json)?;
    let mut note = |path: serde_ignored::Path<'_>| unknown.note(&path);
    let mut json = serde_json::Deserializer::from_slice(&payload.data);
    let read = T::deserialize(serde_ignored::Deserializer::new(&mut json, &mut note));
    let read = read.and_then(|read| json.end().map(|()| read));
    read.map_err(|source| misfit(payload, source))
}

/// Encodes a struct without fields, in the same way as the content of a variant without fields.
pub fn encode_unit(type_name: &'static str) -> Payload {
    Payload::json(type_name, bytes::Bytes::from_static(NOTHING))
}

/// Decodes a struct without fields: `{}` or `null`.
pub fn decode_unit(payload: &Payload) -> Result<(), DecodeError> {
    decode::<Option<Nothing>>(payload).map(drop)
}

/// The content of a message without fields.
const NOTHING: &[u8] = b"{}";

/// Accepts `{}` and refuses fields that would be silently dropped.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Encodes the content of an enum's `variant` under `type_name`; `value` must be that variant.
///
/// serde writes `{"Deposited":{"cents":5}}`, or `"Closed"` if there is no content; the payload holds `{"cents":5}`, or
/// `{}`. The content is cut out of the text, not parsed again.
pub fn encode_variant<T: Serialize>(
    type_name: &'static str,
    variant: &'static str,
    value: &T,
) -> Result<Payload, EncodeError> {
    let text = serde_json::to_vec(value).map_err(|source| unencodable(type_name, source))?;
    let content = content_of(variant, &text).ok_or_else(|| {
        let why =
            format!("it is not serialised as the variant `{variant}`; derive `Serialize` for it");
        unencodable(type_name, serde::ser::Error::custom(why))
    })?;
    Ok(match content {
        Some(range) => Payload::json(type_name, bytes::Bytes::from(text).slice(range)),
        None => encode_unit(type_name),
    })
}

/// Returns the range of the content in `{"VARIANT":CONTENT}`, or `Some(None)` for `"VARIANT"`. Returns `None` for
/// anything else, which only a hand-written `Serialize` can write.
fn content_of(variant: &str, text: &[u8]) -> Option<Option<std::ops::Range<usize>>> {
    let rest = text.strip_prefix(b"{").unwrap_or(text);
    let rest = rest.strip_prefix(b"\"")?.strip_prefix(variant.as_bytes())?;
    let rest = rest.strip_prefix(b"\"")?;
    if rest.is_empty() {
        return Some(None);
    }
    let start = text.len() - rest.strip_prefix(b":")?.len();
    Some(Some(start..text.len() - 1))
}

/// Decodes the enum whose `variant` the payload holds.
pub fn decode_variant<T: DeserializeOwned>(
    variant: &'static str,
    payload: &Payload,
) -> Result<T, DecodeError> {
    super::check_codec(payload, Codec::Json)?;
    T::deserialize(Variant {
        name: variant,
        content: &payload.data,
    })
    .map_err(|source| misfit(payload, source))
}

/// Decodes the enum whose `variant` the payload holds, and notes the fields of the text that the variant does not have.
pub fn decode_variant_noting<T: DeserializeOwned>(
    variant: &'static str,
    payload: &Payload,
    unknown: &mut UnknownFields,
) -> Result<T, DecodeError> {
    super::check_codec(payload, Codec::Json)?;
    let mut note = |path: serde_ignored::Path<'_>| unknown.note(&path);
    let content = Variant {
        name: variant,
        content: &payload.data,
    };
    let read = T::deserialize(serde_ignored::Deserializer::new(content, &mut note));
    read.map_err(|source| misfit(payload, source))
}

fn unencodable(type_name: &'static str, source: serde_json::Error) -> EncodeError {
    EncodeError {
        type_name,
        field: None,
        source,
    }
}

fn misfit(payload: &Payload, source: serde_json::Error) -> DecodeError {
    DecodeError::Json {
        type_name: payload.type_name.clone().into_owned(),
        source,
    }
}

/// An enum, seen by serde as the variant called `name` with the JSON text `content`.
struct Variant<'a> {
    name: &'static str,
    content: &'a [u8],
}

impl<'de> Deserializer<'de> for Variant<'de> {
    type Error = serde_json::Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_enum(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = serde_json::Error;
    type Variant = Content<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), Self::Error> {
        let name: de::value::StrDeserializer<'_, Self::Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, Content(self.content)))
    }
}

/// The JSON text of a variant's content.
struct Content<'a>(&'a [u8]);

impl<'de> Content<'de> {
    /// Reads all of the text with `read`.
    fn read<T>(
        self,
        read: impl FnOnce(
            &mut serde_json::Deserializer<serde_json::de::SliceRead<'de>>,
        ) -> Result<T, serde_json::Error>,
    ) -> Result<T, serde_json::Error> {
        let mut json = serde_json::Deserializer::from_slice(self.0);
        let value = read(&mut json)?;
        json.end()?;
        Ok(value)
    }
}

impl<'de> de::VariantAccess<'de> for Content<'de> {
    type Error = serde_json::Error;

    fn unit_variant(self) -> Result<(), Self::Error> {
        self.read(|json| <Option<Nothing> as serde::Deserialize>::deserialize(json).map(drop))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, Self::Error> {
        self.read(|json| seed.deserialize(json))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Self::Error> {
        self.read(|json| json.deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.read(|json| json.deserialize_struct("", fields, visitor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
    struct Amount {
        cents: u64,
    }

    #[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
    enum Shape {
        Unit,
        Newtype(Amount),
        Text(String),
        Tuple(u8, String),
        Struct {
            cents: u64,
            #[serde(default)]
            note: Option<String>,
        },
    }

    #[test]
    fn every_shape_of_variant_reads_back() {
        let shapes = [
            ("Unit", Shape::Unit, "{}"),
            (
                "Newtype",
                Shape::Newtype(Amount { cents: 5 }),
                r#"{"cents":5}"#,
            ),
            ("Text", Shape::Text("a\"b".into()), r#""a\"b""#),
            ("Tuple", Shape::Tuple(1, "x".into()), r#"[1,"x"]"#),
            (
                "Struct",
                Shape::Struct {
                    cents: 7,
                    note: None,
                },
                r#"{"cents":7,"note":null}"#,
            ),
        ];
        for (variant, value, text) in shapes {
            let payload = encode_variant("stored.Name", variant, &value).unwrap();
            assert_eq!(payload.data, text.as_bytes());
            assert_eq!(decode_variant::<Shape>(variant, &payload).unwrap(), value);
        }
    }

    #[test]
    fn what_is_not_serialised_as_its_variant_is_refused() {
        for text in ["Other", "", "Uni", "Units"] {
            assert!(encode_variant("Unit", "Unit", &text).is_err(), "{text}");
        }
        let other = std::collections::BTreeMap::from([("Other", 1)]);
        assert!(encode_variant("Unit", "Unit", &other).is_err());
        assert!(encode_variant("Unit", "Unit", &[1]).is_err());
    }

    #[test]
    fn fields_with_defaults_may_be_missing() {
        let old = Payload::json("Struct", r#"{"cents":7}"#);
        let value = decode_variant::<Shape>("Struct", &old).unwrap();
        assert_eq!(
            value,
            Shape::Struct {
                cents: 7,
                note: None
            }
        );
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_names_the_field() {
        for (variant, text) in [
            ("Struct", "{}"),
            ("Struct", r#"{"cents":-1}"#),
            ("Struct", r#"{"cents":1} trailing"#),
            ("Struct", "not json"),
            ("Unit", r#"{"surprise":1}"#),
            ("Tuple", "[1]"),
        ] {
            let payload = Payload::json(variant, text);
            let error = decode_variant::<Shape>(variant, &payload).unwrap_err();
            assert!(
                matches!(error, DecodeError::Json { .. }),
                "{variant} {text}"
            );
        }
        let missing =
            decode_variant::<Shape>("Struct", &Payload::json("Struct", "{}")).unwrap_err();
        assert!(missing.to_string().contains("cents"), "{missing}");
    }

    #[test]
    fn protobuf_is_not_read_as_json() {
        let error =
            decode_variant::<Shape>("Unit", &Payload::protobuf("Unit", vec![])).unwrap_err();
        assert!(matches!(error, DecodeError::Codec { .. }));
    }
}
