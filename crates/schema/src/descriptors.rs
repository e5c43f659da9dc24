//! The descriptors of protobuf messages: payloads as JSON, and JSON as payloads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use prost::Message;
use prost_reflect::{
    DescriptorError, DescriptorPool, DeserializeOptions, DynamicMessage, FileDescriptor, Kind,
    MessageDescriptor, ReflectMessage, SerializeOptions, Value,
};
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use serde::de::Error as _;
use seriatim_core::{Codec, DecodeError, Payload, UnknownField, UnknownFields};

use crate::bounded::Bounded;
use crate::message_schema;

/// The most bytes of a payload as JSON. A message whose JSON would be longer stays as it is.
const MOST_JSON: usize = 16 * 1024 * 1024;
/// The most messages inside one another, as for the decoder.
const MOST_DEPTH: usize = 100;

/// The descriptors of the protobuf messages of an application. Cheap to clone.
///
/// JSON is that of the [protobuf JSON mapping](https://protobuf.dev/programming-guides/json/): names in
/// `lowerCamelCase`, integers of 64 bits as strings, bytes in base64, enums by their names.
#[derive(Clone)]
pub struct Descriptors {
    pool: DescriptorPool,
    /// The files that were registered, by name; none of `google.protobuf`, which are always known.
    files: BTreeMap<String, FileDescriptorProto>,
}

impl Default for Descriptors {
    fn default() -> Self {
        Self {
            pool: DescriptorPool::global(),
            files: BTreeMap::new(),
        }
    }
}

impl fmt::Debug for Descriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Descriptors")
            .field("files", &self.files.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Descriptors {
    /// Adds the files of an encoded `google.protobuf.FileDescriptorSet`, as `protoc --include_imports
    /// --descriptor_set_out` and prost-build's `file_descriptor_set_path` write it. It must contain the files that it
    /// imports, or they must be there already; those of `google/protobuf` are always there. A file that is there
    /// already is passed over if it is the same. Fails without adding any file.
    pub fn add(&mut self, file_descriptor_set: &[u8]) -> Result<(), InvalidDescriptors> {
        let set =
            FileDescriptorSet::decode(file_descriptor_set).map_err(InvalidDescriptors::Bytes)?;
        let mut added = BTreeMap::new();
        for file in set.file {
            let name = file.name().to_owned();
            match self.files.get(&name).or_else(|| added.get(&name)) {
                Some(there) if !is_same(there, &file) => {
                    return Err(InvalidDescriptors::OtherFile { name });
                }
                Some(_) => {}
                None if self.pool.get_file_by_name(&name).is_some() => {}
                None => _ = added.insert(name, file),
            }
        }
        let mut pool = self.pool.clone();
        (pool.add_file_descriptor_protos(added.values().cloned()))
            .map_err(|error| InvalidDescriptors::Files(Box::new(error)))?;
        self.pool = pool;
        self.files.extend(added);
        Ok(())
    }

    /// Returns whether no file was added.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns whether it has a message of this full name.
    pub fn has(&self, type_name: &str) -> bool {
        self.message(type_name).is_some()
    }

    /// Returns the files that were added, with all that they import, as an encoded `google.protobuf.FileDescriptorSet`.
    pub fn encoded(&self) -> Vec<u8> {
        let files = self.files.keys();
        encoded(files.filter_map(|name| self.pool.get_file_by_name(name)))
    }

    /// Returns the files that describe these messages, with all that they import, as an encoded
    /// `google.protobuf.FileDescriptorSet`. Messages that are not known are left out.
    pub fn encoded_of<'n>(&self, type_names: impl IntoIterator<Item = &'n str>) -> Vec<u8> {
        let messages = type_names.into_iter().filter_map(|name| self.message(name));
        encoded(messages.map(|message| message.parent_file()))
    }

    /// Returns a protobuf payload as JSON for people, with all of its fields. Returns `None` for any other payload, for a
    /// message that is not known, for bytes that are not that message, for a message with fields that its descriptor does
    /// not have, which would be lost, and if the JSON would be longer than 16 MiB or deeper than 100 messages.
    pub fn to_json(&self, payload: &Payload) -> Option<Payload> {
        if payload.codec != Codec::Protobuf {
            return None;
        }
        let message = self.message(&payload.type_name)?;
        let message = DynamicMessage::decode(message, payload.data.as_ref()).ok()?;
        if !can_be_shown(&message, MOST_DEPTH) {
            return None;
        }
        let mut text = serde_json::Serializer::new(Bounded::new(MOST_JSON));
        let options = SerializeOptions::new().skip_default_fields(false);
        (message.serialize_with_options(&mut text, &options)).ok()?;
        let text = text.into_inner().into_bytes();
        Some(Payload::json(payload.type_name.clone(), text))
    }

    /// Returns a JSON payload as the protobuf message that its type name names. Returns `None` for any other payload,
    /// and if there is no such message. Fails if the JSON does not fit the message, also if it has a field that the
    /// message does not have.
    pub fn to_protobuf(&self, payload: &Payload) -> Option<Result<Payload, DecodeError>> {
        if payload.codec != Codec::Json {
            return None;
        }
        let message = self.message(&payload.type_name)?;
        Some(match read(&message, &payload.data) {
            Ok(read) => Ok(Payload::protobuf(
                payload.type_name.clone(),
                read.encode_to_vec(),
            )),
            Err(source) => Err(DecodeError::Json {
                type_name: payload.type_name.clone().into_owned(),
                source,
            }),
        })
    }

    /// Returns the JSON Schema (draft 2020-12) of a message in the protobuf JSON mapping, with the comments of its fields
    /// if the descriptors have them. Returns `None` if the message is not known.
    pub fn json_schema(&self, type_name: &str) -> Option<serde_json::Value> {
        self.message(type_name).as_ref().map(message_schema::of)
    }

    fn message(&self, type_name: &str) -> Option<MessageDescriptor> {
        self.pool.get_message_by_name(type_name)
    }
}

fn encoded(files: impl Iterator<Item = FileDescriptor>) -> Vec<u8> {
    let mut set = FileDescriptorSet::default();
    let mut seen = BTreeSet::new();
    files.for_each(|file| gather(&file, &mut seen, &mut set));
    set.encode_to_vec()
}

/// Adds a file behind those that it imports, as `protoc` writes them.
fn gather(file: &FileDescriptor, seen: &mut BTreeSet<String>, set: &mut FileDescriptorSet) {
    if seen.insert(file.name().to_owned()) {
        (file.dependencies()).for_each(|imported| gather(&imported, seen, set));
        set.file.push(file.file_descriptor_proto().clone());
    }
}

/// Comments and places in the source do not make a file another one.
fn is_same(one: &FileDescriptorProto, other: &FileDescriptorProto) -> bool {
    let bare = |file: &FileDescriptorProto| FileDescriptorProto {
        source_code_info: None,
        ..file.clone()
    };
    bare(one) == bare(other)
}

/// Returns whether a message can be shown as a whole: it has no field that its descriptor does not have, and is no more
/// than `depth` messages deep. An envelope (`google.protobuf.Any`) is opened only when it is shown, and no decoder limits
/// how many of them are inside one another.
fn can_be_shown(message: &DynamicMessage, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    let of_value =
        |value: &Value| match value {
            Value::Message(inner) => can_be_shown(inner, depth),
            Value::List(values) => (values.iter().filter_map(Value::as_message))
                .all(|inner| can_be_shown(inner, depth)),
            Value::Map(values) => (values.values().filter_map(Value::as_message))
                .all(|inner| can_be_shown(inner, depth)),
            _ => true,
        };
    let has_all_fields = message.unknown_fields().next().is_none();
    let descriptor = message.descriptor();
    let opens = || match descriptor.full_name() {
        "google.protobuf.Any" => {
            opened(message, &descriptor).is_some_and(|inner| can_be_shown(&inner, depth))
        }
        _ => true,
    };
    has_all_fields && message.fields().all(|(_, value)| of_value(value)) && opens()
}

/// Returns the message in an envelope.
fn opened(envelope: &DynamicMessage, descriptor: &MessageDescriptor) -> Option<DynamicMessage> {
    let envelope: prost_types::Any = envelope.transcode_to().ok()?;
    let name = envelope.type_url.rsplit('/').next()?;
    let inner = descriptor.parent_pool().get_message_by_name(name)?;
    DynamicMessage::decode(inner, &envelope.value[..]).ok()
}

/// Reads JSON as a message.
fn read(message: &MessageDescriptor, text: &[u8]) -> Result<DynamicMessage, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = DynamicMessage::deserialize(message.clone(), &mut json);
    let read = read.and_then(|read| json.end().map(|()| read));
    read.map_err(|error| match &unknown_fields(message, text)[..] {
        [] => error,
        unknown => {
            let told: Vec<_> = unknown.iter().map(ToString::to_string).collect();
            serde_json::Error::custom(told.join(", "))
        }
    })
}

/// Returns the fields of a text that the message does not have. If something else is wrong with the text, they are those
/// before it.
fn unknown_fields(message: &MessageDescriptor, text: &[u8]) -> Vec<UnknownField> {
    let mut found = UnknownFields::default();
    let mut note = |path: serde_ignored::Path<'_>| found.note(&path);
    let mut json = serde_json::Deserializer::from_slice(text);
    let json = serde_ignored::Deserializer::new(&mut json, &mut note);
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let _ = DynamicMessage::deserialize_with_options(message.clone(), json, &options);
    found.meaning(|place| names_at(message, place))
}

/// Returns the names of the fields of a message inside another one.
fn names_at(message: &MessageDescriptor, place: &[String]) -> Vec<String> {
    let mut message = message.clone();
    let mut place = place.iter();
    while let Some(name) = place.next() {
        let field = message.get_field_by_json_name(name);
        let Some(field) = field.or_else(|| message.get_field_by_name(name)) else {
            return Vec::new();
        };
        if field.is_list() || field.is_map() {
            // An index, or a key.
            place.next();
        }
        let kind = match field.kind() {
            Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
            kind => kind,
        };
        match kind {
            Kind::Message(inner) => message = inner,
            _ => return Vec::new(),
        }
    }
    let fields = message.fields();
    fields.map(|field| field.json_name().to_owned()).collect()
}

/// The reason why descriptors are not taken.
#[derive(Debug, thiserror::Error)]
pub enum InvalidDescriptors {
    /// The bytes are no descriptor set.
    #[error(
        "the bytes are no `google.protobuf.FileDescriptorSet`: {0}; give the file that `protoc --include_imports --descriptor_set_out` writes"
    )]
    Bytes(prost::DecodeError),
    /// Two different files have the same name.
    #[error("there is another file `{name}` among the descriptors already; register one of them")]
    OtherFile {
        /// The name of the file.
        name: String,
    },
    /// The files do not fit together; for example one that is imported is missing.
    #[error("the descriptors do not fit together: {0}; include the files that are imported")]
    Files(Box<DescriptorError>),
}
