//! How messages become bytes. Called by what the derives generate; not meant to be called by hand.

mod faithful;
pub mod json;
pub mod protobuf;

pub use faithful::{encode_command, encode_event};

use crate::{Codec, DecodeError, Payload};

/// Refuses a payload that is written in another codec than the domain reads.
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

/// The error for a type name that the domain does not have.
pub fn unknown_type(payload: &Payload, known: &'static [&'static str]) -> DecodeError {
    DecodeError::UnknownType {
        type_name: payload.type_name.clone().into_owned(),
        known,
    }
}
