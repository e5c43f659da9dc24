//! Checks that bad input gets a clear error that names the field, nothing is written, and the server stays up.

use seriatim_core::{Domain, ExpectedSequence, MergeStrategy, QueryError, Sequence, SubmitError};
use seriatim_proto::status::WireError;
use seriatim_proto::{convert, v1};
use tonic::{Code, Request, Status};
use v1::event_page::SequenceType;

use crate::rig::*;

/// Sends a command that `break_it` has changed. Checks that nothing is written, and that the next command is accepted.
/// Returns the refusal.
async fn refused_command(break_it: impl FnOnce(&mut v1::SubmitRequest)) -> Status {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[("Open", r#"{"owner":"Ann"}"#)]).await;
    let before = rig.head().await;
    let mut request = ask(&stream, "Fill", r#"{"coins":1}"#);
    break_it(&mut request);
    let status = rig.refused(request).await;
    assert_eq!(rig.head().await, before, "{status:?}");
    rig.submit(ask(&stream, "Fill", r#"{"coins":1}"#)).await;
    status
}

/// Sends a fact that `break_it` has changed. Checks that nothing is written, and that the next fact is accepted.
/// Returns the refusal.
async fn refused_fact(break_it: impl FnOnce(&mut v1::RecordRequest)) -> Status {
    let rig = Rig::start().await;
    let stream = till();
    let mut request = fact(&stream, "evt-1", "Settled", r#"{"cents":5}"#);
    break_it(&mut request);
    let status = rig.facts().record(request).await.unwrap_err();
    assert_eq!(rig.head().await.0, 0, "{status:?}");
    let good = fact(&stream, "evt-2", "Settled", r#"{"cents":5}"#);
    rig.facts().record(good).await.unwrap();
    status
}

fn cover(request: &mut v1::SubmitRequest) -> &mut v1::Cover {
    request.book.as_mut().unwrap().cover.as_mut().unwrap()
}

fn pages(request: &mut v1::SubmitRequest) -> &mut Vec<v1::CommandPage> {
    &mut request.book.as_mut().unwrap().pages
}

fn fact_page(request: &mut v1::RecordRequest) -> &mut v1::EventPage {
    &mut request.book.as_mut().unwrap().pages[0]
}

fn short_uuid() -> Option<v1::Uuid> {
    Some(v1::Uuid { value: vec![1; 15] })
}

#[tokio::test]
async fn a_malformed_uuid() {
    let status = refused_command(|request| cover(request).root = short_uuid()).await;
    assert_eq!(faulty_fields(&status), ["cover.root.value"]);
    let status = refused_fact(|request| {
        request.book.as_mut().unwrap().cover.as_mut().unwrap().root = short_uuid();
    })
    .await;
    assert_eq!(faulty_fields(&status), ["cover.root.value"]);

    let rig = Rig::start().await;
    let request = v1::DeadLetterServiceGetRequest { id: short_uuid() };
    let status = rig.letters().get(request).await.unwrap_err();
    assert_eq!(faulty_fields(&status), ["id.value"]);
}

#[tokio::test]
async fn an_empty_or_over_long_domain() {
    for domain in ["", &"a".repeat(65)] {
        let status = refused_command(|request| cover(request).domain = domain.into()).await;
        assert_eq!(faulty_fields(&status), ["cover.domain"]);
    }
}

#[tokio::test]
async fn an_unknown_domain() {
    let status = refused_command(|request| cover(request).domain = "tilll".into()).await;
    assert_code(&status, Code::NotFound, "UNKNOWN_DOMAIN");
    match SubmitError::from_status(&status) {
        Some(SubmitError::UnknownDomain { domain, known }) => {
            let known: Vec<_> = known.iter().map(Domain::as_str).collect();
            assert_eq!((domain.as_str(), known), ("tilll", vec!["meter", "till"]));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_unknown_command_type() {
    let status = refused_command(|request| {
        pages(request)[0].command = Some(json("Fil", r#"{"coins":1}"#));
    })
    .await;
    assert_eq!(faulty_fields(&status), ["pages[0].command"]);
    assert!(status.message().contains("`Fill`"), "{}", status.message());
}

#[tokio::test]
async fn a_payload_that_cannot_be_decoded() {
    let broken_envelope = prost_types::Any {
        type_url: "type.googleapis.com/seriatim.v1.JsonPayload".into(),
        value: vec![255],
    };
    let no_type = prost_types::Any {
        type_url: String::new(),
        value: vec![],
    };
    for (payload, field) in [
        (Some(json("Fill", "not json")), "pages[0].command"),
        (Some(json("Fill", "{}")), "pages[0].command"),
        (
            Some(json("Fill", r#"{"coins":"many"}"#)),
            "pages[0].command",
        ),
        (
            Some(json("Fill", r#"{"coins":9223372036854775808}"#)),
            "pages[0].command",
        ),
        (Some(broken_envelope), "pages[0].command.value"),
        (Some(no_type), "pages[0].command.type_url"),
        (Some(json("", "{}")), "pages[0].command"),
        (None, "pages[0].command"),
    ] {
        let status = refused_command(|request| pages(request)[0].command = payload).await;
        assert_eq!(faulty_fields(&status), [field]);
    }
    let status = refused_fact(|request| {
        fact_page(request).event = Some(json("Settled", r#"{"cents":-1}"#));
    })
    .await;
    assert_eq!(faulty_fields(&status), ["pages[0].event"]);
}

#[tokio::test]
async fn a_missing_cover_or_book() {
    let status = refused_command(|request| request.book.as_mut().unwrap().cover = None).await;
    assert_eq!(faulty_fields(&status), ["cover"]);
    let status = refused_command(|request| request.book = None).await;
    assert_eq!(faulty_fields(&status), ["book"]);
    let status = refused_fact(|request| request.book = None).await;
    assert_eq!(faulty_fields(&status), ["book"]);
}

#[tokio::test]
async fn an_empty_book() {
    let status = refused_command(|request| pages(request).clear()).await;
    assert_eq!(faulty_fields(&status), ["pages"]);
    let status = refused_fact(|request| request.book.as_mut().unwrap().pages.clear()).await;
    assert_eq!(faulty_fields(&status), ["pages"]);
}

#[tokio::test]
async fn a_page_with_another_domains_command() {
    // The first page is valid, and still nothing of the book may be written.
    let status = refused_command(|request| {
        let mut foreign = pages(request)[0].clone();
        foreign.command = Some(prost_types::Any {
            type_url: "type.googleapis.com/meter.v1.Read".into(),
            value: vec![8, 1],
        });
        pages(request).push(foreign);
    })
    .await;
    assert_eq!(faulty_fields(&status), ["pages[1].command"]);
}

#[tokio::test]
async fn pages_that_do_not_share_one_view_of_the_stream() {
    let status = refused_command(|request| {
        let first = pages(request)[0].clone();
        pages(request).push(v1::CommandPage {
            expected: Some(v1::command_page::Expected::Sequence(0)),
            ..first
        });
    })
    .await;
    assert_eq!(faulty_fields(&status), ["pages[1].expected"]);
}

#[tokio::test]
async fn a_fact_without_external_id() {
    let status = refused_fact(|request| {
        let cover = request.book.as_mut().unwrap().cover.as_mut().unwrap();
        cover.external_id.clear();
    })
    .await;
    assert_eq!(faulty_fields(&status), ["cover.external_id"]);
}

#[tokio::test]
async fn a_fact_without_source() {
    let status = refused_fact(|request| {
        let marker = v1::FactSequence::default();
        fact_page(request).sequence_type = Some(SequenceType::Fact(marker));
    })
    .await;
    assert_eq!(faulty_fields(&status), ["pages[0].fact.source"]);
}

#[tokio::test]
async fn a_fact_with_a_sequence_where_the_marker_is_due() {
    let status = refused_fact(|request| {
        fact_page(request).sequence_type = Some(SequenceType::Sequence(0));
    })
    .await;
    assert_eq!(faulty_fields(&status), ["pages[0].sequence"]);
    let status = refused_fact(|request| fact_page(request).sequence_type = None).await;
    assert_eq!(faulty_fields(&status), ["pages[0].fact"]);
}

/// This is the reverse of the test above: an event that is read has a sequence and never a marker.
#[tokio::test]
async fn a_recorded_fact_has_a_sequence_and_no_marker() {
    let rig = Rig::start().await;
    let stream = till();
    let request = v1::RecordRequest {
        include_events: true,
        ..fact(&stream, "evt-1", "Settled", r#"{"cents":5}"#)
    };
    let response = rig.facts().record(request).await.unwrap().into_inner();
    let events = committed(&response.into()).events.clone();
    let sequences: Vec<_> = events
        .iter()
        .map(|page| page.sequence_type.clone())
        .collect();
    assert_eq!(
        sequences,
        [
            Some(SequenceType::Sequence(0)),
            Some(SequenceType::Sequence(1))
        ]
    );
    for page in events {
        let origin = page.metadata.unwrap().origin.unwrap();
        assert_eq!(
            (origin.source, origin.description),
            ("stripe".into(), "a payment".into())
        );
    }
}

#[tokio::test]
async fn a_merge_strategy_that_does_not_exist() {
    let status = refused_command(|request| pages(request)[0].merge_strategy = Some(4)).await;
    assert_eq!(faulty_fields(&status), ["pages[0].merge_strategy"]);
}

#[tokio::test]
async fn a_premise_that_names_no_field() {
    let status = refused_command(|request| request.premises = vec!["a..b".into()]).await;
    assert_eq!(faulty_fields(&status), ["premises[0]"]);
}

#[tokio::test]
async fn a_sequence_beyond_the_current_one() {
    for strategy in MergeStrategy::ALL {
        let status = refused_command(|request| {
            *request = stale(7, strategy, request.clone());
        })
        .await;
        assert_code(&status, Code::OutOfRange, "BEYOND_CURRENT");
        match SubmitError::from_status(&status) {
            Some(SubmitError::BeyondCurrent { conflict, .. }) => {
                assert_eq!(conflict.expected, ExpectedSequence::Exactly(Sequence(7)));
                assert_eq!(conflict.current, Some(Sequence(0)));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_sender_whose_name_cannot_be_read() {
    let rig = Rig::start().await;
    let mut request = Request::new(ask(&till(), "Nothing", "{}"));
    let name = tonic::metadata::MetadataValue::from_bytes(&[255]);
    request
        .metadata_mut()
        .insert_bin("seriatim-actor-bin", name);
    let status = rig.commands().submit(request).await.unwrap_err();
    assert_eq!(faulty_fields(&status), ["seriatim-actor-bin"]);
}

#[tokio::test]
async fn questions_that_make_no_sense() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[("Open", r#"{"owner":"Ann"}"#)]).await;
    let cover = Some(convert::cover(&stream));

    let request = v1::GetEventsRequest {
        cover: cover.clone(),
        from_sequence: Some(3),
        through_sequence: Some(2),
        last: None,
    };
    let status = rig.queries().get_events(request).await.unwrap_err();
    assert_eq!(faulty_fields(&status), ["through_sequence"]);

    let request = v1::GetStateRequest {
        cover: cover.clone(),
        at: Some(v1::get_state_request::At::AtSequence(1)),
    };
    let status = rig.queries().get_state(request).await.unwrap_err();
    assert_code(&status, Code::OutOfRange, "BEYOND_CURRENT");
    match QueryError::from_status(&status) {
        Some(QueryError::BeyondCurrent { asked, current, .. }) => {
            assert_eq!((asked, current), (Sequence(1), Some(Sequence(0))));
        }
        other => panic!("{other:?}"),
    }

    let request = v1::GetStateRequest {
        cover,
        at: Some(v1::get_state_request::At::AsOf(prost_types::Timestamp {
            seconds: i64::MAX,
            nanos: -1,
        })),
    };
    let status = rig.queries().get_state(request).await.unwrap_err();
    assert_eq!(faulty_fields(&status), ["as_of"]);

    let request = v1::ListStreamsRequest {
        page_token: "2".into(),
        ..Default::default()
    };
    let status = rig.queries().list_streams(request).await.unwrap_err();
    assert_eq!(faulty_fields(&status), ["page_token"]);
}

#[tokio::test]
async fn questions_about_an_unknown_domain() {
    let rig = Rig::start().await;
    let mut cover = convert::cover(&till());
    cover.domain = "tilll".into();
    let cover = Some(cover);
    let mut answers = vec![
        rig.queries()
            .get_events(v1::GetEventsRequest {
                cover: cover.clone(),
                ..Default::default()
            })
            .await
            .map(drop),
    ];
    let request = v1::GetStateRequest { cover, at: None };
    answers.push(rig.queries().get_state(request).await.map(drop));
    let request = v1::ListStreamsRequest {
        domain: "tilll".into(),
        ..Default::default()
    };
    answers.push(rig.queries().list_streams(request).await.map(drop));
    let request = v1::DeadLetterServiceListRequest {
        domain: "tilll".into(),
        ..Default::default()
    };
    answers.push(rig.letters().list(request).await.map(drop));
    for answer in answers {
        assert_code(&answer.unwrap_err(), Code::NotFound, "UNKNOWN_DOMAIN");
    }
}
