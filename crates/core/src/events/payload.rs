//! The stored and sent form of an event or a command: a type name and bytes.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Tree;

/// The encoding of the bytes of a [`Payload`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// UTF-8 JSON text, through serde.
    Json,
    /// A protobuf message, through prost.
    Protobuf,
}

/// An encoded event, command or state.
///
/// The type name is the message's full name for protobuf (`bank.v1.Deposited`) and the variant's name for JSON
/// (`Deposited`). Nothing is stored without one. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Payload {
    /// The name of the type in its domain.
    pub type_name: Cow<'static, str>,
    /// The codec of `data`.
    pub codec: Codec,
    /// The encoded message. Events that a store read together may share a buffer of up to 32 KiB, which lives as long as
    /// the last of them; copy the data of a few that are kept for long.
    pub data: Bytes,
}

impl Payload {
    /// Makes a JSON payload from JSON text.
    pub fn json(type_name: impl Into<Cow<'static, str>>, text: impl Into<Bytes>) -> Self {
        Self {
            type_name: type_name.into(),
            codec: Codec::Json,
            data: text.into(),
        }
    }

    /// Makes a protobuf payload from an encoded message.
    pub fn protobuf(type_name: impl Into<Cow<'static, str>>, message: impl Into<Bytes>) -> Self {
        Self {
            type_name: type_name.into(),
            codec: Codec::Protobuf,
            data: message.into(),
        }
    }

    /// Returns the payload that [`Aggregate::upcast`](crate::Aggregate::upcast) makes of an event that has no meaning
    /// any more. It has no type. No reader gets it, and no state changes by it; the event keeps its sequence and its
    /// position.
    pub const fn nothing() -> Self {
        Self {
            type_name: Cow::Borrowed(""),
            codec: Codec::Json,
            data: Bytes::new(),
        }
    }

    /// Returns whether it is [`Payload::nothing`].
    pub fn is_nothing(&self) -> bool {
        self.type_name.is_empty() && self.data.is_empty()
    }

    /// Returns the payload that replaces an event which today's program cannot bring into shape. It has no type, and
    /// decoding it fails with an error that says `why`. Every filter lets it through, so that no reader misses it.
    pub fn unreadable(why: String) -> Self {
        Self {
            type_name: Cow::Borrowed(""),
            codec: Codec::Json,
            data: why.into(),
        }
    }

    /// Returns why today's program cannot read it; `None` if it is not [`Payload::unreadable`].
    pub fn why_unreadable(&self) -> Option<Cow<'_, str>> {
        let is_unreadable = self.type_name.is_empty() && !self.data.is_empty();
        is_unreadable.then(|| String::from_utf8_lossy(&self.data))
    }

    /// Returns the fields of a JSON payload; `None` for protobuf and for text that is not JSON.
    pub fn tree(&self) -> Option<Tree> {
        match self.codec {
            Codec::Json => Tree::parse(&self.data).ok(),
            Codec::Protobuf => None,
        }
    }

    /// Returns the fields as a [`Value`](serde_json::Value). A number that it cannot hold to the last digit becomes a
    /// text.
    pub fn to_json(&self) -> Option<serde_json::Value> {
        self.tree().as_ref().map(Into::into)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_nothing() {
            return f.write_str("nothing any more");
        }
        match self.codec {
            Codec::Json => write!(
                f,
                "{} {}",
                self.type_name,
                String::from_utf8_lossy(&self.data)
            ),
            Codec::Protobuf => write!(f, "{} ({} bytes)", self.type_name, self.data.len()),
        }
    }
}

/// The stored form: JSON stays readable text, other bytes become hexadecimal digits.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    r#type: Cow<'a, str>,
    codec: Codec,
    data: Cow<'a, str>,
    /// True if `data` is called JSON but is not text, and is in hexadecimal digits too. It cannot be decoded, but a
    /// letter that holds it can be stored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    hex: bool,
}

impl Serialize for Payload {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = match self.codec {
            Codec::Json => std::str::from_utf8(&self.data).ok(),
            Codec::Protobuf => None,
        };
        Stored {
            r#type: self.type_name.as_ref().into(),
            codec: self.codec,
            data: text.map_or_else(|| hex(&self.data).into(), Cow::Borrowed),
            hex: self.codec == Codec::Json && text.is_none(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        let data = if stored.codec == Codec::Json && !stored.hex {
            stored.data.into_owned().into()
        } else {
            unhex(&stored.data)
                .ok_or_else(|| serde::de::Error::custom("not hexadecimal digits"))?
                .into()
        };
        Ok(Self {
            type_name: stored.r#type.into_owned().into(),
            codec: stored.codec,
            data,
        })
    }
}

/// Returns the lower-case hexadecimal digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(digits: &str) -> Option<Vec<u8>> {
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return None;
    }
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_being_stored_as_json() {
        for payload in [
            Payload::json("Opened", r#"{"owner":"Ann"}"#),
            Payload::protobuf("bank.v1.Opened", vec![0, 255, 10]),
            Payload::json("NotEvenText", vec![0xff, b'{']),
        ] {
            let text = serde_json::to_string(&payload).unwrap();
            assert_eq!(serde_json::from_str::<Payload>(&text).unwrap(), payload);
        }
    }
}
