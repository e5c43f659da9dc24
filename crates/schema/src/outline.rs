//! Reads a JSON Schema as a list of fields for people.

use std::collections::BTreeMap;

use serde_json::Value;

/// The most types that are written inside one another.
const MOST_DEPTH: usize = 8;

/// The fields of a message, and those of the types that it refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// What the message is, in the words of its author; empty if nobody has said so.
    pub description: String,
    /// Its fields. A message that is no object has one without a name.
    pub fields: Vec<Field>,
    /// The types that it refers to and that have fields, by name.
    pub types: BTreeMap<String, Vec<Field>>,
}

/// A field of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it takes, for people; for example `string or null`.
    pub takes: String,
    /// True if it must be there.
    pub is_required: bool,
    /// The words of its author; empty if nobody has said anything.
    pub description: String,
}

/// Returns the fields that a JSON Schema describes. It reads what `schemars` and
/// [`Descriptors::json_schema`](crate::Descriptors::json_schema) write; what it does not know it calls `anything`.
pub fn outline(schema: &Value) -> Outline {
    let mut types = BTreeMap::new();
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        if definition["properties"].is_object() {
            types.insert(name.clone(), fields(definition));
        }
    }
    Outline {
        description: text(schema, "description"),
        fields: match schema["properties"].is_object() {
            true => fields(schema),
            false => vec![Field {
                name: String::new(),
                takes: takes(schema, MOST_DEPTH),
                is_required: true,
                description: String::new(),
            }],
        },
        types,
    }
}

fn fields(schema: &Value) -> Vec<Field> {
    let required = |name: &str| {
        (schema["required"].as_array()).is_some_and(|all| all.iter().any(|it| it == name))
    };
    let fields = schema["properties"].as_object().into_iter().flatten();
    fields
        .map(|(name, field)| Field {
            name: name.clone(),
            takes: takes(field, MOST_DEPTH),
            is_required: required(name),
            description: text(field, "description"),
        })
        .collect()
}

/// Returns what a schema takes.
fn takes(schema: &Value, depth: usize) -> String {
    let Some(depth) = depth.checked_sub(1) else {
        return "anything".into();
    };
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or(reference).to_owned();
    }
    if let Some(one) = schema.get("const") {
        return one.to_string();
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().map(ToString::to_string).collect();
        return values.join(" or ");
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        if let Some(parts) = schema[keyword].as_array().filter(|parts| !parts.is_empty())
            && !schema["type"].is_string()
        {
            let parts: Vec<_> = parts.iter().map(|part| takes(part, depth)).collect();
            return parts.join(if keyword == "allOf" { " and " } else { " or " });
        }
    }
    match &schema["type"] {
        Value::String(name) => named(name, schema, depth),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str);
            let names: Vec<_> = names.map(|name| named(name, schema, depth)).collect();
            names.join(" or ")
        }
        _ => "anything".into(),
    }
}

fn named(name: &str, schema: &Value, depth: usize) -> String {
    match name {
        "array" if schema["items"].is_object() => {
            format!("list of {}", takes(&schema["items"], depth))
        }
        "array" => "list".into(),
        "object" if schema["additionalProperties"].is_object() => {
            format!("map of {}", takes(&schema["additionalProperties"], depth))
        }
        "string" => match (&schema["format"], &schema["contentEncoding"]) {
            (Value::String(format), _) if format == "date-time" => "time (RFC 3339)".into(),
            (Value::String(format), _) if !format.contains("int") => format!("string ({format})"),
            (_, Value::String(encoding)) => format!("string ({encoding})"),
            _ => "string".into(),
        },
        other => other.to_owned(),
    }
}

fn text(schema: &Value, key: &str) -> String {
    schema[key].as_str().unwrap_or_default().to_owned()
}
