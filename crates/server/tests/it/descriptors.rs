//! A domain of protobuf messages whose descriptors are registered: sent and read as JSON.

use std::sync::Arc;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use prost_types::{Any, FileDescriptorProto};
use serde_json::json as value;
use seriatim_coordinator::Coordinator;
use seriatim_core::{
    Action, CommandRequest, Decision, Domain, ExpectedSequence, LetterStatus, MergeStrategy,
    Payload, Sequence, StreamId,
};
use seriatim_proto::{Client, convert, v1};
use seriatim_schema::{Descriptors, Payloads};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::FaultyStore;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use uuid::Uuid;

use crate::meter::{Counted, Meter};
use crate::reflection::ask_reflection;
use crate::rig::*;
use crate::till::Till;

fn descriptors() -> Descriptors {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let set = protox::compile(["meter.proto"], [folder]).unwrap();
    let mut descriptors = Descriptors::default();
    descriptors.add(&set.encode_to_vec()).unwrap();
    descriptors
}

async fn rig() -> Rig {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let coordinator = Coordinator::builder(Arc::new(store.clone()))
        .aggregate::<Till>()
        .aggregate::<Meter>()
        .descriptors(descriptors())
        .start()
        .unwrap();
    Rig::start_on(store, coordinator, |server| server).await
}

fn meter() -> StreamId {
    StreamId::new(Domain::of::<Meter>(), Uuid::now_v7())
}

fn counted(response: &v1::SubmitResponse) -> Any {
    committed(response).events[0].event.clone().unwrap()
}

fn with_events(request: v1::SubmitRequest) -> v1::SubmitRequest {
    v1::SubmitRequest {
        include_events: true,
        ..request
    }
}

#[tokio::test]
async fn a_command_may_be_json_and_its_event_is_the_message() {
    let rig = rig().await;
    let units = format!(r#"{{"units":"{}"}}"#, u64::MAX);
    let request = ask(&meter(), "meter.v1.Read", &units);
    let event = counted(&rig.submit(with_events(request)).await);
    assert_eq!(event.type_url, "type.googleapis.com/meter.v1.Counted");
    let counted = Counted::decode(event.value.as_slice()).unwrap();
    assert_eq!(counted.units, u64::MAX);
}

#[tokio::test]
async fn the_same_json_under_the_same_external_id_is_a_repetition_however_it_is_written() {
    let rig = rig().await;
    let stream = meter();
    let send = |text: &str| under("m-1", ask(&stream, "meter.v1.Read", text));
    committed(&rig.submit(send(r#"{"units":"7"}"#)).await);
    let again = rig.submit(send(r#" { "units" : "7" } "#)).await;
    let outcome = again.outcome.unwrap();
    assert!(
        matches!(outcome, v1::submit_response::Outcome::Duplicate(_)),
        "{outcome:?}"
    );
    let status = rig.refused(send(r#"{"units":"8"}"#)).await;
    assert_code(&status, tonic::Code::AlreadyExists, "EXTERNAL_ID_REUSED");
    assert_eq!(rig.history(&stream).await.len(), 1);
}

#[tokio::test]
async fn json_that_does_not_fit_is_refused_with_what_was_meant() {
    let rig = rig().await;
    for (name, text, told) in [
        ("meter.v1.Read", r#"{"unit":"7"}"#, "did you mean `units`?"),
        ("meter.v1.Read", r#"{"units":"-7"}"#, "meter.v1.Read"),
        ("meter.v1.Read", "{", "meter.v1.Read"),
        ("meter.v1.Nothing", "{}", "meter.v1.Nothing"),
        ("meter.v1.Counted", "{}", "it has `meter.v1.Read`"),
    ] {
        let status = rig.refused(ask(&meter(), name, text)).await;
        assert_eq!(faulty_fields(&status), ["pages[0].command"]);
        assert!(status.message().contains(told), "{}", status.message());
    }
    assert_eq!(rig.head().await.0, 0);
}

#[tokio::test]
async fn a_fact_may_be_json_whether_the_aggregate_sees_it_or_not() {
    let rig = rig().await;
    for route in [true, false] {
        let stream = meter();
        let request = v1::RecordRequest {
            route_facts_to_aggregate: Some(route),
            include_events: true,
            ..fact(&stream, "evt-1", "meter.v1.Counted", r#"{"units":9}"#)
        };
        let response = rig.facts().record(request.clone()).await;
        let event = counted(&response.unwrap().into_inner().into());
        assert_eq!(Counted::decode(event.value.as_slice()).unwrap().units, 9);
        let again = rig.facts().record(request).await.unwrap().into_inner();
        let outcome = v1::SubmitResponse::from(again).outcome.unwrap();
        assert!(
            matches!(outcome, v1::submit_response::Outcome::Duplicate(_)),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_simulation_and_an_edit_take_json() {
    let rig = rig().await;
    let stream = meter();
    let read = |units: u32| ask(&stream, "meter.v1.Read", &format!(r#"{{"units":{units}}}"#));
    committed(&rig.submit(read(1)).await);
    let parked = stale(ExpectedSequence::NoStream, MergeStrategy::Manual, read(2));
    let parked = rig.submit(parked).await;
    let id = Uuid::from_slice(&dead_lettered(&parked).id.as_ref().unwrap().value).unwrap();

    let client = Client::connect(&rig.url, std::time::Duration::from_secs(30))
        .await
        .unwrap();
    let payload = Payload::json("meter.v1.Read", r#"{"units":"3"}"#);
    let request = CommandRequest::new(stream.clone(), payload.clone());
    let simulation = client.simulate(&request, Default::default()).await.unwrap();
    assert_eq!(
        format!("{:?}", simulation.outcome)
            .matches("meter.v1.Counted")
            .count(),
        1
    );

    // The letter has the message, which is shown as JSON.
    let (mut letter, _) = client.letter(id).await.unwrap();
    letter.make_readable(&descriptors());
    let shown = format!("{letter:?}");
    assert!(shown.contains(r#"meter.v1.Read {"units":"2"}"#), "{shown}");
    let decision = Decision {
        letter: id,
        action: Action::Edit {
            commands: vec![payload],
            expected: ExpectedSequence::Exactly(Sequence(0)),
        },
        actor: None,
        reason: None,
    };
    let closed = client.decide(&decision).await.unwrap();
    assert_eq!(closed.status(), LetterStatus::Resolved);
    assert_eq!(rig.history(&stream).await.len(), 2);
}

#[tokio::test]
async fn a_schema_has_the_fields_of_each_type_and_the_descriptors_of_its_domain() {
    let rig = rig().await;
    let ask = async |domain: &str| {
        let request = v1::GetSchemaRequest {
            domain: domain.into(),
        };
        rig.queries().get_schema(request).await
    };
    let all = ask("").await.unwrap().into_inner();
    let names: Vec<_> = all.domains.iter().map(|it| it.domain.as_str()).collect();
    assert_eq!(names, ["meter", "till"]);
    let meter = ask("meter").await.unwrap().into_inner();
    assert_eq!(meter.domains, all.domains[..1]);
    let read = &meter.domains[0].commands[0];
    assert_eq!(read.type_name, "meter.v1.Read");
    let schema: serde_json::Value = serde_json::from_str(&read.json_schema).unwrap();
    assert_eq!(schema["description"], "Somebody reads the meter.");
    assert_eq!(
        schema["properties"]["units"]["description"],
        "The units that it shows."
    );
    assert_eq!(meter.domains[0].events[0].type_name, "meter.v1.Counted");

    let mut received = Descriptors::default();
    received.add(&meter.file_descriptor_set).unwrap();
    let event = Payload::protobuf("meter.v1.Counted", Counted { units: 5 }.encode_to_vec());
    let json = received.to_json(&event).unwrap();
    assert_eq!(&json.data[..], br#"{"units":"5"}"#);

    let till = ask("till").await.unwrap().into_inner();
    assert!(till.file_descriptor_set.is_empty());
    let status = ask("nothing").await.unwrap_err();
    assert_code(&status, tonic::Code::NotFound, "UNKNOWN_DOMAIN");
}

/// Reads a file and all that it imports, as `grpcurl` does.
async fn files_of(rig: &Rig, symbol: &str) -> DescriptorPool {
    let mut questions = vec![MessageRequest::FileContainingSymbol(symbol.into())];
    let mut files: Vec<FileDescriptorProto> = Vec::new();
    while let Some(question) = questions.pop() {
        let answer = ask_reflection(rig, question.clone()).await;
        let MessageResponse::FileDescriptorResponse(answer) = answer else {
            panic!("{question:?}: {answer:?}");
        };
        for bytes in &answer.file_descriptor_proto {
            let file = FileDescriptorProto::decode(bytes.as_slice()).unwrap();
            if files.iter().all(|it| it.name() != file.name()) {
                let imports = file.dependency.iter().cloned();
                questions.extend(imports.map(MessageRequest::FileByFilename));
                files.push(file);
            }
        }
    }
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_protos(files).unwrap();
    pool
}

/// It has nothing but what the server says of itself, and writes the message of the domain as JSON.
#[tokio::test]
async fn a_client_that_knows_nothing_writes_and_reads_the_messages_of_the_domain() {
    let rig = rig().await;
    let mut pool = files_of(&rig, "seriatim.v1.CommandService").await;
    let of_domain = files_of(&rig, "meter.v1.Read").await;
    pool.add_file_descriptor_protos(of_domain.file_descriptor_protos().cloned())
        .unwrap();
    let submit = pool
        .get_service_by_name("seriatim.v1.CommandService")
        .unwrap();
    let submit = submit
        .methods()
        .find(|method| method.name() == "Submit")
        .unwrap();

    let stream = meter();
    let cover = convert::cover(&stream);
    let request = value!({
        "book": {
            "cover": {
                "domain": cover.domain,
                "root": { "value": base64_of(&cover.root.unwrap().value) },
            },
            "pages": [{ "command": { "@type": "type.googleapis.com/meter.v1.Read", "units": "41" } }],
        },
        "includeEvents": true,
    });
    let request = DynamicMessage::deserialize(submit.input(), request).unwrap();
    let request = v1::SubmitRequest::decode(&request.encode_to_vec()[..]).unwrap();
    let response = rig.submit(request).await;
    let bytes = response.encode_to_vec();
    let response = DynamicMessage::decode(submit.output(), &bytes[..]).unwrap();
    let response = serde_json::to_value(&response).unwrap();
    let event = &response["committed"]["events"][0]["event"];
    let wanted = value!({ "@type": "type.googleapis.com/meter.v1.Counted", "units": "41" });
    assert_eq!(*event, wanted);
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
