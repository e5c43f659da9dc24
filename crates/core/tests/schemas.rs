//! The JSON Schemas of events and commands, from `schemars::JsonSchema`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use seriatim_core::Message as _;
use seriatim_derive::{Command, Event};

/// What an order can be asked to do.
#[derive(Command, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[seriatim(crate = "seriatim_core")]
enum Ask {
    /// Adds articles.
    #[seriatim(name = "add_item")]
    AddItem {
        /// The article.
        sku: String,
        #[serde(default)]
        quantity: u32,
        note: Option<String>,
        speed: Speed,
        #[serde(rename = "to")]
        address: Address,
        labels: BTreeMap<String, Vec<u8>>,
    },
    /// Sends it there.
    Ship(Address),
    Pair(u8, String),
    /// Closes it.
    Close,
    Reopen,
}

/// Where it goes to.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
struct Address {
    street: String,
    /// An address inside another one, as in a cycle.
    via: Option<Box<Self>>,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
enum Speed {
    Slow,
    Fast,
}

/// It was opened.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core")]
struct Opened {
    /// By whom.
    by: String,
}

/// It was closed.
#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core")]
struct Closed;

#[derive(Event, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core")]
enum OnlyUnits {
    Begun,
    Ended,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core")]
enum Undescribed {
    Happened { what: String },
}

fn ask(name: &str) -> Value {
    let found = Ask::json_schemas().into_iter().find(|(it, _)| *it == name);
    found.expect("it has a schema").1
}

#[test]
fn every_variant_has_the_schema_of_its_content_under_its_type_name() {
    let names: Vec<_> = Ask::json_schemas().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, Ask::TYPE_NAMES);
    let item = ask("add_item");
    assert_eq!(item["title"], "add_item");
    assert_eq!(
        item["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert_eq!(item["description"], "Adds articles.");
    assert_eq!(item["type"], "object");
    let fields = &item["properties"];
    assert_eq!(
        fields["sku"],
        json!({ "type": "string", "description": "The article." })
    );
    assert_eq!(fields["quantity"]["type"], "integer");
    assert_eq!(fields["note"]["type"], json!(["string", "null"]));
    assert_eq!(fields["labels"]["additionalProperties"]["type"], "array");
    assert_eq!(item["required"], json!(["sku", "speed", "to", "labels"]));
}

/// Comments of a nested type come along, and a type that contains itself is described once.
#[test]
fn a_schema_has_the_definitions_that_it_needs_and_no_others() {
    let item = ask("add_item");
    assert_eq!(item["properties"]["to"]["$ref"], "#/$defs/Address");
    let definitions: Vec<_> = item["$defs"].as_object().unwrap().keys().collect();
    assert_eq!(definitions, ["Address", "Speed"]);
    let ship = ask("Ship");
    assert_eq!(ship["$ref"], "#/$defs/Address");
    assert_eq!(ship["description"], "Sends it there.");
    let definitions: Vec<_> = ship["$defs"].as_object().unwrap().keys().collect();
    assert_eq!(definitions, ["Address"]);
    assert_eq!(ship["$defs"]["Address"]["description"], "Where it goes to.");
    assert_eq!(ask("Pair").get("$defs"), None);
}

#[test]
fn what_has_no_fields_takes_an_empty_object() {
    for name in ["Close", "Reopen"] {
        let schema = ask(name);
        assert_eq!(
            (&schema["type"], &schema["properties"]),
            (&json!("object"), &json!({}))
        );
        assert_eq!(schema["additionalProperties"], false);
    }
    assert_eq!(ask("Close")["description"], "Closes it.");
    assert_eq!(ask("Reopen").get("description"), None);
    let closed = Closed::json_schemas();
    assert_eq!(
        (closed[0].0, &closed[0].1["description"]),
        ("Closed", &json!("It was closed."))
    );
    let names: Vec<_> = OnlyUnits::json_schemas()
        .iter()
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(names, ["Begun", "Ended"]);
}

#[test]
fn a_struct_has_its_own_schema() {
    let opened = Opened::json_schemas();
    assert_eq!(opened.len(), 1);
    assert_eq!(
        (opened[0].0, &opened[0].1["description"]),
        ("Opened", &json!("It was opened."))
    );
    assert_eq!(opened[0].1["properties"]["by"]["description"], "By whom.");
}

#[test]
fn a_type_that_is_not_described_has_none() {
    assert!(Undescribed::json_schemas().is_empty());
}
