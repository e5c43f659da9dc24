//! Checks facts that go through the aggregate, and facts that do not.

use seriatim_proto::v1;

use crate::rig::*;

async fn record(rig: &Rig, request: v1::RecordRequest) -> v1::SubmitResponse {
    rig.facts()
        .record(request)
        .await
        .unwrap()
        .into_inner()
        .into()
}

#[tokio::test]
async fn a_fact_goes_through_the_aggregate_which_may_add_to_it() {
    for route in [None, Some(true)] {
        let rig = Rig::start().await;
        let stream = till();
        let request = v1::RecordRequest {
            route_facts_to_aggregate: route,
            ..fact(&stream, "evt-1", "Settled", r#"{"cents":5}"#)
        };
        let response = record(&rig, request).await;
        assert_eq!(
            (committed(&response).first, committed(&response).last),
            (0, 1)
        );
        assert_eq!(rig.history(&stream).await, ["Settled", "Flagged"]);
    }
}

#[tokio::test]
async fn a_fact_that_is_not_routed_is_appended_as_it_came() {
    let rig = Rig::start().await;
    let stream = till();
    let request = v1::RecordRequest {
        route_facts_to_aggregate: Some(false),
        ..fact(&stream, "evt-1", "Settled", r#"{"cents":5}"#)
    };
    record(&rig, request).await;
    assert_eq!(rig.history(&stream).await, ["Settled"]);
}

#[tokio::test]
async fn the_same_fact_again_gives_the_first_result() {
    let rig = Rig::start().await;
    let stream = till();
    let request = fact(&stream, "evt-1", "Settled", r#"{"cents":5}"#);
    let first = record(&rig, request.clone()).await;
    rig.submit(ask(&stream, "Fill", r#"{"coins":1}"#)).await;
    let again = record(&rig, request).await;
    let Some(v1::submit_response::Outcome::Duplicate(duplicate)) = again.outcome else {
        panic!("{again:?}");
    };
    let first = committed(&first);
    assert_eq!(
        duplicate.first_result.unwrap().result,
        Some(v1::first_result::Result::Committed(
            v1::first_result::Committed {
                first: first.first,
                last: first.last,
                position: first.position,
            }
        ))
    );
    assert_eq!(rig.history(&stream).await.len(), 3);
}

#[tokio::test]
async fn what_is_known_of_a_fact_stays_with_its_events() {
    let rig = Rig::start().await;
    let stream = till();
    let mut request = v1::RecordRequest {
        include_events: true,
        causation_id: Some(uuid::Uuid::from_u128(5).into()),
        ..fact(&stream, "evt-1", "Settled", r#"{"cents":5}"#)
    };
    let sent_at = prost_types::Timestamp {
        seconds: 1_700_000_000,
        nanos: 5_000,
    };
    let book = request.book.as_mut().unwrap();
    book.pages[0].created_at = Some(sent_at);
    book.cover.as_mut().unwrap().correlation_id = "checkout-7".into();
    let mut message = tonic::Request::new(request);
    message
        .metadata_mut()
        .insert("seriatim-actor", "stripe-hook".parse().unwrap());
    let response = rig.facts().record(message).await.unwrap().into_inner();
    assert_eq!(response.correlation_id, "checkout-7");
    let response = response.into();
    for page in &committed(&response).events {
        let metadata = page.metadata.clone().unwrap();
        assert_eq!(metadata.external_id, "evt-1");
        assert_eq!(metadata.correlation_id, "checkout-7");
        assert_eq!(metadata.actor, "stripe-hook");
        assert_eq!(metadata.causation_id, Some(uuid::Uuid::from_u128(5).into()));
        assert_eq!(metadata.sent_at, Some(sent_at));
        assert_ne!(page.created_at, Some(sent_at));
    }
}
