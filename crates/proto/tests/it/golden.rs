//! Checks that the wire does not change: a number, a name or a type that changes breaks every client.

use std::fmt::Write;
use std::path::Path;

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet, ServiceDescriptorProto,
};

/// To accept a change, run `cargo run -p seriatim-proto-codegen`, then this with `SERIATIM_ACCEPT_WIRE=1`, and look at
/// what git shows.
#[test]
fn the_wire_is_what_it_was() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire.txt");
    let now = dump();
    if std::env::var_os("SERIATIM_ACCEPT_WIRE").is_some() {
        std::fs::write(&golden, &now).unwrap();
    }
    let before = std::fs::read_to_string(&golden).unwrap_or_default();
    let lost: Vec<_> = before.lines().filter(|line| !now.contains(*line)).collect();
    assert!(
        before == now,
        "the wire differs from tests/wire.txt; these lines are gone: {lost:#?}"
    );
}

#[test]
fn every_message_field_and_method_says_what_it_is() {
    let set = FileDescriptorSet::decode(seriatim_proto::FILE_DESCRIPTOR_SET).unwrap();
    let mut silent = Vec::new();
    for file in ours(&set) {
        let said: Vec<_> = file
            .source_code_info
            .iter()
            .flat_map(|info| &info.location)
            .filter(|location| location.leading_comments.is_some())
            .map(|location| location.path.clone())
            .collect();
        for (path, name) in places(file) {
            if !said.contains(&path) {
                silent.push(format!("{}: {name}", file.name()));
            }
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}

fn ours(set: &FileDescriptorSet) -> impl Iterator<Item = &FileDescriptorProto> {
    set.file
        .iter()
        .filter(|file| file.package() == "seriatim.v1")
}

/// Returns the paths (in the sense of `SourceCodeInfo`) and names of everything that needs a comment.
fn places(file: &FileDescriptorProto) -> Vec<(Vec<i32>, String)> {
    let mut places = Vec::new();
    for (at, message) in (0..).zip(&file.message_type) {
        message_places(&[4, at], message, &mut places);
    }
    for (at, all) in (0..).zip(&file.enum_type) {
        places.push((vec![5, at], all.name().into()));
        for (value_at, value) in (0..).zip(&all.value) {
            places.push((vec![5, at, 2, value_at], value.name().into()));
        }
    }
    for (at, service) in (0..).zip(&file.service) {
        places.push((vec![6, at], service.name().into()));
        for (method_at, method) in (0..).zip(&service.method) {
            places.push((vec![6, at, 2, method_at], method.name().into()));
        }
    }
    places
}

fn message_places(path: &[i32], message: &DescriptorProto, places: &mut Vec<(Vec<i32>, String)>) {
    places.push((path.to_vec(), message.name().into()));
    for (at, field) in (0..).zip(&message.field) {
        let name = format!("{}.{}", message.name(), field.name());
        places.push(([path, &[2, at]].concat(), name));
    }
    for (at, nested) in (0..).zip(&message.nested_type) {
        message_places(&[path, &[3, at]].concat(), nested, places);
    }
}

fn dump() -> String {
    let set = FileDescriptorSet::decode(seriatim_proto::FILE_DESCRIPTOR_SET).unwrap();
    let mut lines = Vec::new();
    for file in ours(&set) {
        for message in &file.message_type {
            dump_message(file.package(), message, &mut lines);
        }
        for all in &file.enum_type {
            dump_enum(file.package(), all, &mut lines);
        }
        for service in &file.service {
            dump_service(file.package(), service, &mut lines);
        }
    }
    lines.sort();
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn dump_message(scope: &str, message: &DescriptorProto, lines: &mut Vec<String>) {
    let name = format!("{scope}.{}", message.name());
    lines.push(format!("message {name}"));
    for range in &message.reserved_range {
        for number in range.start()..range.end() {
            lines.push(format!("message {name} {number:>3} reserved"));
        }
    }
    for field in &message.field {
        let line = dump_field(message, field);
        lines.push(format!("message {name} {:>3} {line}", field.number()));
    }
    for nested in &message.nested_type {
        dump_message(&name, nested, lines);
    }
}

fn dump_field(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let mut line = String::new();
    if field.label() == Label::Repeated {
        line.push_str("repeated ");
    }
    if field.proto3_optional() {
        line.push_str("optional ");
    } else if let Some(oneof) = field.oneof_index {
        let oneof = &message.oneof_decl[usize::try_from(oneof).unwrap()];
        write!(line, "oneof {} ", oneof.name()).unwrap();
    }
    match field.r#type() {
        Type::Message | Type::Enum => line.push_str(field.type_name().trim_start_matches('.')),
        scalar => line.push_str(&scalar.as_str_name()["TYPE_".len()..].to_lowercase()),
    }
    write!(line, " {}", field.name()).unwrap();
    line
}

fn dump_enum(scope: &str, all: &EnumDescriptorProto, lines: &mut Vec<String>) {
    for value in &all.value {
        let name = all.name();
        lines.push(format!(
            "enum {scope}.{name} {:>3} {}",
            value.number(),
            value.name()
        ));
    }
}

fn dump_service(scope: &str, service: &ServiceDescriptorProto, lines: &mut Vec<String>) {
    for method in &service.method {
        let streamed = |streamed: bool| if streamed { "stream " } else { "" };
        lines.push(format!(
            "rpc {scope}.{}/{} ({}{}) -> ({}{})",
            service.name(),
            method.name(),
            streamed(method.client_streaming()),
            method.input_type().trim_start_matches('.'),
            streamed(method.server_streaming()),
            method.output_type().trim_start_matches('.'),
        ));
    }
}
