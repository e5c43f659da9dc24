//! The JSON Schemas of messages, from the crate `schemars`. Generated code calls it; do not call it by hand.
//!
//! A type has schemas if it derives `schemars::JsonSchema`. Generated code finds that out by the order in which methods
//! are looked up: one of the type itself comes before one of a trait.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// Asks for the schema of a type.
#[derive(Debug)]
pub struct Of<T>(PhantomData<T>);

impl<T> Of<T> {
    /// Makes a question about `T`.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Of<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: JsonSchema> Of<T> {
    /// Returns the schema of what can be read as `T`.
    pub fn whole(&self) -> Option<Schema> {
        let generator = SchemaSettings::draft2020_12().into_generator();
        Some(generator.into_root_schema_for::<T>())
    }
}

/// The answer for a type that has no schema.
pub trait WithoutSchema {
    /// Returns `None`.
    fn whole(&self) -> Option<Schema> {
        None
    }
}

impl<T> WithoutSchema for Of<T> {}

/// Returns the schema of a struct, under the type name of its payloads.
pub fn of_struct(whole: Option<Schema>, type_name: &'static str) -> Option<(&'static str, Value)> {
    let whole = whole?.to_value();
    Some((type_name, titled(type_name, whole.clone(), &whole)))
}

/// Returns the schema of a struct without fields, under the type name of its payloads.
pub fn of_unit(whole: Option<Schema>, type_name: &'static str) -> Option<(&'static str, Value)> {
    let whole = whole?.to_value();
    let mut content = nothing();
    content["description"] = whole["description"].clone();
    Some((type_name, titled(type_name, content, &whole)))
}

/// Returns the schema of the content of a variant, under the type name of its payloads.
pub fn of_variant(
    whole: Option<Schema>,
    type_name: &'static str,
    variant: &str,
) -> Option<(&'static str, Value)> {
    let whole = whole?.to_value();
    let alone = [whole.clone()];
    let alternatives = whole["oneOf"].as_array().map_or(&alone[..], Vec::as_slice);
    let (content, alternative) = alternatives
        .iter()
        .find_map(|alternative| Some((content(alternative, variant)?, alternative)))?;
    let mut content = content;
    if content.get("description").is_none() && !is_shared(alternative) {
        content["description"] = alternative["description"].clone();
    }
    Some((type_name, titled(type_name, content, &whole)))
}

/// Returns the content of a variant, if the alternative is that variant.
fn content(alternative: &Value, variant: &str) -> Option<Value> {
    if let Some(content) = alternative["properties"].get(variant) {
        return Some(content.clone());
    }
    let is_it = alternative["const"] == variant
        || (alternative["enum"].as_array())
            .is_some_and(|names| names.iter().any(|it| it == variant));
    is_it.then(nothing)
}

/// Returns whether an alternative is several variants without content, so that its description is that of the enum.
fn is_shared(alternative: &Value) -> bool {
    alternative.get("enum").is_some()
}

/// The content of what has no fields.
fn nothing() -> Value {
    json!({ "type": "object", "properties": {}, "additionalProperties": false })
}

/// Returns the content as a schema of its own, with the definitions of `whole` that it needs.
fn titled(type_name: &str, content: Value, whole: &Value) -> Value {
    let mut own = match content {
        Value::Object(own) => own,
        other => Map::from_iter([("allOf".into(), json!([other]))]),
    };
    own.retain(|_, value| !value.is_null());
    own.remove("$defs");
    let mut needed = BTreeSet::new();
    gather(&Value::Object(own.clone()), whole, &mut needed);
    if !needed.is_empty() {
        let definitions = needed.into_iter().map(|name| {
            let definition = whole["$defs"][&name].clone();
            (name, definition)
        });
        own.insert("$defs".into(), Value::Object(definitions.collect()));
    }
    own.insert("$schema".into(), whole["$schema"].clone());
    own.insert("title".into(), type_name.into());
    Value::Object(own)
}

/// Adds the names of the definitions that a schema refers to, and those that these refer to.
fn gather(schema: &Value, whole: &Value, needed: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            let name = reference.and_then(|reference| reference.strip_prefix("#/$defs/"));
            if let Some(name) = name.map(|name| name.replace("~1", "/").replace("~0", "~"))
                && needed.insert(name.clone())
            {
                gather(&whole["$defs"][&name], whole, needed);
            }
            members
                .values()
                .for_each(|member| gather(member, whole, needed));
        }
        Value::Array(members) => {
            members
                .iter()
                .for_each(|member| gather(member, whole, needed));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The most schemas that are looked into on the way to one place.
const MOST_STEPS: usize = 256;

/// Returns the names of the fields that a schema has at a place inside a value.
pub(crate) fn names_at(schema: &Value, place: &[String]) -> Vec<String> {
    let mut steps = MOST_STEPS;
    let mut found = Vec::new();
    search(schema, schema, place, &mut steps, &mut found);
    found
}

fn search(
    schema: &Value,
    whole: &Value,
    place: &[String],
    steps: &mut usize,
    found: &mut Vec<String>,
) {
    let Some(left) = steps.checked_sub(1) else {
        return;
    };
    *steps = left;
    if let Some(name) = (schema["$ref"].as_str()).and_then(|it| it.strip_prefix("#/$defs/")) {
        search(&whole["$defs"][name], whole, place, steps, found);
    }
    for keyword in ["anyOf", "oneOf", "allOf"] {
        for part in schema[keyword].as_array().into_iter().flatten() {
            search(part, whole, place, steps, found);
        }
    }
    match place.split_first() {
        None => {
            let names = schema["properties"].as_object().into_iter().flatten();
            found.extend(names.map(|(name, _)| name.clone()));
        }
        Some((first, rest)) => {
            for inner in [
                &schema["properties"][first],
                &schema["additionalProperties"],
                &schema["items"],
            ] {
                if inner.is_object() {
                    search(inner, whole, rest, steps, found);
                }
            }
        }
    }
}
