//! Checks that events hold what the sender sent, unchanged, in both codecs.

use prost::Message;
use prost_types::Any;
use seriatim_core::Sequence;
use seriatim_core::{Domain, StreamId};
use seriatim_proto::{convert, v1};
use tonic::Request;
use uuid::Uuid;

use crate::meter::{Counted, Meter, Read};
use crate::rig::*;

#[tokio::test]
async fn whole_numbers_of_64_bits_stay_exact() {
    let rig = Rig::start().await;
    let stream = till();
    let request = ask(&stream, "Fill", &format!(r#"{{"coins":{}}}"#, i64::MAX));
    let response = rig
        .submit(v1::SubmitRequest {
            include_events: true,
            ..request
        })
        .await;
    let event = committed(&response).events[0].event.clone().unwrap();
    assert_eq!(
        event.type_url,
        "type.googleapis.com/seriatim.v1.JsonPayload"
    );
    let payload = v1::JsonPayload::decode(event.value.as_slice()).unwrap();
    assert_eq!(payload.type_name, "Filled");
    assert_eq!(payload.json, format!(r#"{{"coins":{}}}"#, i64::MAX));

    let request = v1::GetStateRequest {
        cover: Some(convert::cover(&stream)),
        at: None,
    };
    let state = rig
        .queries()
        .get_state(request)
        .await
        .unwrap()
        .into_inner()
        .state
        .unwrap();
    let state = v1::JsonPayload::decode(state.state.unwrap().value.as_slice()).unwrap();
    assert_eq!(state.type_name, "till");
    assert!(state.json.contains(&i64::MAX.to_string()), "{}", state.json);
}

#[tokio::test]
async fn protobuf_messages_travel_under_their_own_names() {
    let rig = Rig::start().await;
    let stream = StreamId::new(Domain::of::<Meter>(), Uuid::now_v7());
    for (prefix, sequence) in [("type.googleapis.com/", 0), ("example.org/a/", 1), ("", 2)] {
        let mut request = ask(&stream, "", "");
        request.include_events = true;
        request.book.as_mut().unwrap().pages[0].command = Some(Any {
            type_url: format!("{prefix}meter.v1.Read"),
            value: Read { units: u64::MAX }.encode_to_vec(),
        });
        let response = rig.submit(request).await;
        assert_eq!(committed(&response).first, sequence);
        let event = committed(&response).events[0].event.clone().unwrap();
        assert_eq!(event.type_url, "type.googleapis.com/meter.v1.Counted");
        let counted = Counted::decode(event.value.as_slice()).unwrap();
        assert_eq!(counted.units, u64::MAX);
    }
}

#[tokio::test]
async fn the_other_codec_and_bytes_that_are_no_message_are_refused() {
    let rig = Rig::start().await;
    let stream = StreamId::new(Domain::of::<Meter>(), Uuid::now_v7());
    let broken = Any {
        type_url: "type.googleapis.com/meter.v1.Read".into(),
        value: vec![255],
    };
    let unknown = Any {
        type_url: "type.googleapis.com/meter.v2.Read".into(),
        value: vec![],
    };
    for command in [broken, unknown, json("meter.v1.Read", "{}")] {
        let mut request = ask(&stream, "", "");
        request.book.as_mut().unwrap().pages[0].command = Some(command);
        let status = rig.refused(request).await;
        assert_eq!(faulty_fields(&status), ["pages[0].command"]);
    }
    assert_eq!(rig.head().await.0, 0);
}

#[tokio::test]
async fn what_is_known_of_a_command_stays_with_its_events() {
    let rig = Rig::start().await;
    let stream = till();
    let request_id = Uuid::now_v7();
    let sent_at = prost_types::Timestamp {
        seconds: 1_700_000_000,
        nanos: 5_000,
    };
    let mut request = v1::SubmitRequest {
        request_id: Some(request_id.into()),
        sent_at: Some(sent_at),
        ..under("till-7/1", ask(&stream, "Fill", r#"{"coins":5}"#))
    };
    let cover = request.book.as_mut().unwrap().cover.as_mut().unwrap();
    cover.correlation_id = "checkout-7".into();
    let mut message = Request::new(request);
    seriatim_proto::set_actor(message.metadata_mut(), "Zoë");
    let response = rig.commands().submit(message).await.unwrap().into_inner();
    assert_eq!(response.correlation_id, "checkout-7");

    let events = rig
        .coordinator
        .store()
        .read_stream(&stream, Sequence::FIRST, 9)
        .await
        .unwrap();
    let metadata = &events[0].metadata;
    assert_eq!(metadata.actor.as_deref(), Some("Zoë"));
    assert_eq!(metadata.external_id.as_deref(), Some("till-7/1"));
    assert_eq!(metadata.correlation_id.as_deref(), Some("checkout-7"));
    assert_eq!(metadata.causation_id, Some(request_id));
    assert_eq!(metadata.sent_at.unwrap().as_micros(), 1_700_000_000_000_005);
    assert_eq!(metadata.origin, None);
}

#[tokio::test]
async fn a_workflow_gets_an_id_where_the_sender_names_none() {
    let rig = Rig::start().await;
    let one = rig.submit(ask(&till(), "Fill", r#"{"coins":5}"#)).await;
    let other = rig.submit(ask(&till(), "Fill", r#"{"coins":5}"#)).await;
    assert!(!one.correlation_id.is_empty());
    assert_ne!(one.correlation_id, other.correlation_id);
}
