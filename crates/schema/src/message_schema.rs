//! The JSON Schema of a protobuf message, in the protobuf JSON mapping.

use prost_reflect::{
    Cardinality, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor,
};
use serde_json::{Map, Value, json};

/// Returns the schema of a message.
pub(crate) fn of(message: &MessageDescriptor) -> Value {
    let mut definitions = Definitions::default();
    let mut schema = definitions.content(message);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = message.full_name().into();
    if !definitions.0.is_empty() {
        schema["$defs"] = Value::Object(definitions.0);
    }
    schema
}

/// The messages and enums that a message refers to, by their full names.
#[derive(Default)]
struct Definitions(Map<String, Value>);

impl Definitions {
    fn content(&mut self, message: &MessageDescriptor) -> Value {
        let mut fields = Map::new();
        let mut required = Vec::new();
        for field in message.fields() {
            if field.cardinality() == Cardinality::Required {
                required.push(field.json_name().to_owned());
            }
            let mut schema = self.field(&field);
            describe(&mut schema, &field.parent_file(), field.path());
            fields.insert(field.json_name().to_owned(), schema);
        }
        let mut schema = json!({
            "type": "object",
            "properties": fields,
            "additionalProperties": false,
        });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        let exclusions = exclusions(message);
        if !exclusions.is_empty() {
            schema["allOf"] = Value::Array(exclusions);
        }
        describe(&mut schema, &message.parent_file(), message.path());
        schema
    }

    fn field(&mut self, field: &FieldDescriptor) -> Value {
        match field.kind() {
            Kind::Message(entry) if field.is_map() => json!({
                "type": "object",
                "additionalProperties": self.value(&entry.map_entry_value_field().kind()),
            }),
            kind if field.is_list() => json!({ "type": "array", "items": self.value(&kind) }),
            kind => self.value(&kind),
        }
    }

    fn value(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::String => json!({ "type": "string" }),
            Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
            Kind::Float | Kind::Double => json!({ "type": "number" }),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                json!({ "type": "integer", "format": "int32" })
            }
            Kind::Uint32 | Kind::Fixed32 => {
                json!({ "type": "integer", "format": "uint32", "minimum": 0 })
            }
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({ "type": ["string", "integer"], "format": "int64" })
            }
            Kind::Uint64 | Kind::Fixed64 => {
                json!({ "type": ["string", "integer"], "format": "uint64", "minimum": 0 })
            }
            Kind::Message(message) => match well_known(message.full_name()) {
                Some(schema) => schema,
                None => self.message(message),
            },
            Kind::Enum(of) if of.full_name() == "google.protobuf.NullValue" => {
                json!({ "type": "null" })
            }
            Kind::Enum(of) => self.names(of),
        }
    }

    fn message(&mut self, message: &MessageDescriptor) -> Value {
        let name = message.full_name();
        if !self.0.contains_key(name) {
            // It is there before its fields are, which may refer to it.
            self.0.insert(name.into(), Value::Null);
            let content = self.content(message);
            self.0.insert(name.into(), content);
        }
        reference(name)
    }

    fn names(&mut self, of: &EnumDescriptor) -> Value {
        let name = of.full_name();
        if !self.0.contains_key(name) {
            let names: Vec<_> = of.values().map(|value| value.name().to_owned()).collect();
            let mut schema = json!({ "type": "string", "enum": names });
            describe(&mut schema, &of.parent_file(), of.path());
            self.0.insert(name.into(), schema);
        }
        reference(name)
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// Returns a schema for each pair of fields of which a message may have only one.
fn exclusions(message: &MessageDescriptor) -> Vec<Value> {
    let mut found = Vec::new();
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        let names: Vec<_> = oneof.fields().map(|it| it.json_name().to_owned()).collect();
        for (at, one) in names.iter().enumerate() {
            let others = names[at + 1..].iter();
            found.extend(others.map(|other| json!({ "not": { "required": [one, other] } })));
        }
    }
    found
}

/// Returns the schema of a message that has a form of its own in JSON.
fn well_known(full_name: &str) -> Option<Value> {
    Some(match full_name.strip_prefix("google.protobuf.")? {
        "Timestamp" => json!({ "type": "string", "format": "date-time" }),
        "Duration" => json!({ "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$" }),
        "FieldMask" | "StringValue" => json!({ "type": "string" }),
        "BytesValue" => json!({ "type": "string", "contentEncoding": "base64" }),
        "BoolValue" => json!({ "type": "boolean" }),
        "FloatValue" | "DoubleValue" => json!({ "type": "number" }),
        "Int32Value" => json!({ "type": "integer", "format": "int32" }),
        "UInt32Value" => json!({ "type": "integer", "format": "uint32", "minimum": 0 }),
        "Int64Value" => json!({ "type": ["string", "integer"], "format": "int64" }),
        "UInt64Value" => json!({ "type": ["string", "integer"], "format": "uint64", "minimum": 0 }),
        "Struct" | "Empty" => json!({ "type": "object" }),
        "ListValue" => json!({ "type": "array" }),
        "Value" => json!({}),
        "Any" => json!({
            "type": "object",
            "properties": { "@type": { "type": "string" } },
            "required": ["@type"],
        }),
        _ => return None,
    })
}

/// Adds the comment of an element of a file, if the file has it.
fn describe(schema: &mut Value, file: &FileDescriptor, path: &[i32]) {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let mut places = info.into_iter().flat_map(|info| &info.location);
    if let Some(place) = places.find(|place| place.path == path) {
        let lines = place.leading_comments().lines().map(str::trim);
        let text = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
        if !text.is_empty() {
            schema["description"] = text.into();
        }
    }
}
