//! Data that the rules write, and checks that they share.

use std::collections::HashMap;
use std::sync::Arc;

use seriatim_core::{
    Append, AppendOutcome, Claim, ClaimRecord, CommandLetter, CommandRequest, Conflict,
    ContentHash, Domain, EventStore, ExpectedSequence, LetterStatus, LogPartition, Metadata,
    NewEvent, ParkReason, Payload, Position, RecordedEvent, Rejected, Sequence, Store, StreamId,
    Timestamp, Write,
};
use uuid::Uuid;

/// One handle on the storage that is examined.
pub type Handle = Arc<dyn Store>;

pub(super) fn domain(name: &str) -> Domain {
    Domain::new(name).expect("the rules name only domains")
}

/// Returns a stream that no store has.
pub fn new_stream() -> StreamId {
    StreamId::new(domain("exam"), Uuid::now_v7())
}

/// A sequence as `after` and `current` have it.
pub(super) fn at(sequence: u32) -> Option<Sequence> {
    Some(Sequence(sequence))
}

/// Returns an event with a new id.
pub fn event(payload: Payload) -> NewEvent {
    NewEvent {
        id: Uuid::now_v7(),
        payload,
        metadata: Arc::default(),
    }
}

/// Events that can be told apart: by their ids, and by a number in each.
pub fn events(count: usize) -> Arc<[NewEvent]> {
    (0..count)
        .map(|n| event(Payload::json("Counted", format!(r#"{{"n":{n}}}"#))))
        .collect()
}

/// Returns an append that claims no external id; `after` is the last sequence of the stream.
pub fn append(
    stream: &StreamId,
    after: Option<Sequence>,
    events: impl Into<Arc<[NewEvent]>>,
) -> Append {
    Append {
        stream: stream.clone(),
        write: Write::Events {
            after,
            last: None,
            events: events.into(),
        },
        claim: None,
        beside: Vec::new(),
    }
}

/// Returns an append that claims an external id, which no other one has. Each payload names that, and the number of
/// events, so that half of an append is found.
pub fn append_with_key(stream: &StreamId, after: Option<Sequence>, count: usize) -> Append {
    let key = Uuid::now_v7();
    let text = format!(r#"{{"append":"{key}","of":{count}}}"#);
    let events = (0..count).map(|_| event(Payload::json("Written", text.clone())));
    let claim = Claim {
        external_id: key.to_string(),
        content: ContentHash([1; 32]),
        refusal: None,
        with: None,
    };
    Append {
        claim: Some(claim),
        ..append(stream, after, events.collect::<Vec<_>>())
    }
}

/// Returns the ids of the events of an append.
pub fn event_ids(append: &Append) -> Vec<Uuid> {
    match &append.write {
        Write::Events { events, .. } => events.iter().map(|event| event.id).collect(),
        Write::Letter(_) => Vec::new(),
    }
}

/// An append by somebody who kept the state that ends with the event `last`.
pub(super) fn following(
    stream: &StreamId,
    after: Option<Sequence>,
    last: Uuid,
    events: Arc<[NewEvent]>,
) -> Append {
    Append {
        stream: stream.clone(),
        write: Write::Events {
            after,
            last: Some(last),
            events,
        },
        claim: None,
        beside: Vec::new(),
    }
}

/// The same, spending an external id; `content` stands for what the command asks for.
pub(super) fn claimed(append: Append, external_id: &str, content: u8) -> Append {
    let claim = Claim {
        external_id: external_id.into(),
        content: ContentHash([content; 32]),
        refusal: None,
        with: None,
    };
    Append {
        claim: Some(claim),
        ..append
    }
}

/// The same, spending another key together with the first.
pub(super) fn with_claim(append: Append, external_id: &str, content: u8) -> Append {
    let with = claimed(append.clone(), external_id, content).claim;
    let claim = append.claim.map(|claim| Claim {
        with: with.map(Box::new),
        ..claim
    });
    Append { claim, ..append }
}

/// The same, keeping a "no" under it.
pub(super) fn refusing(append: Append) -> Append {
    let claim = append.claim.map(|claim| Claim {
        refusal: Some(rejected().into()),
        ..claim
    });
    Append { claim, ..append }
}

pub(super) fn rejected() -> Rejected {
    Rejected {
        code: "TooFew".into(),
        message: "there are only \"2\" 🦀".into(),
        fields: vec![("count".into(), 2.into())],
    }
}

pub(super) fn parked(letter: &CommandLetter) -> Append {
    Append {
        stream: letter.stream().clone(),
        write: Write::Letter(Box::new(letter.clone())),
        claim: None,
        beside: Vec::new(),
    }
}

pub(super) fn letter(stream: &StreamId) -> CommandLetter {
    let command = Payload::json("Rename", r#"{"name":"Zoë"}"#);
    let request = CommandRequest {
        metadata: full_metadata(),
        ..CommandRequest::new(stream.clone(), command)
    };
    let conflict = Conflict {
        expected: ExpectedSequence::Exactly(Sequence(3)),
        current: at(5),
    };
    CommandLetter {
        id: Uuid::now_v7(),
        request,
        conflict,
        intervening: Some((Sequence(4), Sequence(5))),
        base_hash: Some("00ff".into()),
        reason: ParkReason::Aggregate("two people asked".into()),
        parked_at: Timestamp::now(),
        attempts: Vec::new(),
        status: LetterStatus::Parked,
    }
}

pub(super) fn full_metadata() -> Metadata {
    Metadata {
        correlation_id: Some("checkout-7".into()),
        causation_id: Some(Uuid::now_v7()),
        external_id: Some("till-7/000123".into()),
        actor: Some("Zoë 🦀".into()),
        origin: Some(seriatim_core::FactOrigin {
            source: "stripe".into(),
            description: "payment \"captured\"\n".into(),
        }),
        sent_at: Some(Timestamp::from_micros(1_700_000_000_123_456)),
        depth: 7,
    }
}

/// Appends a batch and expects the store to answer.
pub(super) async fn append_all(store: &Handle, batch: Vec<Append>) -> Vec<AppendOutcome> {
    let asked = batch.len();
    let outcomes = store.append(batch).await.expect("the store answers");
    assert_eq!(outcomes.len(), asked, "one answer for each append");
    outcomes
}

/// Appends one alone.
pub(super) async fn append_one(store: &Handle, append: Append) -> AppendOutcome {
    append_all(store, vec![append]).await.remove(0)
}

/// Appends one alone, expects it to be written, and gives its position.
pub(super) async fn write(store: &Handle, append: Append) -> Position {
    position(&append_one(store, append).await)
}

/// A new stream with so many events.
pub(super) async fn stream_of(store: &Handle, count: usize) -> StreamId {
    let stream = new_stream();
    write(store, append(&stream, None, events(count))).await;
    stream
}

pub(super) fn position(outcome: &AppendOutcome) -> Position {
    match outcome {
        AppendOutcome::Written { position, .. } => *position,
        AppendOutcome::Conflict { .. } | AppendOutcome::Claimed(_) | AppendOutcome::StreamFull => {
            panic!("expected it to be written, not {outcome:?}")
        }
    }
}

pub(super) fn claim_record(outcome: AppendOutcome) -> ClaimRecord {
    match outcome {
        AppendOutcome::Claimed(record) => record,
        AppendOutcome::Written { .. }
        | AppendOutcome::Conflict { .. }
        | AppendOutcome::StreamFull => panic!("expected a spent claim, not {outcome:?}"),
    }
}

pub(super) async fn read_stream(store: &Handle, stream: &StreamId) -> Vec<RecordedEvent> {
    let events = store
        .read_stream(stream, Sequence::FIRST, usize::MAX >> 1)
        .await;
    events.expect("the store answers")
}

/// The events of the first partition: these rules are about logs that have one.
pub(super) async fn read_log(store: &Handle) -> Vec<RecordedEvent> {
    read_partition(store, LogPartition::FIRST).await
}

pub(super) async fn read_partition(store: &Handle, partition: LogPartition) -> Vec<RecordedEvent> {
    let everything = usize::MAX >> 1;
    let page = store.read_log(partition, Position::START, everything).await;
    page.expect("the store answers").events
}

/// Returns the partition that a stream is in.
pub(super) fn home(store: &Handle, stream: &StreamId) -> LogPartition {
    LogPartition::of(stream, store.partitions())
}

/// The head of the first partition.
pub(super) async fn head(store: &Handle) -> Position {
    let head = store.head(LogPartition::FIRST).await;
    head.expect("the store answers")
}

pub(super) fn ids<'a>(events: impl IntoIterator<Item = &'a RecordedEvent>) -> Vec<Uuid> {
    events.into_iter().map(|event| event.id).collect()
}

pub(super) fn new_ids(events: &[NewEvent]) -> Vec<Uuid> {
    events.iter().map(|event| event.id).collect()
}

/// Reads everything and holds it against what must hold of every log, after whatever happened.
///
/// In each partition positions are 1, 2, 3 ... and times never decrease; each stream is in its partition, and its
/// sequences are 0, 1, 2 ...; no event is there twice; and a stream read by itself or listed shows the same as the
/// log. Gives all events, partition by partition.
pub async fn assert_log_is_sound(store: &Handle) -> Vec<RecordedEvent> {
    let mut log = Vec::new();
    for partition in LogPartition::all(store.partitions()) {
        log.extend(sound_partition(store, partition).await);
    }
    let mut streams: HashMap<StreamId, Vec<RecordedEvent>> = HashMap::new();
    for event in &log {
        let stream = streams.entry(event.stream.clone()).or_default();
        assert_eq!(
            event.sequence.0 as usize,
            stream.len(),
            "sequences are dense in {}",
            event.stream
        );
        stream.push(event.clone());
    }
    let distinct: std::collections::HashSet<_> = log.iter().map(|event| event.id).collect();
    assert_eq!(distinct.len(), log.len(), "no event is there twice");
    assert_streams_agree(store.as_ref(), &streams).await;
    log
}

async fn sound_partition(store: &Handle, partition: LogPartition) -> Vec<RecordedEvent> {
    let log = read_partition(store, partition).await;
    for (index, event) in log.iter().enumerate() {
        assert_eq!(event.position.0, index as u64 + 1, "positions are dense");
        let earlier = log[..index].last();
        assert!(
            earlier.is_none_or(|earlier| earlier.recorded_at <= event.recorded_at),
            "times never decrease"
        );
        assert_eq!(
            partition,
            home(store, &event.stream),
            "{} lives there",
            event.stream
        );
    }
    let head = store.head(partition).await.expect("the store answers");
    assert_eq!(head.0, log.len() as u64, "the head is the last event");
    log
}

async fn assert_streams_agree(
    store: &dyn EventStore,
    streams: &HashMap<StreamId, Vec<RecordedEvent>>,
) {
    let listed = store.streams(None, None, usize::MAX >> 1).await;
    let listed = listed.expect("the store answers");
    assert_eq!(listed.len(), streams.len(), "every stream is listed once");
    for summary in listed {
        let events = &streams[&summary.stream];
        let last = events.last().expect("a stream in the log has events");
        assert_eq!(summary.current, last.sequence);
        assert_eq!(summary.recorded_at, last.recorded_at);
        let read = store
            .read_stream(&summary.stream, Sequence::FIRST, events.len() + 1)
            .await;
        assert_eq!(&read.expect("the store answers"), events);
    }
}

/// New streams, the first of which lives in the first partition, and so on.
pub(super) fn one_stream_for_each_partition(store: &Handle) -> Vec<StreamId> {
    let stream_in = |partition| loop {
        let stream = new_stream();
        if home(store, &stream) == partition {
            break stream;
        }
    };
    LogPartition::all(store.partitions())
        .map(stream_in)
        .collect()
}

/// A new stream in the partition of another one.
pub(super) fn stream_beside(store: &Handle, other: &StreamId) -> StreamId {
    loop {
        let stream = new_stream();
        if home(store, &stream) == home(store, other) {
            return stream;
        }
    }
}

/// The head of a stream's partition.
pub(super) async fn head_of(store: &Handle, stream: &StreamId) -> Position {
    store.head(home(store, stream)).await.unwrap()
}
