//! Descriptor sets of an application, one after another.

use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use seriatim_schema::{Descriptors, InvalidDescriptors};

use crate::shop::compiled;

fn files(set: &[u8]) -> Vec<String> {
    let set = FileDescriptorSet::decode(set).unwrap();
    set.file.iter().map(|file| file.name().to_owned()).collect()
}

#[test]
fn a_file_that_is_there_already_is_passed_over() {
    let mut descriptors = Descriptors::default();
    assert!(descriptors.is_empty() && !descriptors.has("shop.v1.Box"));
    let set = compiled(&["shop.proto"]);
    descriptors.add(&set).unwrap();
    descriptors.add(&set).unwrap();
    // The same file, as a compiler writes it that leaves out the comments.
    let mut bare = FileDescriptorSet::decode(&set[..]).unwrap();
    bare.file
        .iter_mut()
        .for_each(|file| file.source_code_info = None);
    descriptors.add(&bare.encode_to_vec()).unwrap();
    assert_eq!(
        files(&descriptors.encoded()),
        [
            "google/protobuf/any.proto",
            "google/protobuf/timestamp.proto",
            "shop.proto"
        ]
    );
    assert!(descriptors.has("shop.v1.Box"));
}

#[test]
fn another_file_of_the_same_name_is_refused() {
    let mut descriptors = Descriptors::default();
    descriptors.add(&compiled(&["shop.proto"])).unwrap();
    let other = FileDescriptorSet {
        file: vec![FileDescriptorProto {
            name: Some("shop.proto".into()),
            ..Default::default()
        }],
    };
    let error = descriptors.add(&other.encode_to_vec()).unwrap_err();
    assert!(matches!(error, InvalidDescriptors::OtherFile { name } if name == "shop.proto"));
}

#[test]
fn an_import_that_is_missing_is_named() {
    let set = FileDescriptorSet {
        file: vec![FileDescriptorProto {
            name: Some("a.proto".into()),
            dependency: vec!["b.proto".into()],
            ..Default::default()
        }],
    };
    let error = Descriptors::default()
        .add(&set.encode_to_vec())
        .unwrap_err();
    assert!(error.to_string().contains("b.proto"), "{error}");
}

#[test]
fn a_domain_gets_its_files_and_those_that_they_import() {
    let file = |name: &str, dependency: &[&str], message: &str| FileDescriptorProto {
        name: Some(name.into()),
        package: Some("a".into()),
        dependency: dependency.iter().map(|it| (*it).to_owned()).collect(),
        message_type: vec![prost_types::DescriptorProto {
            name: Some(message.into()),
            ..Default::default()
        }],
        ..Default::default()
    };
    let set = FileDescriptorSet {
        file: vec![
            file("one.proto", &["common.proto"], "One"),
            file("common.proto", &["google/protobuf/any.proto"], "Common"),
            file("two.proto", &["common.proto"], "Two"),
        ],
    };
    let mut descriptors = Descriptors::default();
    descriptors.add(&set.encode_to_vec()).unwrap();
    assert_eq!(
        files(&descriptors.encoded_of(["a.One", "a.Unknown"])),
        ["google/protobuf/any.proto", "common.proto", "one.proto"]
    );
    assert!(files(&descriptors.encoded_of(["a.Unknown"])).is_empty());
    // They are enough for somebody who has nothing else.
    let mut receiver = Descriptors::default();
    receiver.add(&descriptors.encoded_of(["a.One"])).unwrap();
    assert!(receiver.has("a.One") && !receiver.has("a.Two"));
}
