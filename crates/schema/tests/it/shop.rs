//! The descriptors of the domain of the tests, and its payloads.

use prost::Message;
use seriatim_core::Payload;
use seriatim_schema::Descriptors;

/// Compiles files beside this one.
pub(crate) fn compiled(files: &[&str]) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    protox::compile(files, [folder]).unwrap().encode_to_vec()
}

pub(crate) fn descriptors() -> Descriptors {
    let mut descriptors = Descriptors::default();
    descriptors.add(&compiled(&["shop.proto"])).unwrap();
    descriptors
}

/// Returns the bytes of a message that JSON describes.
pub(crate) fn message(type_name: &'static str, json: &str) -> Payload {
    let payload = Payload::json(type_name, json.to_owned());
    let written = descriptors().to_protobuf(&payload);
    written.expect("it is known").expect("it fits")
}

/// Returns the JSON that people see.
pub(crate) fn shown(payload: &Payload) -> serde_json::Value {
    let json = descriptors().to_json(payload).expect("it is readable");
    assert_eq!(json.type_name, payload.type_name);
    serde_json::from_slice(&json.data).unwrap()
}

/// Returns why JSON does not fit.
pub(crate) fn refused(type_name: &'static str, json: &str) -> String {
    let payload = Payload::json(type_name, json.to_owned());
    let written = descriptors().to_protobuf(&payload);
    written.expect("it is known").unwrap_err().to_string()
}
