//! Checks that values that go over the wire arrive unchanged.

use std::time::Duration;

use proptest::prelude::*;
use prost::Message;
use seriatim_core::*;
use seriatim_proto::convert::{self, Echo};
use seriatim_proto::v1;
use uuid::Uuid;

use crate::samples::*;

/// Encodes and decodes a message, as on the wire.
fn sent<M: Message + Default>(message: &M) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

/// Removes the actor, who travels beside the message.
fn without_actor(mut metadata: Metadata) -> Metadata {
    metadata.actor = None;
    metadata
}

#[test]
fn a_command() {
    let expectations = [
        ExpectedSequence::Any,
        ExpectedSequence::NoStream,
        ExpectedSequence::Exactly(Sequence(0)),
        ExpectedSequence::Exactly(Sequence::MAX),
    ];
    let strategies = MergeStrategy::ALL.map(Some).into_iter().chain([None]);
    for merge in strategies {
        for expected in expectations {
            let mut request = CommandRequest {
                expected,
                merge,
                ..command()
            };
            request.metadata = without_actor(request.metadata);
            let wire: v1::SubmitRequest = sent(&(&request).into());
            assert_eq!(CommandRequest::try_from(wire), Ok(request));
        }
    }
}

#[test]
fn a_command_that_says_little_gets_an_id_and_nothing_else() {
    let page = v1::CommandPage {
        command: Some(convert::any(&Payload::json("Open", "{}"))),
        ..Default::default()
    };
    let request = v1::SubmitRequest {
        book: Some(v1::CommandBook {
            cover: Some(convert::cover(&stream())),
            pages: vec![page],
        }),
        ..Default::default()
    };
    let read = CommandRequest::try_from(request).unwrap();
    assert_eq!(read.id.get_version_num(), 7);
    let least = CommandRequest {
        id: read.id,
        ..CommandRequest::new(stream(), Payload::json("Open", "{}"))
    };
    assert_eq!(read, least);
}

#[test]
fn a_fact() {
    for route_to_aggregate in [None, Some(true), Some(false)] {
        let mut request = FactRequest {
            route_to_aggregate,
            ..fact()
        };
        request.metadata = without_actor(request.metadata);
        let wire: v1::RecordRequest = sent(&(&request).into());
        assert_eq!(FactRequest::try_from(wire), Ok(request));
    }
}

#[test]
fn an_effect_that_comes_back() {
    let back = rejected_effect();
    let wire: v1::HandBackRequest = sent(&(&back).into());
    assert_eq!(RejectedEffect::try_from(wire), Ok(back));
}

#[test]
fn a_recorded_event_and_never_with_a_marker() {
    let page: v1::EventPage = sent(&(&event(5)).into());
    assert_eq!(
        page.sequence_type,
        Some(v1::event_page::SequenceType::Sequence(5))
    );
    assert_eq!(convert::recorded_event(page, &stream()), Ok(event(5)));
}

#[test]
fn a_book_says_where_a_reader_goes_on() {
    let pages = |sequences: &[u32]| sequences.iter().map(|n| (&event(*n)).into()).collect();
    let next = |sequences: &[u32]| {
        convert::event_book(&stream(), pages(sequences), Sequence(3)).next_sequence
    };
    assert_eq!(next(&[]), 3);
    assert_eq!(next(&[3, 4]), 5);
    assert_eq!(next(&[u32::MAX]), u32::MAX);
}

#[test]
fn a_receipt() {
    for receipt in receipts() {
        let wire = sent(&convert::submit_response(&receipt, Echo::Events));
        assert_eq!(convert::receipt(wire, &stream()), Ok(receipt.clone()));
        let wire = sent(&convert::record_response(&receipt, Echo::Events));
        assert_eq!(
            convert::receipt(wire.into(), &stream()),
            Ok(receipt.clone())
        );
        let warning = FieldViolation::new("pages[0].command", "there is no field `a`");
        let receipt = Receipt {
            warnings: vec![warning],
            ..receipt
        };
        let wire = sent(&convert::submit_response(&receipt, Echo::Events));
        assert_eq!(convert::receipt(wire, &stream()), Ok(receipt));
    }
}

#[test]
fn the_events_of_a_receipt_are_left_out_unless_asked_for_and_where_they_are_too_large() {
    let mut commit = Commit {
        first: Sequence(0),
        last: Sequence(3),
        position: Position(4),
        merged: false,
        events: (0..4).map(event).collect(),
    };
    let answer = |commit: &Commit, echo| {
        let receipt = Receipt {
            stream: stream(),
            correlation_id: String::new(),
            outcome: Outcome::Committed(commit.clone()),
            warnings: Vec::new(),
        };
        match convert::submit_response(&receipt, echo).outcome {
            Some(v1::submit_response::Outcome::Committed(commit)) => {
                (commit.events.len(), commit.events_omitted)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(answer(&commit, Echo::Unasked), (0, false));
    assert_eq!(answer(&commit, Echo::Omitted), (0, true));
    assert_eq!(answer(&commit, Echo::Events), (4, false));
    for event in &mut commit.events {
        event.payload = Payload::json("Renamed", vec![b' '; 1024 * 1024]);
    }
    assert_eq!(answer(&commit, Echo::Events), (0, true));
}

#[test]
fn states_and_which_one_is_meant() {
    for view in [state(None), state(Some(Sequence(0)))] {
        assert_eq!(StateView::try_from(sent(&v1::State::from(&view))), Ok(view));
    }
    let times = [
        At::Current,
        At::Sequence(Sequence(0)),
        At::Time(Timestamp::from_micros(-7)),
    ];
    for at in times {
        assert_eq!(convert::at_of_state(convert::state_at(at)), Ok(at));
        let mut request = command();
        request.metadata = Metadata {
            correlation_id: request.metadata.correlation_id,
            external_id: request.metadata.external_id,
            ..Metadata::default()
        };
        let wire = sent(&convert::simulate_request(&request, at));
        let (read, read_at) = convert::simulation_request(wire).unwrap();
        request.id = read.id;
        // A command that is only simulated takes no effect, so it has no effect id.
        request.effect = None;
        assert_eq!((read, read_at), (request, at));
    }
}

#[test]
fn a_simulation() {
    for outcome in simulated() {
        let simulation = Simulation {
            before: state(None),
            outcome,
        };
        let wire: v1::SimulateResponse = sent(&(&simulation).into());
        assert_eq!(Simulation::try_from(wire), Ok(simulation));
    }
}

#[test]
fn what_resubmitting_letters_would_give() {
    let simulations = simulated().into_iter().map(|outcome| {
        let before = state(Some(Sequence(6)));
        LetterSimulation::Command(Box::new(Simulation { before, outcome }))
    });
    let given_up = GivenUp {
        letter: given_up(),
        event: Some(event(4)),
        followers: 3,
        more_followers: true,
    };
    let of_event = LetterSimulation::Reaction(Box::new(given_up));
    for simulation in simulations.chain([of_event]) {
        let wire: v1::DeadLetterServiceSimulateResponse = sent(&(&simulation).into());
        assert_eq!(LetterSimulation::try_from(wire), Ok(simulation));
    }
    let forecast = Forecast {
        committed: 1,
        unchanged: 2,
        rejected: 3,
        conflicting: 4,
        failing: 5,
        handed: 6,
        decided: 7,
    };
    let wire: v1::Forecast = sent(&(&forecast).into());
    assert_eq!(Forecast::from(wire), forecast);
}

#[test]
fn a_letter_and_its_three_sides() {
    for status in [
        LetterStatus::Parked,
        LetterStatus::Resolved,
        LetterStatus::Discarded,
    ] {
        let wire: v1::CommandLetter = sent(&(&letter(status)).into());
        assert_eq!(CommandLetter::try_from(wire), Ok(letter(status)));
    }
    for (yours, obstacle) in simulated()
        .into_iter()
        .zip([None].into_iter().chain(reasons().into_iter().map(Some)))
    {
        let view = ThreeWay {
            letter: letter(LetterStatus::Parked),
            base: state(Some(Sequence(4))),
            theirs: state(Some(Sequence(6))),
            intervening: vec![event(5), event(6)],
            intervening_total: 2,
            yours,
            obstacle,
        };
        let view = OpenLetter::Command(Box::new(view));
        let wire: v1::DeadLetterServiceGetResponse = sent(&(&view).into());
        assert_eq!(OpenLetter::try_from(wire), Ok(view));
    }
}

#[test]
fn a_letter_of_either_kind() {
    let decided = |verb| LetterDecision {
        verb,
        actor: Some("Zoë".into()),
        reason: Some("it was printed by hand".into()),
        at: Timestamp::from_micros(9),
    };
    let unsaid = LetterDecision {
        actor: None,
        reason: None,
        ..decided(Verb::Resubmit)
    };
    let parked = ReactionLetter {
        decision: None,
        status: LetterStatus::Parked,
        closed_at: None,
        ..given_up()
    };
    let letters = [
        DeadLetter::Command(Box::new(letter(LetterStatus::Resolved))),
        DeadLetter::Reaction(Box::new(ReactionLetter {
            decision: Some(unsaid),
            ..parked.clone()
        })),
        DeadLetter::Reaction(Box::new(parked)),
        DeadLetter::Reaction(Box::new(ReactionLetter {
            decision: Some(decided(Verb::Discard)),
            ..given_up()
        })),
    ];
    for letter in letters {
        let wire: v1::DeadLetter = sent(&(&letter).into());
        assert_eq!(DeadLetter::try_from(wire), Ok(letter));
    }
    for (event, more_followers) in [(None, false), (Some(event(4)), true)] {
        let opened = OpenLetter::Reaction(Box::new(GivenUp {
            letter: given_up(),
            event,
            followers: 7,
            more_followers,
        }));
        let wire: v1::DeadLetterServiceGetResponse = sent(&(&opened).into());
        assert_eq!(OpenLetter::try_from(wire), Ok(opened));
    }
}

#[test]
fn a_line_of_a_list_of_streams() {
    let summary = StreamSummary {
        stream: stream(),
        current: Sequence(0),
        recorded_at: Timestamp::from_micros(1),
    };
    let wire: v1::StreamSummary = sent(&(&summary).into());
    assert_eq!(StreamSummary::try_from(wire), Ok(summary));
}

#[test]
fn a_subscription() {
    let filters = [
        EventFilter::default(),
        EventFilter {
            domains: vec![stream().domain],
            types: vec!["Renamed".into(), "shop.v1.Shipped".into()],
            roots: vec![stream().root, Uuid::nil()],
            workflows: vec!["checkout-7".into()],
        },
    ];
    let begins = [
        Begin::AtTheFirst,
        Begin::Now,
        Begin::Since(Timestamp::from_micros(1_700_000_000_123_456)),
        Begin::After("1042".parse().unwrap()),
        Begin::After("0,18446744073709551615".parse().unwrap()),
    ];
    for begin in begins {
        for filter in filters.clone() {
            let wire = sent(&convert::subscribe_request(&begin, &filter));
            assert_eq!(convert::subscription_of(wire), Ok((begin.clone(), filter)));
        }
    }
}

proptest! {
    #[test]
    fn commands_of_any_content(
        root in any::<u128>(),
        names in prop::collection::vec("\\PC{0,12}", 1..5),
        data in "\\PC{0,40}",
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        correlation_id in prop::option::of("\\PC{1,9}"),
    ) {
        let stream = StreamId::new(stream().domain, Uuid::from_u128(root));
        let mut request = CommandRequest::new(stream, Payload::json(names[0].clone(), data));
        for name in &names {
            // A name on the wire is the part after the last slash, and it is never empty.
            let name = name.replace('/', ".");
            request.commands.push(Payload::protobuf(format!("x{name}"), bytes.clone()));
        }
        request.metadata.correlation_id = correlation_id;
        let wire: v1::SubmitRequest = sent(&(&request).into());
        prop_assert_eq!(CommandRequest::try_from(wire), Ok(request));
    }
}

#[test]
fn whom_to_wait_for_and_who_has_not_handled_it() {
    let wait = WaitFor {
        components: vec![
            Component::new("a").unwrap(),
            Component::new("b.v2").unwrap(),
        ],
        limit: Duration::from_millis(1500),
    };
    assert_eq!(
        convert::optional_wait_for(Some(sent(&v1::WaitFor::from(&wait)))),
        Ok(Some(wait))
    );
    let unlimited = v1::WaitFor {
        components: vec!["a".into()],
        limit: None,
    };
    let unlimited = convert::optional_wait_for(Some(unlimited)).unwrap();
    assert_eq!(unlimited.unwrap().limit, WaitFor::LIMIT);
    for why in [
        WhyNotHandled::TimePassed {
            limit: Duration::from_nanos(1),
            position: Position(u64::MAX),
        },
        WhyNotHandled::Parked {
            sequence: Sequence(7),
            failure: "no such table".into(),
        },
        WhyNotHandled::Paused {
            failure: "no such table".into(),
        },
        WhyNotHandled::ShuttingDown,
    ] {
        let not_handled = NotHandled {
            component: Component::new("balances").unwrap(),
            why,
        };
        let wire: v1::NotHandled = sent(&(&not_handled).into());
        assert_eq!(convert::not_handled(wire), Ok(not_handled));
    }
}

#[test]
fn what_events_have_changed() {
    let tree = |text: &str| Tree::parse(text.as_bytes()).unwrap();
    let changes = Changes {
        events: vec![EventChanges {
            event: event(7),
            changes: vec![FieldChange {
                path: "address.city".parse().unwrap(),
                before: None,
                after: Some(tree("\"Bern\"")),
            }],
        }],
        value: Some(tree("12345678901234567890.5")),
        next: Some(Sequence(41)),
    };
    let wire: v1::ListChangesResponse = sent(&changes.clone().into());
    assert_eq!(
        wire.events[0].changes[0].after_json.as_deref(),
        Some("\"Bern\"")
    );
    assert_eq!(wire.value_json.as_deref(), Some("12345678901234567890.5"));
    assert_eq!(wire.next_through_sequence, Some(41));
}
