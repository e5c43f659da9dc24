//! Rules of reading: ranges, pages, lists, and getting back what was written.

use std::sync::Arc;

use seriatim_core::{
    Load, LogId, LogPage, LogPartition, Metadata, NewEvent, Payload, Position, RecordedEvent,
    Sequence, StreamId, Timestamp,
};
use uuid::Uuid;

use super::samples::*;

/// Ranges of a stream begin where they are asked to and end at the limit or at the last event.
pub async fn a_stream_is_read_in_ranges(a: &Handle, b: &Handle) {
    let (stream, written) = (new_stream(), events(5));
    write(a, append(&stream, None, written.clone())).await;
    let expected = new_ids(&written);
    for (from, limit, range) in [
        (0, 100, 0..5),
        (0, 2, 0..2),
        (3, 2, 3..5),
        (4, 9, 4..5),
        (5, 9, 5..5),
        (u32::MAX, 9, 5..5),
        (0, 0, 0..0),
    ] {
        let read = b.read_stream(&stream, Sequence(from), limit).await.unwrap();
        assert_eq!(ids(&read), expected[range], "from {from}, limit {limit}");
    }
}

/// A stream that does not exist reads as one without events.
pub async fn a_missing_stream_is_empty(a: &Handle, b: &Handle) {
    stream_of(a, 1).await;
    let stream = new_stream();
    assert!(read_stream(b, &stream).await.is_empty());
    let loaded = a.load(all_of(&stream)).await.unwrap();
    assert_eq!(loaded, seriatim_core::Loaded::default());
    assert_eq!(b.find_claim(&stream, "k").await.unwrap(), None);
}

/// Pages of the log, each after the last position of the one before, are the log.
pub async fn the_log_is_read_in_pages(a: &Handle, b: &Handle) {
    for _ in 0..3 {
        stream_of(a, 3).await;
    }
    let whole = read_log(b).await;
    assert_eq!(whole.len(), 9);
    for limit in [1, 2, 4, 9, 10] {
        let (mut pages, mut after) = (Vec::new(), Position::START);
        loop {
            let page = b.read_log(LogPartition::FIRST, after, limit).await.unwrap();
            assert_eq!(page.follows, id_at(&whole, after));
            assert!(page.events.len() <= limit);
            let Some(last) = page.events.last() else {
                break;
            };
            after = last.position;
            pages.extend(page.events);
        }
        assert_eq!(pages, whole, "pages of {limit}");
    }
    for (after, limit) in [(9, 5), (10, 5), (u64::MAX, 5), (0, 0), (4, 0)] {
        let after = Position(after);
        let page = b.read_log(LogPartition::FIRST, after, limit).await.unwrap();
        let nothing = LogPage {
            follows: id_at(&whole, after),
            events: Vec::new(),
        };
        assert_eq!(page, nothing, "{limit} events after {after}");
    }
}

fn id_at(log: &[RecordedEvent], position: Position) -> Option<Uuid> {
    let found = log.iter().find(|event| event.position == position);
    found.map(|event| event.id)
}

/// Every handle knows the log by the identity that was made with it, and two logs have two.
pub async fn a_log_has_an_identity(a: &Handle, b: &Handle) {
    assert_eq!(a.log_id(), b.log_id());
    write(a, append(&new_stream(), None, events(1))).await;
    assert_eq!(a.log_id(), b.log_id());
    assert_ne!(a.log_id(), LogId(Uuid::nil()));
}

/// Loading gives the payloads of all events, or of those up to a sequence.
pub async fn loading_gives_payloads_up_to_a_sequence(a: &Handle, b: &Handle) {
    let (stream, written) = (new_stream(), events(5));
    write(a, append(&stream, None, written.clone())).await;
    let expected: Vec<_> = written.iter().map(|event| event.payload.clone()).collect();
    for (through, count) in [
        (None, 5),
        (at(0), 1),
        (at(3), 4),
        (at(4), 5),
        (at(5), 5),
        (at(u32::MAX), 5),
    ] {
        let load = Load {
            through,
            ..all_of(&stream)
        };
        let loaded = b.load(load).await.unwrap();
        assert_eq!(loaded.snapshot, None);
        assert_eq!(loaded.payloads, expected[..count], "through {through:?}");
    }
}

/// Streams are listed in the order of their ids, with their last sequence and its time.
pub async fn streams_are_listed_in_order(a: &Handle, b: &Handle) {
    let mut streams = Vec::new();
    for (name, low) in [
        ("b", 1),
        ("a", 2),
        ("a-b", 1),
        ("a", 1),
        ("ab", 9),
        ("a", 255),
    ] {
        let stream = StreamId::new(domain(name), Uuid::from_u128(low << 64));
        write(a, append(&stream, None, events(2))).await;
        write(b, append(&stream, at(1), events(1))).await;
        streams.push(stream);
    }
    streams.sort();
    let listed = b.streams(None, None, 100).await.unwrap();
    let order: Vec<_> = listed
        .iter()
        .map(|summary| summary.stream.clone())
        .collect();
    assert_eq!(order, streams);
    for summary in &listed {
        assert_eq!(summary.current, Sequence(2));
        let last = read_stream(a, &summary.stream).await.pop().unwrap();
        assert_eq!(summary.recorded_at, last.recorded_at);
    }
}

/// The list has pages, of all streams or of one domain's.
pub async fn streams_are_listed_in_pages_and_by_domain(a: &Handle, b: &Handle) {
    for name in ["a", "b", "c"] {
        for n in 1..=3 {
            let stream = StreamId::new(domain(name), Uuid::from_u128(n));
            write(a, append(&stream, None, events(1))).await;
        }
    }
    for chosen in [None, Some(domain("b")), Some(domain("none"))] {
        let chosen = chosen.as_ref();
        let whole = b.streams(chosen, None, 100).await.unwrap();
        let expected = match chosen.map(seriatim_core::Domain::as_str) {
            None => 9,
            Some("b") => 3,
            Some(_) => 0,
        };
        assert_eq!(whole.len(), expected);
        let mut pages = Vec::new();
        loop {
            let after = pages
                .last()
                .map(|last: &seriatim_core::StreamSummary| &last.stream);
            let page = b.streams(chosen, after, 2).await.unwrap();
            assert!(page.len() <= 2);
            if page.is_empty() {
                break;
            }
            pages.extend(page);
        }
        assert_eq!(pages, whole);
    }
    let past = StreamId::new(domain("b"), Uuid::max());
    let after_past = b.streams(Some(&domain("b")), Some(&past), 9).await.unwrap();
    assert_eq!(after_past, []);
    let of_later_domains = b.streams(None, Some(&past), 9).await.unwrap();
    assert_eq!(of_later_domains.len(), 3);
    let from_before = StreamId::new(domain("a"), Uuid::max());
    let of_the_domain = b.streams(Some(&domain("b")), Some(&from_before), 9).await;
    assert_eq!(of_the_domain.unwrap().len(), 3);
    assert_eq!(b.streams(None, None, 0).await.unwrap(), []);
}

/// A root belongs to its domain: the same one in another is another stream.
pub async fn one_root_in_two_domains_is_two_streams(a: &Handle, b: &Handle) {
    let root = Uuid::now_v7();
    let [one, two] = ["one", "two"].map(|name| StreamId::new(domain(name), root));
    write(a, append(&one, None, events(2))).await;
    write(b, append(&two, None, events(1))).await;
    assert_eq!(read_stream(b, &one).await.len(), 2);
    assert_eq!(read_stream(a, &two).await.len(), 1);
    assert_log_is_sound(a).await;
}

/// Every payload comes back byte by byte, with its type and its codec, from every way of reading.
pub async fn payloads_read_back_as_they_were_written(a: &Handle, b: &Handle) {
    let payloads = [
        Payload::json("Text", r#"{"name":"Zoë 🦀","quote":"\"\\\u0000"}"#),
        Payload::json("Spaces", " { \"a\" : 1 }\n"),
        Payload::json("Empty", ""),
        Payload::json("NotEvenText", vec![0xff, 0xfe, b'{']),
        Payload::json("WithZero", vec![b'"', 0, b'"']),
        Payload::protobuf("exam.v1.Bytes", vec![0, 255, 10, 0]),
        Payload::protobuf("exam.v1.Empty", ""),
        Payload::protobuf("exam.v1.LooksLikeText", "{}"),
        Payload::json("Überschrift·Größe", "null"),
    ];
    let stream = new_stream();
    let written: Arc<[NewEvent]> = payloads.iter().cloned().map(event).collect();
    write(a, append(&stream, None, written)).await;
    let loaded = b.load(all_of(&stream)).await.unwrap();
    assert_eq!(loaded.payloads, payloads);
    for read in [read_stream(b, &stream).await, read_log(a).await] {
        let read: Vec<_> = read.into_iter().map(|event| event.payload).collect();
        assert_eq!(read, payloads);
    }
}

/// Payloads of a mebibyte are no exception.
pub async fn large_payloads_read_back(a: &Handle, b: &Handle) {
    let bytes: Vec<u8> = (0..1024 * 1024).map(|n: u32| n.to_le_bytes()[0]).collect();
    let text = format!("\"{}\"", "ß".repeat(512 * 1024));
    let payloads = [
        Payload::protobuf("exam.v1.Large", bytes),
        Payload::json("Large", text),
    ];
    let stream = new_stream();
    let written: Arc<[NewEvent]> = payloads.iter().cloned().map(event).collect();
    write(a, append(&stream, None, written)).await;
    let loaded = b.load(all_of(&stream)).await.unwrap();
    assert!(loaded.payloads == payloads, "they differ");
}

/// The metadata of an event comes back whole, or as nothing where it was nothing.
pub async fn metadata_reads_back_as_it_was_written(a: &Handle, b: &Handle) {
    let full = full_metadata();
    let only_time = Metadata {
        sent_at: Some(Timestamp::from_micros(-1)),
        ..Metadata::default()
    };
    let only_correlation = Metadata {
        correlation_id: Some("Ω".into()),
        ..Metadata::default()
    };
    let written: Vec<_> = [full, Metadata::default(), only_time, only_correlation]
        .map(Arc::new)
        .into_iter()
        .flat_map(|metadata| [metadata.clone(), metadata])
        .map(|metadata| NewEvent {
            metadata,
            ..event(Payload::json("Noted", "{}"))
        })
        .collect();
    let stream = new_stream();
    write(a, append(&stream, None, written.clone())).await;
    for read in [read_stream(b, &stream).await, read_log(a).await] {
        for (read, written) in read.iter().zip(&written) {
            assert_eq!(read.metadata, written.metadata);
            assert_eq!(read.id, written.id);
        }
    }
}

/// The first and the last time there is are kept too: a sender's clock must not make a stream unreadable.
pub async fn absurd_times_of_senders_read_back(a: &Handle, b: &Handle) {
    let stream = new_stream();
    let written: Vec<_> = [Timestamp::MIN, Timestamp::from_micros(0), Timestamp::MAX]
        .into_iter()
        .map(|time| NewEvent {
            metadata: Arc::new(Metadata {
                sent_at: Some(time),
                ..Metadata::default()
            }),
            ..event(Payload::json("Noted", "{}"))
        })
        .collect();
    write(a, append(&stream, None, written.clone())).await;
    for (read, written) in read_stream(b, &stream).await.iter().zip(&written) {
        assert_eq!(read.metadata, written.metadata);
    }
}

fn all_of(stream: &StreamId) -> Load {
    Load {
        stream: stream.clone(),
        through: None,
        snapshots: None,
    }
}
