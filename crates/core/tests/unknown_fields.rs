//! Fields in JSON that a type does not have, and those that were meant.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use seriatim_core::{Payload, unknown_fields};
use seriatim_derive::Command;

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[seriatim(crate = "seriatim_core")]
enum Ask {
    Add {
        sku: String,
        #[serde(default)]
        quantity: u32,
        #[serde(default, skip_serializing_if = "Option::is_none", alias = "remark")]
        note: Option<String>,
        #[serde(default)]
        to: Option<Address>,
        #[serde(default)]
        others: Vec<Address>,
        #[serde(default)]
        labels: BTreeMap<String, Address>,
    },
    Ship(Address),
    Close,
}

#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default)]
struct Address {
    #[serde(default)]
    street: String,
}

#[derive(Command, Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[seriatim(crate = "seriatim_core")]
#[serde(rename_all = "camelCase")]
struct Pay {
    cents_paid: u32,
    #[serde(default)]
    to: Vec<Address>,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[seriatim(crate = "seriatim_core")]
struct Open {
    owner: String,
    #[serde(flatten)]
    rest: BTreeMap<String, u32>,
}

fn told<M: seriatim_core::Message>(name: &'static str, json: &'static str) -> Vec<String> {
    let (fields, _) = unknown_fields::<M>(&Payload::json(name, json));
    fields.iter().map(ToString::to_string).collect()
}

#[test]
fn a_field_that_is_passed_over_is_named_with_the_one_that_was_meant() {
    for (json, wanted) in [
        (
            r#"{"sku":"tea","quantiy":3}"#,
            "there is no field `quantiy`; did you mean `quantity`?",
        ),
        (r#"{"sku":"tea","zzz":3}"#, "there is no field `zzz`"),
        // That one is there already.
        (
            r#"{"sku":"tea","quantity":1,"quantiy":3}"#,
            "there is no field `quantiy`",
        ),
        (
            r#"{"sku":"tea","to":{"stret":"a"}}"#,
            "there is no field `to.stret`; did you mean `street`?",
        ),
        (
            r#"{"sku":"tea","others":[{},{"stret":"a"}]}"#,
            "there is no field `others.1.stret`; did you mean `street`?",
        ),
        (
            r#"{"sku":"tea","labels":{"x":{"stret":"a"}}}"#,
            "there is no field `labels.x.stret`; did you mean `street`?",
        ),
    ] {
        assert_eq!(told::<Ask>("Add", json), [wanted], "{json}");
    }
    assert_eq!(told::<Ask>("Ship", r#"{"stret":"a"}"#).len(), 1);
}

#[test]
fn what_the_type_reads_is_not_unknown() {
    for json in [
        r#"{"sku":"tea"}"#,
        r#"{"sku":"tea","remark":"x"}"#,
        r#"{"sku":"tea","note":"x"}"#,
        r#"{"sku":"tea","labels":{"anything":{}}}"#,
    ] {
        assert!(told::<Ask>("Add", json).is_empty(), "{json}");
    }
    assert!(told::<Open>("Open", r#"{"owner":"Ann","more":1}"#).is_empty());
    assert!(told::<Ask>("Close", "{}").is_empty());
}

/// A required field is missing, because its name is misspelled.
#[test]
fn what_cannot_be_read_is_told_with_the_unknown_fields() {
    let payload = Payload::json("Pay", r#"{"centsPayd":5}"#);
    let (fields, error) = unknown_fields::<Pay>(&payload);
    let told: Vec<_> = fields.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["there is no field `centsPayd`; did you mean `centsPaid`?"]
    );
    assert!(error.unwrap().to_string().contains("centsPaid"));
    // Where a type has no schema, nothing names the fields that were not read.
    let (fields, error) = unknown_fields::<Ask>(&Payload::json("Add", r#"{"skuu":"tea"}"#));
    assert_eq!((fields.len(), &fields[0].meant), (1, &None));
    assert!(error.is_some());
    // What is wrong may come before.
    let payload = Payload::json("Pay", r#"{"to":[{"stret":1}],"centsPaid":"no"}"#);
    let (fields, _) = unknown_fields::<Pay>(&payload);
    assert_eq!(fields[0].meant.as_deref(), Some("street"));
}

#[test]
fn what_is_no_such_command_has_no_fields() {
    for payload in [
        Payload::json("Nothing", r#"{"a":1}"#),
        Payload::json("Add", "{"),
        Payload::json("Add", "[]"),
        Payload::protobuf("Add", vec![1]),
        Payload::nothing(),
    ] {
        let (fields, error) = unknown_fields::<Ask>(&payload);
        assert!(fields.is_empty() && error.is_some(), "{payload:?}");
    }
}

#[test]
fn a_megabyte_of_them_is_told_briefly() {
    let fields: Vec<_> = (0..60_000)
        .map(|number| format!("\"unknown{number}\":1"))
        .collect();
    let json = format!("{{\"sku\":\"tea\",{}}}", fields.join(","));
    let (fields, _) = unknown_fields::<Ask>(&Payload::json("Add", json));
    assert_eq!(fields.len(), 16);
}
