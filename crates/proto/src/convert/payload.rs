//! Converts payloads: everything travels as `google.protobuf.Any`, JSON inside `seriatim.v1.JsonPayload`.

use prost::Message;
use prost_types::Any;
use seriatim_core::{Codec, Payload};

use super::invalid::{Invalid, required};
use crate::v1;

/// The full name of the message that JSON travels in.
pub const JSON_PAYLOAD: &str = "seriatim.v1.JsonPayload";
/// The prefix of the type URLs that are written. Other prefixes are read as well.
pub const TYPE_URL_PREFIX: &str = "type.googleapis.com/";

impl From<Codec> for v1::Codec {
    fn from(codec: Codec) -> Self {
        match codec {
            Codec::Json => Self::Json,
            Codec::Protobuf => Self::Protobuf,
        }
    }
}

/// Puts a payload into an `Any`.
pub fn any(payload: &Payload) -> Any {
    match payload.codec {
        Codec::Json => json_any(
            &payload.type_name,
            // The codecs write UTF-8, but if a store was tampered with, the rest must still be readable.
            String::from_utf8_lossy(&payload.data).into_owned(),
        ),
        Codec::Protobuf => Any {
            type_url: [TYPE_URL_PREFIX, &payload.type_name].concat(),
            value: payload.data.to_vec(),
        },
    }
}

/// Puts JSON text into an `Any`.
pub fn json_any(type_name: &str, json: String) -> Any {
    let message = v1::JsonPayload {
        type_name: type_name.into(),
        json,
    };
    Any {
        type_url: format!("{TYPE_URL_PREFIX}{JSON_PAYLOAD}"),
        value: message.encode_to_vec(),
    }
}

/// Removes the content of a payload and keeps its type.
pub(crate) fn without_content(any: Any) -> Any {
    match payload(Some(any), "") {
        Ok(Payload {
            codec: Codec::Json,
            type_name,
            ..
        }) => json_any(&type_name, String::new()),
        Ok(Payload { type_name, .. }) => Any {
            type_url: format!("{TYPE_URL_PREFIX}{type_name}"),
            value: Vec::new(),
        },
        Err(_) => Any::default(),
    }
}

/// Takes a payload out of an `Any`. Does not check whether the domain has such a type.
pub fn payload(any: Option<Any>, field: &str) -> Result<Payload, Invalid> {
    let any = required(
        any,
        field,
        "give a `seriatim.v1.JsonPayload`, or a message of the domain",
    )?;
    let mut name = any.type_url;
    name.drain(..name.rfind('/').map_or(0, |slash| slash + 1));
    match name.as_str() {
        "" => Err(Invalid::field(
            format!("{field}.type_url"),
            format!("has no type name; write it as `{TYPE_URL_PREFIX}{JSON_PAYLOAD}`"),
        )),
        JSON_PAYLOAD => {
            let message = v1::JsonPayload::decode(any.value.as_slice()).map_err(|error| {
                let message = format!("the bytes are no `{JSON_PAYLOAD}`: {error}");
                Invalid::field(format!("{field}.value"), message)
            })?;
            Ok(Payload::json(message.type_name, message.json))
        }
        _ => Ok(Payload::protobuf(name, any.value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_survives_its_envelope() {
        for original in [
            Payload::json("Deposited", r#"{"cents":18446744073709551615}"#),
            Payload::protobuf("bank.v1.Deposited", vec![8, 255, 1]),
        ] {
            assert_eq!(payload(Some(any(&original)), "event"), Ok(original));
        }
    }

    #[test]
    fn the_prefix_of_a_type_url_is_not_looked_at() {
        for prefix in ["", "/", "example.org/types/", TYPE_URL_PREFIX] {
            let any = Any {
                type_url: format!("{prefix}bank.v1.Deposited"),
                value: Vec::new(),
            };
            let read = payload(Some(any), "event").unwrap();
            assert_eq!(read.type_name, "bank.v1.Deposited", "{prefix}");
        }
    }

    #[test]
    fn names_what_is_wrong_with_an_envelope() {
        let broken = |type_url: &str, value: &[u8]| Any {
            type_url: type_url.into(),
            value: value.into(),
        };
        for (any, field) in [
            (None, "command"),
            (Some(broken("", b"")), "command.type_url"),
            (
                Some(broken("type.googleapis.com/", b"")),
                "command.type_url",
            ),
            (
                Some(broken("x/seriatim.v1.JsonPayload", b"\xff")),
                "command.value",
            ),
            // This is field 2, with one byte that is not UTF-8.
            (
                Some(broken("x/seriatim.v1.JsonPayload", b"\x12\x01\xff")),
                "command.value",
            ),
        ] {
            let invalid = payload(any, "command").unwrap_err();
            assert_eq!(invalid.0[0].field, field);
        }
    }
}
