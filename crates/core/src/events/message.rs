//! Types that are sent and stored: events, commands, rejections.

use std::borrow::Cow;

use serde_json::Value;

use crate::{Codec, FieldPath, Payload, Tree, UnknownFields};

/// A type that has a stored form: events and commands.
///
/// `#[derive(Event)]` and `#[derive(Command)]` implement it; there is no need to implement it by hand. The names are
/// the storage format: if you change one, stored messages cannot be read any more, unless the old name is kept as an
/// alias.
pub trait Message: Sized + Send + Sync + 'static {
    /// Every type name that this can be stored under, without aliases, in the order of declaration.
    const TYPE_NAMES: &'static [&'static str];
    /// Every former name, with the one of [`TYPE_NAMES`](Self::TYPE_NAMES) that replaced it.
    const ALIASES: &'static [(&'static str, &'static str)] = &[];
    /// The codec of its payloads.
    const CODEC: Codec;

    /// Returns the type name of this value.
    fn type_name(&self) -> &'static str;

    /// Encodes it.
    fn encode(&self) -> Result<Payload, EncodeError>;

    /// Decodes it, by the payload's type name.
    fn decode(payload: &Payload) -> Result<Self, DecodeError>;

    /// Decodes it as [`decode`](Self::decode) does, and notes the fields of JSON that the type does not have. They are
    /// passed over, unless the type refuses them. A type with a hand-written implementation notes none.
    #[doc(hidden)]
    fn decode_noting(payload: &Payload, unknown: &mut UnknownFields) -> Result<Self, DecodeError> {
        let _ = unknown;
        Self::decode(payload)
    }

    /// Returns the JSON Schema of what is stored under each of its [`TYPE_NAMES`](Self::TYPE_NAMES). A type of JSON has
    /// them if it derives `schemars::JsonSchema`. They describe what can be read. A type of protobuf has none here: it is
    /// described by its descriptors.
    fn json_schemas() -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Returns its fields, to name those that do not read back; `None` if serde knows none.
    #[doc(hidden)]
    fn tree(&self) -> Option<Tree> {
        None
    }
}

/// Something that happened in a domain, in the past tense.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    note = "add `#[derive(Event, Serialize, Deserialize)]` to it, or `#[derive(Event)] #[seriatim(codec = \"protobuf\")]` for prost messages"
)]
pub trait Event: Message + Clone + PartialEq + std::fmt::Debug {
    /// Returns the event without the parts that differ each time it is decided, such as a time or a generated id.
    /// [`MergeStrategy::Commutative`](crate::MergeStrategy::Commutative) compares decisions by it.
    ///
    /// `#[seriatim(canonical = path::to::function)]` overrides it, with a function `fn(&Self) -> Self`.
    fn canonical(&self) -> Cow<'_, Self> {
        Cow::Borrowed(self)
    }
}

/// Something that a domain is asked to do, in the imperative.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    note = "add `#[derive(Command, Serialize, Deserialize)]` to it, or `#[derive(Command)] #[seriatim(codec = \"protobuf\")]` for prost messages"
)]
pub trait Command: Message + Clone + std::fmt::Debug {}

/// A domain's refusal of a command, with its reason.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a rejection",
    note = "add `#[derive(Rejection, thiserror::Error, Debug)]` to it"
)]
pub trait Rejection: std::error::Error + Send + Sync + 'static {
    /// A stable name for programs, for example `InsufficientFunds`.
    fn code(&self) -> &'static str;

    /// Returns the values behind the message, by field name, as JSON.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
}

/// A value that cannot be stored so that it reads back as it is.
#[derive(Debug, thiserror::Error)]
#[error("`{type_name}` cannot be stored{}: {source}", field_named(.field.as_ref()))]
pub struct EncodeError {
    /// The type of the value.
    pub type_name: &'static str,
    /// The field, if it is known.
    pub field: Option<FieldPath>,
    /// The reason.
    pub source: serde_json::Error,
}

/// A payload that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The domain has no such type.
    #[error("`{type_name}` is not a type of this domain; it has {}", list(.known))]
    UnknownType {
        /// The type name of the payload.
        type_name: String,
        /// The type names that the domain has.
        known: &'static [&'static str],
    },
    /// Today's program could not bring the payload into shape.
    #[error("{why}")]
    Unreadable {
        /// The reason.
        why: String,
    },
    /// The payload is written in the other codec.
    #[error("`{type_name}` is written in {actual:?}, but this domain reads {expected:?}{}", to_read_json(*.expected))]
    Codec {
        /// The type name of the payload.
        type_name: String,
        /// The codec that the domain reads.
        expected: Codec,
        /// The codec of the payload.
        actual: Codec,
    },
    /// The JSON does not fit the type.
    #[error("the JSON of `{type_name}` does not fit it: {source}")]
    Json {
        /// The type name of the payload.
        type_name: String,
        /// The mismatch, and its place.
        source: serde_json::Error,
    },
    /// The bytes are not that protobuf message.
    #[error("the bytes of `{type_name}` are not that message: {source}")]
    Protobuf {
        /// The type name of the payload.
        type_name: String,
        /// The fault of the bytes.
        source: prost::DecodeError,
    },
}

fn to_read_json(expected: Codec) -> &'static str {
    match expected {
        Codec::Json => "",
        Codec::Protobuf => {
            "; to send JSON, register the descriptors of its messages with the application"
        }
    }
}

pub(crate) fn field_named(field: Option<&FieldPath>) -> String {
    field.map_or_else(String::new, |field| format!(", for its field `{field}`"))
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "none".into();
    }
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// A type without values, for an aggregate without commands or without rejections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Never {}

impl std::fmt::Display for Never {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}

impl Rejection for Never {
    fn code(&self) -> &'static str {
        match *self {}
    }
}

impl Message for Never {
    const TYPE_NAMES: &'static [&'static str] = &[];
    const CODEC: Codec = Codec::Json;

    fn type_name(&self) -> &'static str {
        match *self {}
    }

    fn encode(&self) -> Result<Payload, EncodeError> {
        match *self {}
    }

    fn decode(payload: &Payload) -> Result<Self, DecodeError> {
        Err(crate::codec::unknown_type(payload, Self::TYPE_NAMES))
    }
}

impl Command for Never {}
