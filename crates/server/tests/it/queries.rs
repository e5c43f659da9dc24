//! Checks questions: events by range, states, lists.

use seriatim_core::{Domain, StreamId};
use seriatim_proto::{convert, v1};
use uuid::Uuid;
use v1::event_page::SequenceType;

use crate::meter::Meter;
use crate::rig::*;

/// Returns the sequences of each book, and the one at which it says to go on.
async fn books(rig: &Rig, request: v1::GetEventsRequest) -> Vec<(Vec<u32>, u32)> {
    let mut answers = rig
        .queries()
        .get_events(request)
        .await
        .unwrap()
        .into_inner();
    let mut books = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        let book = answer.book.unwrap();
        let sequences = book.pages.iter().map(|page| match page.sequence_type {
            Some(SequenceType::Sequence(sequence)) => sequence,
            ref other => panic!("{other:?}"),
        });
        books.push((sequences.collect(), book.next_sequence));
    }
    books
}

fn range(stream: &StreamId, from: Option<u32>, through: Option<u32>) -> v1::GetEventsRequest {
    v1::GetEventsRequest {
        cover: Some(convert::cover(stream)),
        from_sequence: from,
        through_sequence: through,
        last: None,
    }
}

/// Makes a till with this many events, each with a label of this many bytes.
async fn long_till(rig: &Rig, events: usize, bytes: usize) -> StreamId {
    let stream = till();
    let text = format!(r#"{{"label":"{}"}}"#, "x".repeat(bytes));
    let mut left = events;
    while left > 0 {
        let mut request = ask(&stream, "Label", &text);
        let pages = &mut request.book.as_mut().unwrap().pages;
        let many = left.min(2_000_000 / text.len()).min(256);
        *pages = vec![pages[0].clone(); many];
        rig.submit(request).await;
        left -= many;
    }
    stream
}

/// Returns the sequences of all books together. Checks that each book says that the next begins where it ends.
fn together(books: &[(Vec<u32>, u32)]) -> Vec<u32> {
    for (sequences, next) in books {
        assert_eq!(sequences.last().map(|last| last + 1), Some(*next));
    }
    let each = books.iter().flat_map(|(sequences, _)| sequences);
    each.copied().collect()
}

#[tokio::test]
async fn events_by_range() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[("Fill", r#"{"coins":1}"#); 5]).await;
    for (from, through, sequences) in [
        (None, None, vec![0, 1, 2, 3, 4]),
        (Some(2), None, vec![2, 3, 4]),
        (None, Some(1), vec![0, 1]),
        (Some(3), Some(3), vec![3]),
        (Some(4), Some(u32::MAX), vec![4]),
    ] {
        let books = books(&rig, range(&stream, from, through)).await;
        assert_eq!(together(&books), sequences, "{from:?} to {through:?}");
    }
    for (from, through, last, sequences) in [
        (None, None, 2, vec![3, 4]),
        (None, None, u32::MAX, vec![0, 1, 2, 3, 4]),
        (Some(4), None, 3, vec![4]),
        (None, Some(2), 2, vec![1, 2]),
        (Some(2), Some(3), 9, vec![2, 3]),
    ] {
        let mut request = range(&stream, from, through);
        request.last = Some(last);
        let books = books(&rig, request).await;
        assert_eq!(
            together(&books),
            sequences,
            "the last {last} from {from:?} to {through:?}"
        );
    }
    let mut none = range(&stream, None, None);
    none.last = Some(0);
    let refused = rig.queries().get_events(none).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    for from in [5, u32::MAX] {
        let books = books(&rig, range(&stream, Some(from), None)).await;
        assert_eq!(books, [(vec![], from)]);
    }
}

#[tokio::test]
async fn a_stream_without_events_is_an_empty_book() {
    let rig = Rig::start().await;
    assert_eq!(books(&rig, range(&till(), None, None)).await, [(vec![], 0)]);
}

#[tokio::test]
async fn a_long_stream_comes_in_books_that_follow_one_another() {
    let rig = Rig::start().await;
    for (events, bytes, at_least) in [(32, 1, 1), (544, 1, 2), (1000, 1, 3), (40, 100_000, 7)] {
        let stream = long_till(&rig, events, bytes).await;
        let books = books(&rig, range(&stream, None, None)).await;
        assert!(books.len() >= at_least, "{} books", books.len());
        let events = u32::try_from(events).unwrap();
        assert_eq!(together(&books), (0..events).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn events_of_a_domain_that_is_gone_can_still_be_read() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[("Fill", r#"{"coins":1}"#)]).await;
    let store = rig.store.clone();
    let without_tills = seriatim_coordinator::Coordinator::builder(std::sync::Arc::new(store))
        .aggregate::<Meter>()
        .start()
        .unwrap();
    let rig = Rig::start_on(rig.store.clone(), without_tills, |server| server).await;
    assert_eq!(
        books(&rig, range(&stream, None, None)).await,
        [(vec![0], 1)]
    );
}

#[tokio::test]
async fn states_of_now_and_then() {
    let rig = Rig::start().await;
    let stream = rig.till_with(&[("Fill", r#"{"coins":1}"#); 3]).await;
    let events = rig
        .coordinator
        .store()
        .read_stream(&stream, seriatim_core::Sequence(0), 9);
    let recorded_at = |n: usize, events: &[seriatim_core::RecordedEvent]| events[n].recorded_at;
    let events = events.await.unwrap();
    use v1::get_state_request::At;
    for (at, sequence, coins) in [
        (None, Some(2), 3),
        (Some(At::AtSequence(0)), Some(0), 1),
        (Some(At::AsOf(recorded_at(2, &events).into())), Some(2), 3),
        (Some(At::AsOf(prost_types::Timestamp::default())), None, 0),
    ] {
        let request = v1::GetStateRequest {
            cover: Some(convert::cover(&stream)),
            at,
        };
        let answer = rig.queries().get_state(request).await.unwrap().into_inner();
        let view: seriatim_core::StateView = answer.state.unwrap().try_into().unwrap();
        assert_eq!(view.sequence.map(|sequence| sequence.0), sequence);
        assert_eq!(view.to_json().unwrap()["coins"], coins);
    }
}

#[tokio::test]
async fn streams_page_by_page() {
    let rig = Rig::start().await;
    let mut tills = Vec::new();
    for _ in 0..7 {
        tills.push(rig.till_with(&[("Fill", r#"{"coins":1}"#); 2]).await);
    }
    tills.sort();
    let meter = StreamId::new(Domain::of::<Meter>(), Uuid::now_v7());
    let mut request = ask(&meter, "", "");
    request.book.as_mut().unwrap().pages[0].command = Some(prost_types::Any {
        type_url: "meter.v1.Read".into(),
        value: vec![],
    });
    rig.submit(request).await;

    for (domain, page_size, expected_pages, count) in [
        ("till", 3, 3, 7),
        ("till", 7, 1, 7),
        ("meter", 1, 1, 1),
        ("", 4, 2, 8),
        ("", 0, 1, 8),
    ] {
        let mut seen = Vec::new();
        let mut pages = 0;
        let mut page_token = String::new();
        loop {
            let request = v1::ListStreamsRequest {
                domain: domain.into(),
                page_size,
                page_token,
            };
            let answer = rig
                .queries()
                .list_streams(request)
                .await
                .unwrap()
                .into_inner();
            seen.extend(answer.streams);
            pages += 1;
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(
            (pages, seen.len()),
            (expected_pages, count),
            "{domain} {page_size}"
        );
        let roots: Vec<_> = seen
            .iter()
            .map(|line| convert::stream(line.cover.as_ref()).unwrap())
            .collect();
        assert!(roots.is_sorted());
        if domain == "till" {
            assert_eq!(roots, tills);
            assert!(
                seen.iter()
                    .all(|line| line.current == 1 && line.recorded_at.is_some())
            );
        }
    }
}

#[tokio::test]
async fn a_domain_without_streams_is_an_empty_list() {
    let rig = Rig::start().await;
    let request = v1::ListStreamsRequest {
        domain: "till".into(),
        ..Default::default()
    };
    let answer = rig
        .queries()
        .list_streams(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer, v1::ListStreamsResponse::default());
}

#[tokio::test]
async fn domains_with_what_they_can_be_told_and_can_tell() {
    let rig = Rig::start().await;
    let answer = rig
        .queries()
        .list_domains(v1::ListDomainsRequest {})
        .await
        .unwrap();
    let domains = answer.into_inner().domains;
    let names: Vec<_> = domains
        .iter()
        .map(|domain| domain.domain.as_str())
        .collect();
    assert_eq!(names, ["meter", "till"]);
    assert_eq!(domains[0].command_types, ["meter.v1.Read"]);
    assert_eq!(domains[0].command_codec(), v1::Codec::Protobuf);
    assert_eq!(domains[1].event_types[..2], ["Opened", "Filled"]);
    assert_eq!(domains[1].event_codec(), v1::Codec::Json);
}
