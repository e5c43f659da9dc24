//! Bytes that nobody can have meant.

use prost::Message;
use seriatim_core::Payload;
use seriatim_schema::{Descriptors, Payloads};

use crate::shop::{descriptors, message, refused, shown};

#[test]
fn what_cannot_be_read_stays_as_it_is() {
    let whole = message("shop.v1.AddItem", r#"{"sku":"tea","box":{"serial":"7"}}"#);
    let cut = whole.data.slice(..whole.data.len() - 1);
    for payload in [
        Payload::protobuf("shop.v1.AddItem", cut),
        Payload::protobuf("shop.v1.AddItem", vec![0xff; 100]),
        // A string that is not UTF-8.
        Payload::protobuf("shop.v1.AddItem", vec![0x0a, 1, 0xff]),
        // A length of 4 GiB.
        Payload::protobuf("shop.v1.AddItem", vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
        // Another wire type than that of the field.
        Payload::protobuf("shop.v1.AddItem", vec![0x08, 1]),
        Payload::protobuf("shop.v1.Nothing", vec![]),
        Payload::protobuf("", vec![1]),
        Payload::json("shop.v1.AddItem", "{}"),
        Payload::unreadable("it broke".into()),
        Payload::nothing(),
    ] {
        let mut shown = vec![payload.clone()];
        shown.make_readable(&descriptors());
        assert_eq!(shown, [payload]);
    }
}

/// They would be lost if somebody edited the JSON.
#[test]
fn a_field_that_only_the_sender_knows_is_not_left_out_silently() {
    let descriptors = descriptors();
    let with_field_99 = [0x98, 0x06, 1];
    let inside = [&[0x42, 3][..], &with_field_99].concat();
    let in_list = [&[0x4a, 3][..], &with_field_99].concat();
    // A map entry with the key 1 and such a box.
    let in_map = [&[0x32, 7, 0x08, 1, 0x12, 3][..], &with_field_99].concat();
    for bytes in [with_field_99.to_vec(), inside, in_list, in_map] {
        let payload = Payload::protobuf("shop.v1.AddItem", bytes);
        assert_eq!(descriptors.to_json(&payload), None);
    }
}

#[test]
fn a_number_that_an_enum_does_not_have_is_shown_as_a_number() {
    let payload = Payload::protobuf("shop.v1.AddItem", vec![0x20, 42]);
    assert_eq!(shown(&payload)["speed"], 42);
}

/// Returns boxes inside one another.
fn nested(depth: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..depth {
        let mut outer = vec![0x12];
        prost::encoding::encode_varint(bytes.len() as u64, &mut outer);
        outer.extend(bytes);
        bytes = outer;
    }
    bytes
}

#[test]
fn nesting_ends_where_prost_ends_it() {
    let deep = Payload::protobuf("shop.v1.Box", nested(90));
    assert!(descriptors().to_json(&deep).is_some());
    let deeper = Payload::protobuf("shop.v1.Box", nested(10_000));
    assert_eq!(descriptors().to_json(&deeper), None);
    let text = format!("{}{}", r#"{"inside":"#.repeat(10_000), "}".repeat(10_000));
    refused("shop.v1.Box", &text);
}

#[test]
fn a_megabyte_is_shown_and_what_would_be_too_much_is_not() {
    let large = message(
        "shop.v1.AddItem",
        &format!(r#"{{"sku":"{}"}}"#, "x".repeat(1 << 20)),
    );
    assert_eq!(shown(&large)["sku"].as_str().unwrap().len(), 1 << 20);
    // A megabyte of boxes, each of two bytes and of sixteen as JSON.
    let boxes = [0x4a, 0].repeat(1 << 19);
    let boxes = Payload::protobuf("shop.v1.AddItem", boxes);
    assert_eq!(shown(&boxes)["spares"].as_array().unwrap().len(), 1 << 19);
    // As JSON they would be 40 MiB.
    let many = [0x4a, 0].repeat(5 << 19);
    let many = Payload::protobuf("shop.v1.AddItem", many);
    assert_eq!(descriptors().to_json(&many), None);
}

#[test]
fn a_megabyte_of_unknown_fields_is_refused_briefly() {
    let fields: Vec<_> = (0..60_000)
        .map(|number| format!("\"unknown{number}\":1"))
        .collect();
    let why = refused("shop.v1.AddItem", &format!("{{{}}}", fields.join(",")));
    assert!(why.len() < 2000, "{} bytes", why.len());
}

#[test]
fn bytes_that_are_no_descriptors_are_refused() {
    let mut descriptors = Descriptors::default();
    for bytes in [&b"\xff\xff"[..], b"no descriptors", &[0x0a, 0x7f]] {
        descriptors.add(bytes).unwrap_err();
    }
    let without_name = prost_types::FileDescriptorSet {
        file: vec![prost_types::FileDescriptorProto {
            dependency: vec!["nowhere.proto".into()],
            ..Default::default()
        }],
    };
    descriptors.add(&without_name.encode_to_vec()).unwrap_err();
    assert!(descriptors.is_empty());
}

/// Each decodes the next, so that no limit of a decoder counts them.
#[test]
fn envelopes_inside_one_another_do_not_exhaust_the_stack() {
    let enveloped = |depth: usize| {
        let mut any = prost_types::Any::default();
        for _ in 0..depth {
            any = prost_types::Any {
                type_url: "type.googleapis.com/google.protobuf.Any".into(),
                value: any.encode_to_vec(),
            };
        }
        let mut bytes = vec![0x62];
        prost::encoding::encode_varint(any.encoded_len() as u64, &mut bytes);
        bytes.extend(any.encode_to_vec());
        Payload::protobuf("shop.v1.AddItem", bytes)
    };
    assert_eq!(descriptors().to_json(&enveloped(2_000)), None);
    let few = enveloped(3);
    assert!(
        descriptors().to_json(&few).is_none(),
        "an empty envelope names no type"
    );
    let whole = r#"{"note":{"@type":"a/google.protobuf.Any","value":{"@type":"a/shop.v1.Box","serial":"9"}}}"#;
    let whole = message("shop.v1.AddItem", whole);
    assert_eq!(shown(&whole)["note"]["value"]["serial"], "9");
}
