//! A message as JSON, and back.

use serde_json::json;
use seriatim_core::Payload;

use crate::shop::{descriptors, message, refused, shown};

#[test]
fn every_kind_of_field_is_shown_and_read_back() {
    let all = json!({
        "sku": "tea",
        "centsEach": "-9223372036854775808",
        "picture": "AP8=",
        "speed": "SPEED_FAST",
        "labels": { "de": "Tee", "fr": "thé" },
        "boxes": { "-7": { "serial": "18446744073709551615", "inside": { "serial": "2" } } },
        "box": { "serial": "1" },
        "spares": [{ "serial": "3" }, { "serial": "4" }],
        "wantedAt": "2026-11-21T07:07:22.419386Z",
        "isGift": false,
        "note": { "@type": "type.googleapis.com/shop.v1.Box", "serial": "9" },
        "weight": 1.5,
    });
    let payload = message("shop.v1.AddItem", &all.to_string());
    assert_eq!(shown(&payload), all);
    let again = descriptors().to_json(&payload).unwrap();
    let again = message("shop.v1.AddItem", std::str::from_utf8(&again.data).unwrap());
    assert_eq!(shown(&again), all);
}

/// A zero is a value like any other for somebody who reads it.
#[test]
fn a_field_that_is_zero_is_shown() {
    let empty = Payload::protobuf("shop.v1.AddItem", vec![]);
    assert_eq!(
        shown(&empty),
        json!({
            "sku": "", "centsEach": "0", "picture": "", "speed": "SPEED_UNSPECIFIED", "labels": {}, "boxes": {},
            "spares": [], "weight": 0.0,
        })
    );
}

#[test]
fn names_may_be_written_as_in_the_proto_file_and_integers_as_numbers() {
    let one = message("shop.v1.AddItem", r#"{"cents_each":450,"is_gift":true}"#);
    let other = message("shop.v1.AddItem", r#"{"centsEach":"450","isGift":true}"#);
    assert_eq!(one, other);
}

#[test]
fn a_field_that_does_not_exist_is_refused_and_the_one_that_was_meant_is_named() {
    for (json, told) in [
        (
            r#"{"sky":"tea"}"#,
            "there is no field `sky`; did you mean `sku`?",
        ),
        (
            r#"{"box":{"serail":1}}"#,
            "there is no field `box.serail`; did you mean `serial`?",
        ),
        (
            r#"{"spares":[{},{"insid":{}}]}"#,
            "there is no field `spares.1.insid`; did you mean `inside`?",
        ),
        (
            r#"{"boxes":{"1":{"serial_":1}}}"#,
            "there is no field `boxes.1.serial_`; did you mean `serial`?",
        ),
        (r#"{"zzz":1}"#, "there is no field `zzz`"),
    ] {
        let why = refused("shop.v1.AddItem", json);
        assert!(why.ends_with(told), "{why}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for json in [
        r#"{"speed":"SPEED_FASTER"}"#,
        r#"{"centsEach":"9223372036854775808"}"#,
        r#"{"centsEach":1.5}"#,
        r#"{"picture":"*"}"#,
        r#"{"shelf":"a","box":{}}"#,
        r#"{"wantedAt":"yesterday"}"#,
        r#"{"note":{"@type":"type.googleapis.com/shop.v1.Nothing"}}"#,
        r#"{} trailing"#,
        "[]",
        "{",
    ] {
        refused("shop.v1.AddItem", json);
    }
}

#[test]
fn only_messages_that_are_known_are_written() {
    let descriptors = descriptors();
    for payload in [
        Payload::json("shop.v1.Nothing", "{}"),
        Payload::json("AddItem", "{}"),
        Payload::json("", "{}"),
        Payload::protobuf("shop.v1.Box", vec![]),
    ] {
        assert!(descriptors.to_protobuf(&payload).is_none(), "{payload:?}");
    }
}
