//! Checks that failures of the store and of an aggregate's code become typed errors, and the server goes on.

use seriatim_core::{Fault, StoreErrorKind, SubmitError};
use seriatim_proto::status::WireError;
use seriatim_proto::{convert, v1};
use tonic::Code;
use tonic_types::StatusExt;

use crate::rig::*;

#[tokio::test]
async fn a_store_that_does_not_answer() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[("Fill", r#"{"coins":1}"#)]).await;
    rig.store.go_down(StoreErrorKind::Unavailable);
    let cover = Some(convert::cover(&stream));
    let answers = [
        rig.commands()
            .submit(ask(&stream, "Fill", r#"{"coins":1}"#))
            .await
            .map(drop),
        rig.facts()
            .record(fact(&stream, "evt-1", "Flagged", "{}"))
            .await
            .map(drop),
        rig.queries()
            .get_events(v1::GetEventsRequest {
                cover: cover.clone(),
                ..Default::default()
            })
            .await
            .map(drop),
        rig.queries()
            .list_streams(v1::ListStreamsRequest::default())
            .await
            .map(drop),
        rig.letters()
            .list(v1::DeadLetterServiceListRequest::default())
            .await
            .map(drop),
    ];
    for answer in answers {
        let status = answer.unwrap_err();
        assert_code(&status, Code::Unavailable, "STORE_UNAVAILABLE");
        let retry = status.get_details_retry_info().unwrap();
        assert!(retry.retry_delay.is_some());
    }
    rig.store.come_back();
    rig.submit(ask(&stream, "Fill", r#"{"coins":1}"#)).await;
}

/// A client that is told to come back would come for ever.
#[tokio::test]
async fn a_store_that_fails_for_good() {
    for (kind, code) in [
        (StoreErrorKind::Denied, Code::FailedPrecondition),
        (StoreErrorKind::Refused, Code::FailedPrecondition),
        (StoreErrorKind::Corrupt, Code::DataLoss),
    ] {
        let rig = Rig::start().await;
        let stream = rig.till_with(&[("Fill", r#"{"coins":1}"#)]).await;
        rig.store.go_down(kind);
        let answers = [
            rig.commands()
                .submit(ask(&stream, "Fill", r#"{"coins":1}"#))
                .await
                .map(drop),
            rig.queries()
                .list_streams(v1::ListStreamsRequest::default())
                .await
                .map(drop),
            rig.letters()
                .list(v1::DeadLetterServiceListRequest::default())
                .await
                .map(drop),
        ];
        for answer in answers {
            let status = answer.unwrap_err();
            assert_code(&status, code, "STORE_FAILED");
            assert!(status.get_details_retry_info().is_none(), "{status:?}");
        }
    }
}

#[tokio::test]
async fn an_aggregate_that_panics() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[("Fill", r#"{"coins":1}"#)]).await;
    let status = rig.refused(ask(&stream, "Panic", "{}")).await;
    assert_code(&status, Code::Internal, "BROKEN");
    match SubmitError::from_status(&status) {
        Some(SubmitError::Broken {
            fault: Fault::Panicked { function, message },
            ..
        }) => assert_eq!(
            (function, message.as_str()),
            ("decide", "the drawer is stuck")
        ),
        other => panic!("{other:?}"),
    }
    rig.submit(ask(&stream, "Fill", r#"{"coins":1}"#)).await;
}
