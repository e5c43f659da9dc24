//! Encodes messages only if they read back as they are.
//!
//! JSON has no form for `NaN` and the infinities: serde writes `null`, which cannot be read, or is read as nothing.
//! Nesting beyond the parser's limit, integer keys beside a `flatten`, and fields that serde skips are lost in the same
//! way. When the event is read again it is too late to notice.

use serde::ser::Error as _;

use crate::{Codec, Command, EncodeError, Event, FieldPath, Message, Payload, Tree};

/// Encodes an event. Fails if it would not read back as it is.
pub fn encode_event<E: Event>(event: &E) -> Result<Payload, EncodeError> {
    let payload = event.encode()?;
    let is_same = |read: &E| {
        read == event
            // An event that does not equal itself may still read back unchanged.
            || match payload.codec {
                Codec::Protobuf => read.encode().is_ok_and(|again| again == payload),
                Codec::Json => format!("{read:?}") == format!("{event:?}"),
            }
    };
    match E::decode(&payload) {
        Ok(read) if is_same(&read) => Ok(payload),
        read => Err(changed(event, read)),
    }
}

/// Encodes a command. Fails if it would not read back as it is.
///
/// Commands need not be comparable, so only silent losses are looked for: a number that becomes `null`. A reader
/// refuses whatever else does not read back.
pub fn encode_command<C: Command>(command: &C) -> Result<Payload, EncodeError> {
    let payload = command.encode()?;
    if payload.codec == Codec::Json && memchr::memmem::find(&payload.data, b"null").is_some() {
        let read = C::decode(&payload);
        let is_same = |read: &C| format!("{read:?}") == format!("{command:?}");
        if !read.as_ref().is_ok_and(is_same) {
            return Err(changed(command, read));
        }
    }
    Ok(payload)
}

fn changed<M: Message>(message: &M, read: Result<M, crate::DecodeError>) -> EncodeError {
    let (field, why) = difference(message, read);
    EncodeError {
        type_name: message.type_name(),
        field,
        source: serde_json::Error::custom(why),
    }
}

fn difference<M: Message>(
    message: &M,
    read: Result<M, crate::DecodeError>,
) -> (Option<FieldPath>, String) {
    let tree = message.tree();
    if let Some((field, number)) = tree.as_ref().and_then(Tree::not_finite) {
        let why = format!("it is {number}, which JSON cannot write");
        return (Some(field), why);
    }
    let read = match read {
        Ok(read) => read,
        Err(error) => return (None, format!("it would not read back: {error}")),
    };
    let trees = tree.zip(read.tree());
    let field = trees.and_then(|(tree, read)| tree.differences(&read).pop_first());
    (field, "it would read back as something else".into())
}
