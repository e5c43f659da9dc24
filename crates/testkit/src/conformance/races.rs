//! Rules for concurrent writers: one winner, no gaps, nothing half done, over both handles.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use seriatim_core::{
    Append, AppendOutcome, Load, LogPartition, Position, RecordedEvent, Sequence, StreamId, Write,
};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::samples::*;

const WRITERS: usize = 8;
const ROUNDS: usize = 40;

/// If writers start at one moment, one gets the next sequence, and the others learn what is current.
pub async fn of_simultaneous_writers_one_wins(a: &Handle, b: &Handle) {
    let stream = stream_of(a, 1).await;
    for round in 0..20 {
        let outcomes = all_at_once([a, b], |_| append(&stream, at(round), events(1))).await;
        let (won, lost): (Vec<_>, Vec<_>) = outcomes
            .into_iter()
            .partition(|outcome| matches!(outcome, AppendOutcome::Written { .. }));
        assert_eq!(won.len(), 1, "one winner in round {round}");
        for outcome in lost {
            let current = at(round + 1);
            assert_eq!(outcome, AppendOutcome::Conflict { part: 0, current });
        }
    }
    assert_eq!(assert_log_is_sound(b).await.len(), 21);
}

/// A writer that comes after the winner has finished is no better off, over either handle.
pub async fn of_staggered_writers_the_first_wins(a: &Handle, b: &Handle) {
    let stream = new_stream();
    for (round, (first, second)) in [(a, b), (b, a), (a, a), (b, b)].into_iter().enumerate() {
        let round = u32::try_from(round).unwrap();
        let after = round.checked_sub(1).map(Sequence);
        let winner = events(1);
        write(first, append(&stream, after, winner.clone())).await;
        let outcome = append_one(second, append(&stream, after, events(1))).await;
        let current = at(round);
        assert_eq!(outcome, AppendOutcome::Conflict { part: 0, current });
        let last = read_stream(second, &stream).await.pop().unwrap();
        assert_eq!(last.id, winner[0].id);
    }
}

/// The first event of a stream is raced for like any other.
pub async fn of_simultaneous_creators_one_wins(a: &Handle, b: &Handle) {
    for _ in 0..20 {
        let stream = new_stream();
        let outcomes = all_at_once([a, b], |_| append(&stream, None, events(2))).await;
        let won = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, AppendOutcome::Written { .. }));
        assert_eq!(won.count(), 1);
        assert_eq!(read_stream(b, &stream).await.len(), 2);
    }
    assert_eq!(assert_log_is_sound(a).await.len(), 40);
}

/// An external id that several send at one moment is spent once, and all the others are told the winner's result.
pub async fn of_simultaneous_claims_one_wins(a: &Handle, b: &Handle) {
    for _ in 0..20 {
        let stream = new_stream();
        let outcomes = all_at_once([a, b], |n| {
            let content = u8::try_from(n).unwrap();
            let letter = claimed(parked(&letter(&stream)), "k", content);
            let events = claimed(append(&stream, None, events(1)), "k", content);
            if n % 2 == 0 { letter } else { events }
        })
        .await;
        let recorded = b.find_claim(&stream, "k").await.unwrap().unwrap();
        let (won, lost): (Vec<_>, Vec<_>) = outcomes
            .into_iter()
            .enumerate()
            .partition(|(_, outcome)| matches!(outcome, AppendOutcome::Written { .. }));
        assert_eq!(won.len(), 1);
        assert_eq!(won[0].0, recorded.content.0[0] as usize);
        for (_, outcome) in lost {
            assert_eq!(claim_record(outcome), recorded);
        }
    }
    assert_log_is_sound(a).await;
}

/// Whatever many writers do, sequences and positions have no gaps, what was acknowledged is there, and a reader
/// that follows the log sees every position in its turn: never one late, never one twice.
pub async fn concurrent_writers_leave_no_gaps(a: &Handle, b: &Handle) {
    let shared: Arc<[StreamId]> = (0..3).map(|_| new_stream()).collect();
    let finished = Arc::new(AtomicBool::new(false));
    let readers = [a, b].map(|store| {
        let (store, finished) = (store.clone(), finished.clone());
        tokio::spawn(async move { follow_all(&store, &finished).await })
    });
    let mut writers = JoinSet::new();
    for n in 0..WRITERS {
        let store = if n % 2 == 0 { a } else { b }.clone();
        let shared = shared.clone();
        writers.spawn(async move { keep_writing(&store, &shared, n).await });
    }
    let acknowledged: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
    finished.store(true, Ordering::SeqCst);

    let log = assert_log_is_sound(b).await;
    assert_eq!(
        log.len(),
        acknowledged.len(),
        "what was refused is not there"
    );
    let places: HashMap<_, _> = log
        .iter()
        .map(|event| ((home(a, &event.stream), event.position), event.id))
        .collect();
    for (place, id) in acknowledged {
        assert_eq!(
            places[&place], id,
            "an acknowledged event is where it was said"
        );
    }
    for reader in readers {
        assert_eq!(reader.await.unwrap(), log);
    }
}

/// A caller that has been told that something is written finds it, over every handle and by every way of reading,
/// however many read at once.
pub async fn what_was_acknowledged_is_there_for_the_next_read(a: &Handle, b: &Handle) {
    let mut tasks = JoinSet::new();
    for n in 0..WRITERS {
        let (store, other) = if n % 2 == 0 { (a, b) } else { (b, a) };
        let (store, other) = (store.clone(), other.clone());
        tasks.spawn(async move {
            let stream = new_stream();
            for round in 0..u32::try_from(ROUNDS).unwrap() {
                let external_id = round.to_string();
                let after = round.checked_sub(1).map(Sequence);
                let next = claimed(append(&stream, after, events(1)), &external_id, 1);
                let position = write(&store, next).await;
                for reader in [&other, &store] {
                    assert_is_there(reader, &stream, Sequence(round), position).await;
                }
            }
        });
    }
    tasks.join_all().await;
}

async fn assert_is_there(
    store: &Handle,
    stream: &StreamId,
    sequence: Sequence,
    position: Position,
) {
    let load = Load {
        stream: stream.clone(),
        through: None,
        snapshots: None,
    };
    let loaded = store.load(load).await.unwrap();
    assert_eq!(
        loaded.payloads.len() as u64,
        Sequence::count(Some(sequence))
    );
    let external_id = sequence.to_string();
    assert!(
        store
            .find_claim(stream, &external_id)
            .await
            .unwrap()
            .is_some()
    );
    let partition = home(store, stream);
    assert!(store.head(partition).await.unwrap() >= position);
    let before = Position(position.0 - 1);
    let read = store.read_log(partition, before, 1).await.unwrap();
    assert_eq!(read.events[0].position, position);
    let read = store.read_stream(stream, sequence, 2).await.unwrap();
    assert_eq!(read.len(), 1);
}

/// The events of one append are seen together.
pub async fn a_reader_never_sees_half_an_append(a: &Handle, b: &Handle) {
    let stream = new_stream();
    let finished = Arc::new(AtomicBool::new(false));
    let reader = {
        let (store, stream, finished) = (b.clone(), stream.clone(), finished.clone());
        tokio::spawn(async move {
            while !finished.load(Ordering::SeqCst) {
                assert_eq!(read_stream(&store, &stream).await.len() % 5, 0);
                assert_eq!(store.head(home(&store, &stream)).await.unwrap().0 % 5, 0);
                tokio::task::yield_now().await;
            }
        })
    };
    let mut after = None;
    for _ in 0..ROUNDS {
        write(a, append(&stream, after, events(5))).await;
        after = Sequence::advance(after, 5).unwrap();
    }
    finished.store(true, Ordering::SeqCst);
    reader.await.unwrap();
}

/// Starts appends at one moment, alternately over the handles, and gives their outcomes.
async fn all_at_once(handles: [&Handle; 2], make: impl Fn(usize) -> Append) -> Vec<AppendOutcome> {
    let start = Arc::new(Barrier::new(WRITERS));
    let tasks: Vec<_> = (0..WRITERS)
        .map(|n| {
            let (store, append, start) = (handles[n % 2].clone(), make(n), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                append_one(&store, append).await
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

/// Appends in batches to a stream of its own and to a shared one, where it often loses, and sometimes on purpose.
/// Gives the places and ids of all that was acknowledged.
async fn keep_writing(store: &Handle, shared: &[StreamId], n: usize) -> Vec<(Place, Uuid)> {
    let shared = &shared[n % shared.len()];
    let own = stream_beside(store, shared);
    let (mut own_current, mut believed) = (None, None);
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let on_purpose = round % 5 == 4;
        let after = if on_purpose { at(1_000_000) } else { believed };
        let batch = vec![
            append(&own, own_current, events(1 + round % 3)),
            append(shared, after, events(2)),
        ];
        let sent = batch.clone();
        let outcomes = append_all(store, batch).await;
        for (append, outcome) in sent.iter().zip(&outcomes) {
            acknowledged.extend(places(store, append, outcome));
        }
        own_current = Sequence::advance(own_current, 1 + round % 3).unwrap();
        assert!(!on_purpose || matches!(outcomes[1], AppendOutcome::Conflict { .. }));
        believed = match &outcomes[1] {
            AppendOutcome::Written { .. } => Sequence::advance(after, 2).unwrap(),
            AppendOutcome::Conflict { current, .. } => *current,
            other => panic!("no claim was made, but {other:?}"),
        };
    }
    acknowledged
}

/// The place of an event in the log.
type Place = (LogPartition, Position);

/// Returns the places of the events of an append, if it was written.
fn places(store: &Handle, append: &Append, outcome: &AppendOutcome) -> Vec<(Place, Uuid)> {
    let (Write::Events { events, .. }, AppendOutcome::Written { position, .. }) =
        (&append.write, outcome)
    else {
        return Vec::new();
    };
    let partition = home(store, &append.stream);
    let first = position.0 + 1 - events.len() as u64;
    let places = (first..).map(|position| (partition, Position(position)));
    places.zip(events.iter().map(|event| event.id)).collect()
}

/// All partitions, one after the other, each read while the writers write.
async fn follow_all(store: &Handle, finished: &AtomicBool) -> Vec<RecordedEvent> {
    let partitions = LogPartition::all(store.partitions());
    let followers = partitions.map(|partition| follow(store, partition, finished));
    futures::future::join_all(followers).await.concat()
}

/// Reads a partition by position until the writers have finished, as a subscriber does.
async fn follow(
    store: &Handle,
    partition: LogPartition,
    finished: &AtomicBool,
) -> Vec<RecordedEvent> {
    let mut seen: Vec<RecordedEvent> = Vec::new();
    loop {
        let last_look = finished.load(Ordering::SeqCst);
        let after = Position(seen.len() as u64);
        let head = store.head(partition).await.unwrap();
        let page = store.read_log(partition, after, 100).await.unwrap().events;
        for event in &page {
            assert_eq!(event.position.0, seen.len() as u64 + 1, "no gap, none late");
            seen.push(event.clone());
        }
        let read_to = Position(seen.len() as u64);
        assert!(
            page.len() == 100 || read_to >= head,
            "nothing up to the head is missing"
        );
        if page.is_empty() && last_look {
            return seen;
        }
        tokio::task::yield_now().await;
    }
}
