//! Rules of kept states: they are only a shortcut, and never change a result.

use seriatim_core::{Fingerprint, Load, Loaded, Sequence, Shape, Snapshot, StreamId};
use uuid::Uuid;

use super::samples::*;

const TYPE: Fingerprint = Fingerprint(u64::MAX - 7);
const OTHER_TYPE: Fingerprint = Fingerprint(1);

/// Loading begins with the snapshot and goes on with the event after it.
pub async fn loading_begins_with_the_newest_snapshot(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 6).await;
    save(a, &stream, TYPE, 1).await;
    save(b, &stream, TYPE, 3).await;
    let loaded = load(b, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, Some(snapshot(b, &stream, TYPE, 3).await));
    assert_eq!(numbers(&loaded), [4, 5]);
    save(a, &stream, TYPE, 5).await;
    let loaded = load(b, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, Some(snapshot(b, &stream, TYPE, 5).await));
    assert!(loaded.payloads.is_empty(), "nothing came after it");
}

/// A caller that asks for no snapshot gets all events.
pub async fn loading_without_snapshots_gives_all_events(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 4).await;
    save(a, &stream, TYPE, 2).await;
    let loaded = load(b, &stream, None, None).await;
    assert_eq!(loaded.snapshot, None);
    assert_eq!(numbers(&loaded), [0, 1, 2, 3]);
}

/// A state at an event is never built from a later one; the snapshot before serves.
pub async fn a_snapshot_past_the_wanted_event_is_not_used_but_an_older_one_is(
    a: &Handle,
    b: &Handle,
) {
    let stream = stream_of(a, 8).await;
    save(a, &stream, TYPE, 2).await;
    save(a, &stream, TYPE, 6).await;
    for (through, begins_with, then) in [
        (7, Some(6), &[7][..]),
        (6, Some(6), &[]),
        (5, Some(2), &[3, 4, 5]),
        (2, Some(2), &[]),
        (1, None, &[0, 1]),
        (0, None, &[0]),
    ] {
        let loaded = load(b, &stream, at(through), Some(TYPE)).await;
        let snapshot = loaded.snapshot.as_ref().map(|found| found.sequence);
        assert_eq!(snapshot, begins_with.map(Sequence), "through {through}");
        assert_eq!(numbers(&loaded), then, "through {through}");
    }
}

/// Snapshots of a type's earlier or later form are not its snapshots.
pub async fn a_snapshot_of_another_type_is_not_given(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 4).await;
    save(a, &stream, OTHER_TYPE, 2).await;
    let loaded = load(b, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, None);
    assert_eq!(numbers(&loaded), [0, 1, 2, 3]);
    save(b, &stream, TYPE, 1).await;
    let loaded = load(a, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, Some(snapshot(b, &stream, TYPE, 1).await));
    let loaded = load(a, &stream, None, Some(OTHER_TYPE)).await;
    assert_eq!(
        loaded.snapshot,
        Some(snapshot(b, &stream, OTHER_TYPE, 2).await)
    );
}

/// A snapshot of an event the stream does not have is never given, not even when another event gets its sequence.
pub async fn a_snapshot_of_a_missing_event_is_never_given(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 2).await;
    save(a, &stream, TYPE, 3).await;
    let loaded = load(b, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, None);
    assert_eq!(numbers(&loaded), [0, 1]);
    write(b, append(&stream, at(1), events(4))).await;
    let loaded = load(a, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, None);
    assert_eq!(loaded.payloads.len(), 6);

    let missing = new_stream();
    save(a, &missing, TYPE, 0).await;
    assert_eq!(load(b, &missing, None, Some(TYPE)).await, Loaded::default());
}

/// The newest two are kept, so that states a little back are near one too.
pub async fn the_newest_two_snapshots_are_kept(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 10).await;
    for sequence in [1, 3, 5, 7] {
        save(a, &stream, TYPE, sequence).await;
    }
    assert_eq!(nearest(b, &stream, 9).await, Some(7));
    assert_eq!(nearest(b, &stream, 6).await, Some(5));
}

/// Older ones are kept as far back as a merge looks, one for each span of sequences; what is older still goes.
pub async fn states_as_far_back_as_merges_look_are_near_a_snapshot(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 1000).await;
    for sequence in (0..1000).step_by(20) {
        save(a, &stream, TYPE, sequence).await;
    }
    let newest = 980;
    for through in newest - 256..newest {
        let nearest = nearest(b, &stream, through).await.expect("one is kept");
        assert!(
            through - nearest < 2 * Snapshot::SPAN,
            "{nearest} for {through}"
        );
    }
    assert_eq!(nearest(b, &stream, newest / 2).await, None);
}

/// A writer that is late with an old snapshot takes no newer one away.
pub async fn an_older_snapshot_displaces_no_newer_one(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 10).await;
    for sequence in [5, 7, 2, 1] {
        save(a, &stream, TYPE, sequence).await;
    }
    for (through, expected) in [(9, 7), (6, 5)] {
        assert_eq!(nearest(b, &stream, through).await, Some(expected));
    }
}

/// The snapshot of an event may be saved again: the last one saved counts.
pub async fn a_snapshot_can_be_replaced(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 3).await;
    save(a, &stream, TYPE, 1).await;
    let again = Snapshot {
        state: r#"{"again":"ß"}"#.into(),
        ..snapshot(a, &stream, TYPE, 1).await
    };
    b.save_snapshot(&stream, again.clone()).await.unwrap();
    let loaded = load(a, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, Some(again));
}

/// A snapshot that names another event at its sequence than the stream has was made of another history.
pub async fn a_snapshot_of_another_event_is_never_given(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 4).await;
    let foreign = Snapshot {
        event: Uuid::now_v7(),
        ..snapshot(a, &stream, TYPE, 2).await
    };
    a.save_snapshot(&stream, foreign).await.unwrap();
    let loaded = load(b, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, None);
    assert_eq!(numbers(&loaded), [0, 1, 2, 3]);
}

/// A loaded stream names its last event, also if that is in the snapshot.
pub async fn what_is_loaded_names_its_last_event(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 4).await;
    save(a, &stream, TYPE, 2).await;
    for through in 0..4 {
        let last = event_at(b, &stream, through).await;
        for snapshots in [None, Some(TYPE)] {
            let loaded = load(b, &stream, at(through), snapshots).await;
            assert_eq!(loaded.last, last, "through {through}");
        }
    }
    assert_eq!(load(b, &new_stream(), None, Some(TYPE)).await.last, None);
}

async fn snapshot(
    store: &Handle,
    stream: &StreamId,
    fingerprint: Fingerprint,
    sequence: u32,
) -> Snapshot {
    let event = event_at(store, stream, sequence).await;
    Snapshot {
        fingerprint,
        shape: Shape(fingerprint.0 ^ u64::MAX),
        sequence: Sequence(sequence),
        event: event.unwrap_or_else(Uuid::now_v7),
        state: format!(r#"{{"at":{sequence},"of":{}}}"#, fingerprint.0).into(),
    }
}

/// The id of an event.
async fn event_at(store: &Handle, stream: &StreamId, sequence: u32) -> Option<Uuid> {
    let found = store.read_stream(stream, Sequence(sequence), 1).await;
    let found = found.expect("the store answers");
    found.first().map(|event| event.id)
}

async fn save(store: &Handle, stream: &StreamId, fingerprint: Fingerprint, sequence: u32) {
    let snapshot = snapshot(store, stream, fingerprint, sequence).await;
    let saved = store.save_snapshot(stream, snapshot).await;
    saved.expect("the store answers");
}

/// The sequence of the snapshot that a state at `through` is built from.
async fn nearest(store: &Handle, stream: &StreamId, through: u32) -> Option<u32> {
    let loaded = load(store, stream, at(through), Some(TYPE)).await;
    loaded.snapshot.map(|snapshot| snapshot.sequence.0)
}

async fn load(
    store: &Handle,
    stream: &StreamId,
    through: Option<Sequence>,
    snapshots: Option<Fingerprint>,
) -> Loaded {
    let load = Load {
        stream: stream.clone(),
        through,
        snapshots,
    };
    store.load(load).await.expect("the store answers")
}

/// The number that [`events`] put into each payload: its sequence, for a stream that was written in one append.
fn numbers(loaded: &Loaded) -> Vec<u64> {
    let number = |json: &serde_json::Value| json["n"].as_u64();
    let payloads = loaded.payloads.iter();
    payloads
        .map(|payload| payload.to_json().as_ref().and_then(number).unwrap())
        .collect()
}
