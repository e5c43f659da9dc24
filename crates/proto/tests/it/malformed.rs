//! Checks that a malformed message is refused with the name of every field that is wrong.

use prost_types::{Any, Timestamp as WireTime};
use seriatim_core::*;
use seriatim_proto::convert::{self, Invalid};
use seriatim_proto::v1;
use v1::event_page::SequenceType;

use crate::samples::*;

fn fields<T: std::fmt::Debug>(result: Result<T, Invalid>) -> Vec<String> {
    let Invalid(violations) = result.unwrap_err();
    for violation in &violations {
        assert!(!violation.description.is_empty());
    }
    violations
        .into_iter()
        .map(|violation| violation.field)
        .collect()
}

/// Returns the faulty fields of a command after `break_it`.
fn broken_command(break_it: impl FnOnce(&mut v1::SubmitRequest)) -> Vec<String> {
    let mut request: v1::SubmitRequest = (&command()).into();
    break_it(&mut request);
    fields(CommandRequest::try_from(request))
}

/// Returns the faulty fields of a fact after `break_it`.
fn broken_fact(break_it: impl FnOnce(&mut v1::RecordRequest)) -> Vec<String> {
    let mut request: v1::RecordRequest = (&fact()).into();
    break_it(&mut request);
    fields(FactRequest::try_from(request))
}

fn book(request: &mut v1::SubmitRequest) -> &mut v1::CommandBook {
    request.book.as_mut().unwrap()
}

fn cover(request: &mut v1::SubmitRequest) -> &mut v1::Cover {
    book(request).cover.as_mut().unwrap()
}

fn short_uuid() -> Option<v1::Uuid> {
    Some(v1::Uuid { value: vec![1; 15] })
}

const NO_TIME: WireTime = WireTime {
    seconds: i64::MAX,
    nanos: -1,
};

#[test]
fn an_effect_and_what_comes_back() {
    let broken = |break_it: fn(&mut v1::EffectId)| {
        broken_command(|request| break_it(request.effect.as_mut().unwrap()))
    };
    assert_eq!(broken(|id| id.component.clear()), ["effect.component"]);
    assert_eq!(broken(|id| id.source = None), ["effect.source"]);
    assert_eq!(
        broken(|id| id.source.as_mut().unwrap().root = short_uuid()),
        ["effect.source.root.value"]
    );
    let nothing = RejectedEffect::try_from(v1::HandBackRequest::default());
    assert_eq!(fields(nothing), ["effect", "book", "rejection"]);
}

#[test]
fn a_cover() {
    assert_eq!(broken_command(|request| request.book = None), ["book"]);
    assert_eq!(
        broken_command(|request| book(request).cover = None),
        ["cover"]
    );
    assert_eq!(
        broken_command(|request| cover(request).root = short_uuid()),
        ["cover.root.value"]
    );
    assert_eq!(
        broken_command(|request| cover(request).root = None),
        ["cover.root"]
    );
    for domain in [String::new(), "Order".into(), "a b".into(), "a".repeat(65)] {
        let fields = broken_command(|request| cover(request).domain = domain);
        assert_eq!(fields, ["cover.domain"]);
    }
}

#[test]
fn the_pages_of_a_command() {
    assert_eq!(
        broken_command(|request| book(request).pages.clear()),
        ["pages"]
    );
    let fields = broken_command(|request| book(request).pages[1].command = None);
    assert_eq!(fields, ["pages[1].command"]);
    let fields = broken_command(|request| book(request).pages[0].merge_strategy = Some(9));
    assert_eq!(fields, ["pages[0].merge_strategy"]);
    let fields = broken_command(|request| {
        book(request).pages[1].command = Some(Any {
            type_url: "type.googleapis.com/seriatim.v1.JsonPayload".into(),
            value: vec![255],
        });
    });
    assert_eq!(fields, ["pages[1].command.value"]);
}

#[test]
fn a_later_page_may_repeat_the_shared_view_but_not_change_it() {
    use v1::command_page::Expected;
    let mut repeated: v1::SubmitRequest = (&command()).into();
    let pages = &mut book(&mut repeated).pages;
    pages[1].expected = pages[0].expected;
    pages[1].merge_strategy = pages[0].merge_strategy;
    let read = CommandRequest::try_from(repeated).unwrap();
    assert_eq!(
        (read.expected, read.merge),
        (command().expected, command().merge)
    );

    for expected in [Expected::Sequence(5), Expected::NoStream(v1::NoStream {})] {
        let fields = broken_command(|request| book(request).pages[1].expected = Some(expected));
        assert_eq!(fields, ["pages[1].expected"]);
    }
    let fields = broken_command(|request| book(request).pages[1].merge_strategy = Some(1));
    assert_eq!(fields, ["pages[1].merge_strategy"]);
    // The same holds if the first page says nothing at all.
    let fields = broken_command(|request| {
        let pages = &mut book(request).pages;
        pages[1].merge_strategy = pages[0].merge_strategy.take();
    });
    assert_eq!(fields, ["pages[1].merge_strategy"]);
}

#[test]
fn what_stands_around_a_command() {
    let fields = broken_command(|request| request.request_id = short_uuid());
    assert_eq!(fields, ["request_id.value"]);
    let fields = broken_command(|request| request.causation_id = short_uuid());
    assert_eq!(fields, ["causation_id.value"]);
    assert_eq!(
        broken_command(|request| request.sent_at = Some(NO_TIME)),
        ["sent_at"]
    );
    let fields = broken_command(|request| request.premises.push("a..b".into()));
    assert_eq!(fields, ["premises[2]"]);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let fields = broken_command(|request| {
        request.sent_at = Some(NO_TIME);
        cover(request).root = None;
        cover(request).domain.clear();
        for page in &mut book(request).pages {
            page.command = None;
        }
    });
    assert_eq!(
        fields,
        [
            "sent_at",
            "cover.domain",
            "cover.root",
            "pages[0].command",
            "pages[1].command"
        ]
    );
}

#[test]
fn a_fact_with_a_sequence_or_without_a_marker() {
    let with = |sequence_type| {
        broken_fact(|request| request.book.as_mut().unwrap().pages[1].sequence_type = sequence_type)
    };
    assert_eq!(with(Some(SequenceType::Sequence(0))), ["pages[1].sequence"]);
    assert_eq!(with(None), ["pages[1].fact"]);
}

#[test]
fn a_fact_with_what_only_recorded_events_have() {
    let fields = broken_fact(|request| {
        let page = &mut request.book.as_mut().unwrap().pages[0];
        page.position = 1;
        page.event_id = Some(event(0).id.into());
        page.metadata = Some(v1::EventMetadata {
            actor: "Ann".into(),
            ..v1::EventMetadata::default()
        });
    });
    assert_eq!(
        fields,
        [
            "pages[0].position",
            "pages[0].event_id",
            "pages[0].metadata"
        ]
    );
    let fields = broken_fact(|request| {
        request.book.as_mut().unwrap().snapshot = Some(v1::Snapshot {
            sequence: 1,
            state: None,
        });
    });
    assert_eq!(fields, ["snapshot"]);
}

#[test]
fn a_fact_whose_pages_name_different_times() {
    let time = |seconds| Some(WireTime { seconds, nanos: 0 });
    let fields = broken_fact(|request| {
        let pages = &mut request.book.as_mut().unwrap().pages;
        pages[0].created_at = time(1);
        pages[1].created_at = time(2);
    });
    assert_eq!(fields, ["pages[1].created_at"]);
    let fields = broken_fact(|request| {
        request.book.as_mut().unwrap().pages[0].created_at = Some(NO_TIME);
    });
    assert_eq!(fields, ["pages[0].created_at"]);
}

#[test]
fn the_rest_of_a_fact() {
    assert_eq!(broken_fact(|request| request.book = None), ["book"]);
    let fields = broken_fact(|request| request.book.as_mut().unwrap().cover = None);
    assert_eq!(fields, ["cover"]);
    let fields = broken_fact(|request| request.book.as_mut().unwrap().pages.clear());
    assert_eq!(fields, ["pages"]);
    let fields = broken_fact(|request| request.book.as_mut().unwrap().pages[0].event = None);
    assert_eq!(fields, ["pages[0].event"]);
}

#[test]
fn a_recorded_event_with_a_marker_or_without_a_sequence() {
    let with = |sequence_type| {
        let page = v1::EventPage {
            sequence_type,
            ..(&event(5)).into()
        };
        fields(convert::recorded_event(page, &stream()))
    };
    let marker = v1::FactSequence::default();
    assert_eq!(with(Some(SequenceType::Fact(marker))), ["fact"]);
    assert_eq!(with(None), ["sequence"]);
}

#[test]
fn a_recorded_event_without_content_is_nothing_any_more_or_unreadable() {
    for payload in [
        Payload::nothing(),
        Payload::unreadable("its upcast panicked".into()),
    ] {
        let written = RecordedEvent {
            payload,
            ..event(5)
        };
        let page = v1::EventPage::from(&written);
        assert_eq!(page.event, None);
        assert_eq!(convert::recorded_event(page, &stream()), Ok(written));
    }
}

#[test]
fn a_subscription() {
    use v1::begin::{At, First};
    let begin = |at| Some(v1::Begin { at: Some(at) });
    let broken = |break_it: fn(&mut v1::SubscribeRequest, &mut v1::EventFilter)| {
        let mut request = v1::SubscribeRequest {
            begin: begin(At::First(First {})),
            filter: None,
        };
        let mut filter = v1::EventFilter::default();
        break_it(&mut request, &mut filter);
        request.filter = Some(filter);
        fields(convert::subscription_of(request))
    };
    assert_eq!(broken(|request, _| request.begin = None), ["begin"]);
    for cursor in ["", "first", "-1", "1,,2", "18446744073709551616"] {
        let request = v1::SubscribeRequest {
            begin: begin(At::After(cursor.into())),
            filter: None,
        };
        assert_eq!(
            fields(convert::subscription_of(request)),
            ["begin.after"],
            "{cursor}"
        );
    }
    assert_eq!(
        broken(|_, filter| filter.domains = vec!["order".into(), "Order".into(), String::new()]),
        ["filter.domains[1]", "filter.domains[2]"]
    );
    assert_eq!(
        broken(|_, filter| filter.types = vec![String::new(), "x".repeat(257), "x".repeat(256)]),
        ["filter.types[0]", "filter.types[1]"]
    );
    assert_eq!(
        broken(|_, filter| filter.roots = vec![stream().root.into(), short_uuid().unwrap()]),
        ["filter.roots[1].value"]
    );
    assert_eq!(
        broken(|_, filter| {
            filter.domains = vec!["order".into(); 257];
            filter.types = vec!["Renamed".into(); 257];
            filter.roots = vec![stream().root.into(); 257];
        }),
        ["filter.domains", "filter.types", "filter.roots"]
    );
    // All faults are reported together.
    assert_eq!(
        broken(|request, filter| {
            request.begin = None;
            filter.domains = vec!["Order".into()];
            filter.roots = vec![short_uuid().unwrap()];
        }),
        ["begin", "filter.domains[0]", "filter.roots[0].value"]
    );
}

#[test]
fn a_filter_of_letters() {
    let filter = |break_it: fn(&mut v1::DeadLetterServiceListRequest)| {
        let mut request = v1::DeadLetterServiceListRequest::default();
        break_it(&mut request);
        convert::letter_filter(&request)
    };
    assert_eq!(filter(|_| {}), Ok(LetterFilter::default()));
    let root = |request: &mut v1::DeadLetterServiceListRequest| {
        request.root = Some(stream().root.into());
    };
    let mut request = v1::DeadLetterServiceListRequest::default();
    root(&mut request);
    assert_eq!(fields(convert::letter_filter(&request)), ["domain"]);
    request.domain = "order".into();
    assert_eq!(
        convert::letter_filter(&request).unwrap().stream,
        Some(stream())
    );
    assert_eq!(fields(filter(|request| request.status = 9)), ["status"]);
    assert_eq!(
        fields(filter(|request| request.page_token = "2".into())),
        ["page_token"]
    );
    assert_eq!(
        fields(filter(|request| request.domain = "Order".into())),
        ["domain"]
    );
    request.root = short_uuid();
    assert_eq!(fields(convert::letter_filter(&request)), ["root.value"]);
}
