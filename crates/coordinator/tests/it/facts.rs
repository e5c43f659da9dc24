//! Checks that facts are recorded, whatever the aggregate thinks of them.

use seriatim_core::{
    CommandGateway, ExpectedSequence, FirstResult, MergeStrategy, Outcome, Position, Sequence,
    SubmitError,
};

use crate::cart::*;

fn paid(cents: i64) -> Happened {
    Happened::Paid { cents }
}

#[tokio::test]
async fn a_fact_gets_the_next_sequence_and_keeps_its_origin() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [Do::Open, name("a")]).await;
    let receipt = coordinator
        .record(fact(&stream, "pay-1", &paid(100)))
        .await
        .unwrap();
    assert_eq!(committed(&receipt), (2, 2, false));
    let recorded = store.read_stream(&stream, Sequence(2), 1).await.unwrap();
    let origin = recorded[0].metadata.origin.as_ref().unwrap();
    assert_eq!(
        (origin.source.as_str(), origin.description.as_str()),
        ("stripe", "a payment")
    );
    assert_eq!(recorded[0].metadata.external_id.as_deref(), Some("pay-1"));
    assert_eq!(recorded[0].position, Position(3));
}

#[tokio::test]
async fn the_aggregate_may_add_to_a_fact_or_drop_it_but_not_refuse_it() {
    let (coordinator, store) = coordinator();
    let stream = cart();
    let flagged = coordinator
        .record(fact(&stream, "pay-1", &paid(100)))
        .await
        .unwrap();
    assert_eq!(committed(&flagged), (0, 1, false));
    assert_eq!(
        history(&store, &stream).await,
        [paid(100), Happened::Flagged]
    );

    let noted = Happened::Noted { note: "x".into() };
    let dropped = coordinator
        .record(fact(&stream, "note-1", &noted))
        .await
        .unwrap();
    let unchanged = FirstResult::Unchanged {
        current: Some(Sequence(1)),
    };
    assert_eq!(
        dropped.outcome,
        Outcome::Unchanged {
            current: Some(Sequence(1))
        }
    );
    let again = coordinator
        .record(fact(&stream, "note-1", &noted))
        .await
        .unwrap();
    assert_eq!(again.outcome, Outcome::Duplicate(unchanged));
}

#[tokio::test]
async fn a_fact_that_is_not_routed_is_appended_as_it_came() {
    let (coordinator, store) = coordinator();
    let stream = cart();
    let mut request = fact(&stream, "pay-1", &paid(100));
    request.route_to_aggregate = Some(false);
    request.facts[0].payload.data = r#"{ "cents" : 100 }"#.into();
    coordinator.record(request).await.unwrap();
    let recorded = store
        .read_stream(&stream, Sequence::FIRST, 9)
        .await
        .unwrap();
    assert_eq!(recorded.len(), 1, "no flag was added");
    assert_eq!(recorded[0].payload.data, r#"{ "cents" : 100 }"#.as_bytes());
}

#[tokio::test]
async fn several_facts_are_one_append_and_each_sees_the_ones_before_it() {
    let (coordinator, store) = coordinator();
    let stream = cart();
    let mut request = fact(&stream, "batch-1", &paid(1));
    request
        .facts
        .extend(fact(&stream, "", &Happened::Opened).facts);
    request.facts.extend(fact(&stream, "", &paid(2)).facts);
    let receipt = coordinator.record(request).await.unwrap();
    assert_eq!(committed(&receipt), (0, 3, false));
    // Only the payment before the opening is flagged.
    assert_eq!(
        history(&store, &stream).await,
        [paid(1), Happened::Flagged, Happened::Opened, paid(2)]
    );
}

#[tokio::test]
async fn facts_count_as_intervening_events() {
    let (coordinator, _) = coordinator();
    let stream = stream_of(&coordinator, [Do::Open]).await;
    coordinator
        .record(fact(&stream, "pay-1", &paid(100)))
        .await
        .unwrap();
    let strict = stale(&stream, &name("a"), 0, MergeStrategy::Strict);
    let refused = conflict(coordinator.submit(strict).await);
    assert_eq!(refused.intervening.len(), 1);
    let commutative = stale(&stream, &name("a"), 0, MergeStrategy::Commutative);
    assert_eq!(
        committed(&coordinator.submit(commutative).await.unwrap()),
        (2, 2, true)
    );
}

#[tokio::test]
async fn a_fact_never_conflicts_with_writers_beside_it() {
    let (coordinator, store) = coordinator();
    let other = on(&store);
    let stream = cart();
    let facts = (0..40).map(|n| {
        let (coordinator, stream) = (coordinator.clone(), stream.clone());
        async move {
            coordinator
                .record(fact(&stream, &format!("pay-{n}"), &paid(1)))
                .await
        }
    });
    let commands = (0..40).map(|_| accept(&other, &stream, Do::Add { count: 1 }));
    let (facts, _) = futures::join!(
        futures::future::join_all(facts),
        futures::future::join_all(commands)
    );
    facts.into_iter().for_each(|receipt| drop(receipt.unwrap()));
    let happened = history(&store, &stream).await;
    assert_eq!(
        happened.iter().filter(|event| **event == paid(1)).count(),
        40
    );
    assert_eq!(
        happened.iter().filter(|event| **event == added(1)).count(),
        40
    );
}

#[tokio::test]
async fn a_fact_needs_an_external_id_and_a_source() {
    let (coordinator, store) = coordinator();
    let stream = cart();
    let mut request = fact(&stream, "pay-1", &paid(1));
    request.metadata.external_id = None;
    request.facts[0].origin.source.clear();
    let Err(SubmitError::Invalid(violations)) = coordinator.record(request).await else {
        panic!()
    };
    let fields: Vec<_> = violations
        .iter()
        .map(|violation| violation.field.as_str())
        .collect();
    assert_eq!(fields, ["cover.external_id", "pages[0].fact.source"]);
    assert!(history(&store, &stream).await.is_empty());
}

#[tokio::test]
async fn a_fact_for_a_stream_that_expects_nothing_creates_it() {
    let (coordinator, _) = coordinator();
    let stream = cart();
    coordinator
        .record(fact(&stream, "pay-1", &paid(1)))
        .await
        .unwrap();
    let fresh = stale(
        &stream,
        &Do::Open,
        ExpectedSequence::NoStream,
        MergeStrategy::Strict,
    );
    assert_eq!(
        conflict(coordinator.submit(fresh).await).conflict.current,
        Some(Sequence(1))
    );
}
