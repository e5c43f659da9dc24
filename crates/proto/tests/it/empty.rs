//! Checks that an empty message means the same as none, wherever none is allowed: clients in some languages set a
//! message by looking into it.

use std::collections::BTreeSet;

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FileDescriptorSet};
use seriatim_core::*;
use seriatim_proto::convert;
use seriatim_proto::v1;

use crate::samples::*;

#[test]
fn a_command_with_empty_messages_is_one_without_them() {
    let bare = v1::SubmitRequest {
        request_id: None,
        causation_id: None,
        effect: None,
        ..(&command()).into()
    };
    let empty = v1::SubmitRequest {
        request_id: Some(v1::Uuid::default()),
        causation_id: Some(v1::Uuid::default()),
        effect: Some(Box::default()),
        ..bare.clone()
    };
    let [bare, empty] = [bare, empty].map(|request| {
        let read = CommandRequest::try_from(request).unwrap();
        // Each request was given an id of its own, which is not compared.
        CommandRequest {
            id: uuid::Uuid::nil(),
            ..read
        }
    });
    assert_eq!(empty, bare);
    let nobody = convert::optional_wait_for(Some(v1::WaitFor::default()));
    assert_eq!(nobody.unwrap(), None);
}

#[test]
fn a_fact_with_empty_messages_is_one_without_them() {
    let bare = v1::RecordRequest {
        request_id: None,
        causation_id: None,
        effect: None,
        ..(&fact()).into()
    };
    let mut empty = v1::RecordRequest {
        request_id: Some(v1::Uuid::default()),
        causation_id: Some(v1::Uuid::default()),
        effect: Some(v1::EffectId::default()),
        ..bare.clone()
    };
    let book = empty.book.as_mut().unwrap();
    book.snapshot = Some(v1::Snapshot::default());
    for page in &mut book.pages {
        page.event_id = Some(v1::Uuid::default());
        page.metadata = Some(v1::EventMetadata::default());
    }
    let [bare, empty] = [bare, empty].map(|request| {
        let read = FactRequest::try_from(request).unwrap();
        FactRequest {
            id: uuid::Uuid::nil(),
            ..read
        }
    });
    assert_eq!(empty, bare);
}

#[test]
fn other_requests_with_empty_messages_are_ones_without_them() {
    let mut back: v1::HandBackRequest = (&rejected_effect()).into();
    back.causation_id = Some(v1::Uuid::default());
    let back = RejectedEffect::try_from(back).unwrap();
    assert_eq!(back.metadata.causation_id, None);

    let list = v1::DeadLetterServiceListRequest {
        root: Some(v1::Uuid::default()),
        ..v1::DeadLetterServiceListRequest::default()
    };
    assert_eq!(
        convert::letter_filter(&list).unwrap(),
        LetterFilter::default()
    );

    let resubmit = [None, Some(v1::ExpectedSequence::default())].map(|expected| {
        let request = v1::DeadLetterServiceResubmitRequest {
            id: Some(uuid::Uuid::from_u128(1).into()),
            expected,
            reason: String::new(),
        };
        convert::resubmission(request, None).unwrap()
    });
    assert_eq!(resubmit[0], resubmit[1]);

    let edit = [None, Some(v1::ExpectedSequence::default())].map(|expected| {
        let request = v1::DeadLetterServiceEditRequest {
            id: Some(uuid::Uuid::from_u128(1).into()),
            expected,
            ..v1::DeadLetterServiceEditRequest::default()
        };
        convert::editing(request, None).unwrap()
    });
    assert_eq!(edit[0], edit[1]);

    let job = [None, Some(v1::Uuid::default())].map(|through| {
        let filter = through.clone().map(|_| v1::JobFilter::default());
        let request = v1::JobServiceStartRequest {
            verb: v1::DeadLetterVerb::Resubmit.into(),
            filter,
            through,
            ..v1::JobServiceStartRequest::default()
        };
        convert::new_job(request).unwrap()
    });
    assert_eq!(job[0], job[1]);

    let mut subscribe = convert::subscribe_request(&Begin::Now, &EventFilter::default());
    subscribe.filter = Some(v1::EventFilter::default());
    let (_, filter) = convert::subscription_of(subscribe).unwrap();
    assert_eq!(filter, EventFilter::default());
    let nowhere = [None, Some(v1::Begin::default())].map(convert::begin);
    let [none, empty] = nowhere.map(|refused| refused.unwrap_err().to_string());
    assert_eq!(none, empty);
}

/// A message that is added to a request must be added here and, if it may be left out, above.
#[test]
fn it_is_known_of_every_message_of_a_request_what_an_empty_one_means() {
    // These need some content, so empty ones are refused as missing ones are.
    let needed = [
        "begin",
        "book",
        "cover",
        "root",
        "effect",
        "source",
        "rejection",
        "id",
        "version",
        "request",
        "event",
        "command",
        "state",
        "fields",
    ];
    let says_nothing = [
        "request_id",
        "causation_id",
        "effect",
        "wait_for",
        "snapshot",
        "event_id",
        "metadata",
        "root",
        "filter",
        "through",
        "origin",
        "expected",
    ];
    // For these, zero is a value: a time, or no time at all.
    let is_a_value = ["sent_at", "created_at", "expires_at", "limit"];
    let set = FileDescriptorSet::decode(seriatim_proto::FILE_DESCRIPTOR_SET).unwrap();
    let known: BTreeSet<_> = [&needed[..], &says_nothing, &is_a_value]
        .concat()
        .into_iter()
        .collect();
    for name in messages_of_requests(&set) {
        assert!(
            known.contains(name.as_str()),
            "what does an empty `{name}` mean?"
        );
    }
}

/// Returns the names of the fields that hold one message, among all that can be sent to a service.
fn messages_of_requests(set: &FileDescriptorSet) -> BTreeSet<String> {
    let ours = || {
        set.file
            .iter()
            .filter(|file| file.package() == "seriatim.v1")
    };
    let services = ours().flat_map(|file| &file.service);
    let methods = services.flat_map(|service| &service.method);
    let mut open: Vec<String> = methods
        .map(|method| method.input_type().to_owned())
        .collect();
    let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
    while let Some(name) = open.pop() {
        let plain = name.trim_start_matches(".seriatim.v1.");
        let all = ours().flat_map(|file| &file.message_type);
        let message: Option<&DescriptorProto> =
            all.into_iter().find(|message| message.name() == plain);
        let Some(message) = message.filter(|_| seen.insert(name.clone())) else {
            continue;
        };
        for field in message
            .field
            .iter()
            .filter(|field| field.r#type() == Type::Message)
        {
            open.push(field.type_name().to_owned());
            if field.label() != Label::Repeated && field.oneof_index.is_none() {
                found.insert(field.name().to_owned());
            }
        }
    }
    found
}
