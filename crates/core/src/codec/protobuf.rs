//! Protobuf through prost: the payload is the message itself.

use prost::Message;

use crate::{DecodeError, Payload};

/// Writes a message.
pub fn encode<M: Message>(type_name: &'static str, message: &M) -> Payload {
    Payload::protobuf(type_name, message.encode_to_vec())
}

/// Reads a message.
pub fn decode<M: Message + Default>(payload: &Payload) -> Result<M, DecodeError> {
    super::check_codec(payload, crate::Codec::Protobuf)?;
    M::decode(payload.data.clone()).map_err(|source| DecodeError::Protobuf {
        type_name: payload.type_name.clone().into_owned(),
        source,
    })
}
