//! The JSON Schema of a message, and its fields for people.

use serde_json::{Value, json};
use seriatim_schema::{Outline, outline};

use crate::shop::{compiled, descriptors};

fn item() -> Value {
    descriptors().json_schema("shop.v1.AddItem").unwrap()
}

#[test]
fn every_kind_of_field_is_described_with_its_comment() {
    let item = item();
    assert_eq!(item["title"], "shop.v1.AddItem");
    assert_eq!(item["description"], "An article is added to an order.");
    let fields = &item["properties"];
    assert_eq!(
        fields["sku"],
        json!({ "type": "string", "description": "The article." })
    );
    assert_eq!(fields["centsEach"]["type"], json!(["string", "integer"]));
    assert_eq!(fields["picture"]["contentEncoding"], "base64");
    assert_eq!(
        fields["labels"]["additionalProperties"],
        json!({ "type": "string" })
    );
    assert_eq!(
        fields["boxes"]["additionalProperties"]["$ref"],
        "#/$defs/shop.v1.Box"
    );
    assert_eq!(fields["spares"]["items"]["$ref"], "#/$defs/shop.v1.Box");
    assert_eq!(fields["wantedAt"]["format"], "date-time");
    assert_eq!(fields["isGift"]["type"], "boolean");
    assert_eq!(fields["note"]["required"], json!(["@type"]));
    assert_eq!(
        item["allOf"],
        json!([{ "not": { "required": ["shelf", "box"] } }])
    );
    let names = &item["$defs"]["shop.v1.Speed"]["enum"];
    assert_eq!(
        *names,
        json!(["SPEED_UNSPECIFIED", "SPEED_SLOW", "SPEED_FAST"])
    );
    // A box may have a box inside.
    let inside = &item["$defs"]["shop.v1.Box"]["properties"]["inside"];
    assert_eq!(inside["$ref"], "#/$defs/shop.v1.Box");
    assert_eq!(descriptors().json_schema("shop.v1.Nothing"), None);
}

fn rows(outline: &Outline) -> Vec<String> {
    let fields = outline.fields.iter();
    fields
        .map(|field| format!("{}: {}", field.name, field.takes))
        .collect()
}

#[test]
fn people_read_a_line_for_each_field() {
    let outline = outline(&item());
    assert_eq!(outline.description, "An article is added to an order.");
    let rows = rows(&outline);
    for row in [
        "sku: string",
        "centsEach: string or integer",
        "picture: string (base64)",
        "speed: shop.v1.Speed",
        "labels: map of string",
        "boxes: map of shop.v1.Box",
        "spares: list of shop.v1.Box",
        "wantedAt: time (RFC 3339)",
        "isGift: boolean",
    ] {
        assert!(rows.iter().any(|it| it == row), "{row} in {rows:?}");
    }
    let names: Vec<_> = outline.types.keys().collect();
    assert_eq!(names, ["shop.v1.Box"]);
}

#[test]
fn schemas_of_other_shapes_are_read_too() {
    let all = json!({
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": { "type": ["string", "null"] },
            "b": { "anyOf": [{ "$ref": "#/$defs/Other" }, { "type": "null" }] },
            "c": { "enum": ["x", "y"] },
            "d": { "const": 7 },
            "e": true,
            "f": { "type": "array" },
            "g": { "type": "string", "format": "uuid" },
            "h": { "oneOf": [] },
        },
    });
    let read = outline(&all);
    let wanted = [
        "a: string or null",
        "b: Other or null",
        "c: \"x\" or \"y\"",
        "d: 7",
        "e: anything",
        "f: list",
        "g: string (uuid)",
        "h: anything",
    ];
    assert_eq!(rows(&read), wanted);
    let required: Vec<_> = read.fields.iter().filter(|it| it.is_required).collect();
    assert_eq!((required.len(), &required[0].name[..]), (1, "a"));
    for strange in [
        json!({ "type": "string" }),
        json!({ "$ref": "#/$defs/A" }),
        json!(true),
        json!([]),
    ] {
        assert_eq!(outline(&strange).fields.len(), 1, "{strange}");
    }
    let mut deep = json!({ "type": "string" });
    (0..100).for_each(|_| deep = json!({ "type": "array", "items": deep }));
    assert!(outline(&deep).fields[0].takes.ends_with("list of anything"));
}

#[test]
fn descriptors_without_comments_have_none() {
    use prost::Message;
    let mut set = prost_types::FileDescriptorSet::decode(&compiled(&["shop.proto"])[..]).unwrap();
    set.file
        .iter_mut()
        .for_each(|file| file.source_code_info = None);
    let mut descriptors = seriatim_schema::Descriptors::default();
    descriptors.add(&set.encode_to_vec()).unwrap();
    let schema = descriptors.json_schema("shop.v1.AddItem").unwrap();
    assert_eq!(schema.get("description"), None);
}
