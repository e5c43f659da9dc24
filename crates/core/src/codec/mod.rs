//! Encodes and decodes messages. Generated code calls it; do not call it by hand.

mod faithful;
pub mod json;
pub mod json_schema;
pub mod protobuf;
pub mod unknown;

pub use faithful::{encode_command, encode_event};

use crate::{Codec, DecodeError, Payload};

/// Fails if a payload is written in another codec than the domain reads.
pub fn check_codec(payload: &Payload, expected: Codec) -> Result<(), DecodeError> {
    if payload.codec == expected {
        return Ok(());
    }
    Err(DecodeError::Codec {
        type_name: payload.type_name.clone().into_owned(),
        expected,
        actual: payload.codec,
    })
}

/// Returns the error for a type name that the domain does not have, or for a payload that has none.
pub fn unknown_type(payload: &Payload, known: &'static [&'static str]) -> DecodeError {
    if payload.is_nothing() {
        return DecodeError::Unreadable {
            why: "it is nothing any more".into(),
        };
    }
    if let Some(why) = payload.why_unreadable() {
        return DecodeError::Unreadable { why: why.into() };
    }
    DecodeError::UnknownType {
        type_name: payload.type_name.clone().into_owned(),
        known,
    }
}
