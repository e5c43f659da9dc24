//! Checks that snapshots shorten loading and change nothing else.

use std::sync::Arc;

use seriatim_coordinator::Coordinator;
use seriatim_core::{
    At, CommandGateway, Fingerprint, Load, MergeStrategy, Sequence, Shape, Snapshot, Store,
    StreamId,
};
use uuid::Uuid;

use crate::cart::*;

async fn event_at(store: &Arc<dyn Store>, stream: &StreamId, sequence: u32) -> Uuid {
    let found = store.read_stream(stream, Sequence(sequence), 1).await;
    found.unwrap()[0].id
}

async fn snapshot(
    store: &Arc<dyn Store>,
    stream: &StreamId,
    through: Option<Sequence>,
) -> Option<Snapshot> {
    let load = Load {
        stream: stream.clone(),
        through,
        snapshots: Some(Fingerprint::of::<Cart>()),
    };
    store.load(load).await.unwrap().snapshot
}

/// Fills a stream, and shuts down, which waits for the snapshots on their way.
async fn filled(commands: u32) -> (Coordinator, Arc<dyn Store>, StreamId) {
    let (first, store) = coordinator();
    let stream = stream_of(&first, (0..commands).map(|_| Do::Add { count: 1 })).await;
    first.shutdown().await;
    (on(&store), store, stream)
}

#[tokio::test]
async fn one_is_kept_after_as_many_events_as_the_policy_says() {
    let (_, store, stream) = filled(9).await;
    assert_eq!(snapshot(&store, &stream, None).await, None);
    let (coordinator, store, stream) = filled(10).await;
    let kept = snapshot(&store, &stream, None).await.unwrap();
    assert_eq!(kept.sequence, Sequence(9));
    assert_eq!(kept.restore::<Cart>().unwrap().count, 10);
    accept(&coordinator, &stream, Do::Double).await;
    assert_eq!(history(&store, &stream).await[10], added(10));
}

#[tokio::test]
async fn the_state_at_e_never_comes_from_a_snapshot_past_e() {
    let (coordinator, store, stream) = filled(20).await;
    assert_eq!(
        snapshot(&store, &stream, None).await.unwrap().sequence,
        Sequence(19)
    );
    // If the snapshot were taken as the expected state, nothing would have intervened, and doubling would merge.
    for expected in [0, 3, 12] {
        let request = stale(&stream, &Do::Double, expected, MergeStrategy::Commutative);
        conflict(coordinator.submit(request).await);
        let view = coordinator
            .state(&stream, At::Sequence(Sequence(expected)))
            .await
            .unwrap();
        assert_eq!(view.to_json().unwrap()["count"], expected + 1);
    }
}

#[tokio::test]
async fn one_that_does_not_decode_is_ignored() {
    let (coordinator, store, stream) = filled(12).await;
    let broken = Snapshot {
        fingerprint: Fingerprint::of::<Cart>(),
        shape: Shape(0),
        sequence: Sequence(11),
        event: event_at(&store, &stream, 11).await,
        state: "not a state".into(),
    };
    store.save_snapshot(&stream, broken).await.unwrap();
    let view = coordinator.state(&stream, At::Current).await.unwrap();
    assert_eq!(view.to_json().unwrap()["count"], 12);
}

#[tokio::test]
async fn one_of_another_schema_is_ignored() {
    let (coordinator, store, stream) = filled(5).await;
    let lie = Cart {
        count: 1000,
        ..Cart::default()
    };
    let foreign = Snapshot {
        fingerprint: Fingerprint(Fingerprint::of::<Cart>().0 ^ 1),
        ..Snapshot::of(&lie, Sequence(4), event_at(&store, &stream, 4).await).unwrap()
    };
    store.save_snapshot(&stream, foreign).await.unwrap();
    let view = coordinator.state(&stream, At::Current).await.unwrap();
    assert_eq!(view.to_json().unwrap()["count"], 5);
}
