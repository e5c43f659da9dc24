//! Rules of kept states: a shortcut, never a second truth.

use seriatim_core::{Fingerprint, Load, Loaded, Sequence, Snapshot, StreamId};

use super::samples::*;

const TYPE: Fingerprint = Fingerprint(u64::MAX - 7);
const OTHER_TYPE: Fingerprint = Fingerprint(1);

/// Loading begins with the snapshot and goes on with the event after it.
pub async fn loading_begins_with_the_newest_snapshot(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 6).await;
    save(a, &stream, snapshot(TYPE, 1)).await;
    save(b, &stream, snapshot(TYPE, 3)).await;
    let loaded = load(b, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, Some(snapshot(TYPE, 3)));
    assert_eq!(numbers(&loaded), [4, 5]);
    save(a, &stream, snapshot(TYPE, 5)).await;
    let loaded = load(b, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, Some(snapshot(TYPE, 5)));
    assert!(loaded.payloads.is_empty(), "nothing came after it");
}

/// Who asks for no snapshot gets all events.
pub async fn loading_without_snapshots_gives_all_events(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 4).await;
    save(a, &stream, snapshot(TYPE, 2)).await;
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
    save(a, &stream, snapshot(TYPE, 2)).await;
    save(a, &stream, snapshot(TYPE, 6)).await;
    for (through, begins_with, then) in [
        (7, Some(6), &[7][..]),
        (6, Some(6), &[]),
        (5, Some(2), &[3, 4, 5]),
        (2, Some(2), &[]),
        (1, None, &[0, 1]),
        (0, None, &[0]),
    ] {
        let loaded = load(b, &stream, at(through), Some(TYPE)).await;
        let expected = begins_with.map(|sequence| snapshot(TYPE, sequence));
        assert_eq!(loaded.snapshot, expected, "through {through}");
        assert_eq!(numbers(&loaded), then, "through {through}");
    }
}

/// Snapshots of a type's earlier or later form are not its snapshots.
pub async fn a_snapshot_of_another_type_is_not_given(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 4).await;
    save(a, &stream, snapshot(OTHER_TYPE, 2)).await;
    let loaded = load(b, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, None);
    assert_eq!(numbers(&loaded), [0, 1, 2, 3]);
    save(b, &stream, snapshot(TYPE, 1)).await;
    let loaded = load(a, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, Some(snapshot(TYPE, 1)));
    let loaded = load(a, &stream, None, Some(OTHER_TYPE)).await;
    assert_eq!(loaded.snapshot, Some(snapshot(OTHER_TYPE, 2)));
}

/// A snapshot of an event the stream does not have is never given, not even when another event gets its sequence.
pub async fn a_snapshot_of_a_missing_event_is_never_given(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 2).await;
    save(a, &stream, snapshot(TYPE, 3)).await;
    let loaded = load(b, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, None);
    assert_eq!(numbers(&loaded), [0, 1]);
    write(b, append(&stream, at(1), events(4))).await;
    let loaded = load(a, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, None);
    assert_eq!(loaded.payloads.len(), 6);

    let missing = new_stream();
    save(a, &missing, snapshot(TYPE, 0)).await;
    assert_eq!(load(b, &missing, None, Some(TYPE)).await, Loaded::default());
}

/// The newest two are kept, so that states a little back are near one too.
pub async fn the_newest_two_snapshots_are_kept(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 10).await;
    for sequence in [1, 3, 5, 7] {
        save(a, &stream, snapshot(TYPE, sequence)).await;
    }
    let newest = load(b, &stream, None, Some(TYPE)).await.snapshot;
    assert_eq!(newest, Some(snapshot(TYPE, 7)));
    let before = load(b, &stream, at(6), Some(TYPE)).await.snapshot;
    assert_eq!(before, Some(snapshot(TYPE, 5)));
}

/// A writer that is late with an old snapshot takes no newer one away.
pub async fn an_older_snapshot_displaces_no_newer_one(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 10).await;
    for sequence in [5, 7, 2, 1] {
        save(a, &stream, snapshot(TYPE, sequence)).await;
    }
    for (through, expected) in [(9, 7), (6, 5)] {
        let kept = load(b, &stream, at(through), Some(TYPE)).await.snapshot;
        assert_eq!(kept, Some(snapshot(TYPE, expected)));
    }
}

/// The snapshot of an event may be saved again: the last one saved counts.
pub async fn a_snapshot_can_be_replaced(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 3).await;
    save(a, &stream, snapshot(TYPE, 1)).await;
    let again = Snapshot {
        state: r#"{"again":"ß"}"#.into(),
        ..snapshot(TYPE, 1)
    };
    save(b, &stream, again.clone()).await;
    let loaded = load(a, &stream, None, Some(TYPE)).await;
    assert_eq!(loaded.snapshot, Some(again));
}

fn snapshot(fingerprint: Fingerprint, sequence: u32) -> Snapshot {
    Snapshot {
        fingerprint,
        sequence: Sequence(sequence),
        state: format!(r#"{{"at":{sequence},"of":{}}}"#, fingerprint.0).into(),
    }
}

async fn save(store: &Handle, stream: &StreamId, snapshot: Snapshot) {
    let saved = store.save_snapshot(stream, snapshot).await;
    saved.expect("the store answers");
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
