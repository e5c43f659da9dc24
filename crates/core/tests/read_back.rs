//! Checks that every value reads back as it was written, to the last bit, or is refused with the name of its field.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde::{Deserialize, Serialize};
use seriatim_core::codec::{encode_command, encode_event};
use seriatim_core::{
    Aggregate, CommandLetter, CommandRequest, Conflict, Domain, EncodeError, ExpectedSequence,
    LetterStatus, Message, Never, ParkReason, Payload, Sequence, Snapshot, StreamId, Timestamp,
};
use seriatim_derive::{Command, Event};
use uuid::Uuid;

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum Measured {
    Value {
        wide: f64,
        narrow: f32,
    },
    Limit {
        at_most: Option<f64>,
        inner: Vec<BTreeMap<String, f64>>,
    },
    Counted {
        #[serde(flatten)]
        by_number: BTreeMap<u32, u32>,
    },
    Owned {
        #[serde(flatten)]
        wei: Wei,
    },
    Nested(Nest),
    Hidden {
        #[serde(skip)]
        text: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wei {
    wei: u128,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Nest(Vec<Self>);

#[derive(Command, Clone, Debug, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum Measure {
    Limit { at_most: Option<f64> },
    Value { wide: f64 },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Meter {
    wide: f64,
    narrow: f32,
}

impl Aggregate for Meter {
    const DOMAIN: &'static str = "meter";
    type Command = Never;
    type Event = Measured;
    type Rejection = Never;

    fn decide(&self, command: &Never) -> Result<Vec<Measured>, Never> {
        match *command {}
    }

    fn evolve(&mut self, event: &Measured) {
        if let Measured::Value { wide, narrow } = event {
            (self.wide, self.narrow) = (*wide, *narrow);
        }
    }
}

fn limit(at_most: Option<f64>, inner: f64) -> Measured {
    let inner = vec![BTreeMap::new(), BTreeMap::from([("a.b".into(), inner)])];
    Measured::Limit { at_most, inner }
}

fn nest(depth: u32) -> Nest {
    (0..depth).fold(Nest(Vec::new()), |inner, _| Nest(vec![inner]))
}

fn field(error: &EncodeError) -> Option<String> {
    error.field.as_ref().map(ToString::to_string)
}

#[test]
fn an_event_with_a_number_that_json_cannot_write_is_refused_with_its_field() {
    for (event, path, number) in [
        (
            Measured::Value {
                wide: f64::NAN,
                narrow: 0.0,
            },
            "Value.wide",
            "NaN",
        ),
        (
            Measured::Value {
                wide: 0.0,
                narrow: f32::NEG_INFINITY,
            },
            "Value.narrow",
            "-inf",
        ),
        (limit(Some(f64::INFINITY), 0.0), "Limit.at_most", "inf"),
        (limit(None, f64::NAN), "/Limit/inner/1/a.b", "NaN"),
    ] {
        let error = encode_event(&event).unwrap_err();
        assert_eq!(field(&error).as_deref(), Some(path));
        let text = error.to_string();
        assert!(
            text.contains(&format!("it is {number}, which JSON cannot write")),
            "{text}"
        );
        assert!(text.contains(event.type_name()), "{text}");
    }
    assert!(encode_event(&limit(None, 1.5)).is_ok());
    assert!(encode_event(&limit(Some(0.1), -0.0)).is_ok());
}

#[test]
fn an_event_that_would_not_read_back_is_refused() {
    let by_number = |numbers: &[u32]| Measured::Counted {
        by_number: numbers.iter().map(|number| (*number, 1)).collect(),
    };
    assert!(encode_event(&by_number(&[])).is_ok());
    encode_event(&by_number(&[7])).expect_err("serde reads such keys as texts");
    let wei = |wei| Measured::Owned { wei: Wei { wei } };
    encode_event(&wei(1 << 70)).expect_err("serde keeps no number of this size for later");
    assert!(encode_event(&Measured::Nested(nest(60))).is_ok());
    let error = encode_event(&Measured::Nested(nest(200))).unwrap_err();
    assert!(error.to_string().contains("recursion limit"), "{error}");
    let hidden = Measured::Hidden { text: "x".into() };
    let error = encode_event(&hidden).unwrap_err();
    assert!(
        error.to_string().contains("read back as something else"),
        "{error}"
    );
}

#[test]
fn a_command_that_would_lose_a_number_is_refused() {
    let limit = |at_most| encode_command(&Measure::Limit { at_most });
    assert!(limit(None).is_ok());
    assert!(limit(Some(1.5)).is_ok());
    let error = limit(Some(f64::INFINITY)).unwrap_err();
    assert_eq!(field(&error).as_deref(), Some("Limit.at_most"));
    let error = encode_command(&Measure::Value { wide: f64::NAN }).unwrap_err();
    assert_eq!(field(&error).as_deref(), Some("Value.wide"));
}

/// Returns arbitrary bits that are a number, with the edge cases more often than chance gives them.
fn bits() -> impl Strategy<Value = (f64, f32)> {
    let edges = prop_oneof![
        Just(-0.0),
        Just(f64::MIN_POSITIVE),
        Just(f64::from_bits(1)),
        Just(f64::MAX),
        Just(1.609_999_999_999_999_9),
        Just(2.225_073_858_507_201e-308),
    ];
    let wide = prop_oneof![9 => any::<u64>().prop_map(f64::from_bits), 1 => edges];
    let narrow = any::<u32>().prop_map(f32::from_bits);
    (
        wide.prop_filter("JSON has no others", |wide| wide.is_finite()),
        narrow.prop_filter("JSON has no others", |narrow| narrow.is_finite()),
    )
}

#[track_caller]
fn assert_same(read: (f64, f32), (wide, narrow): (f64, f32)) {
    assert_eq!(read.0.to_bits(), wide.to_bits(), "{wide:e}");
    assert_eq!(read.1.to_bits(), narrow.to_bits(), "{narrow:e}");
}

fn of(event: Measured) -> (f64, f32) {
    match event {
        Measured::Value { wide, narrow } => (wide, narrow),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_float_is_the_same_after_a_round_trip_through_all_that_is_stored() {
    let config = Config {
        cases: 100_000,
        failure_persistence: None,
        ..Config::default()
    };
    let stream = StreamId::new(Domain::new("meter").unwrap(), Uuid::nil());
    TestRunner::new(config)
        .run(&bits(), |(wide, narrow)| {
            let event = Measured::Value { wide, narrow };
            let payload = encode_event(&event).unwrap();
            assert_same(of(Measured::decode(&payload).unwrap()), (wide, narrow));

            // A letter stores the payload of its command in a text of its own.
            let letter = letter(&stream, payload);
            let text = serde_json::to_string(&letter).unwrap();
            let read: CommandLetter = serde_json::from_str(&text).unwrap();
            let [command] = &read.request.commands[..] else {
                panic!("{read:?}")
            };
            assert_same(of(Measured::decode(command).unwrap()), (wide, narrow));

            let meter = Meter { wide, narrow };
            let snapshot = Snapshot::of(&meter, Sequence(0), Uuid::nil()).unwrap();
            let restored: Meter = snapshot.restore().unwrap();
            assert_same((restored.wide, restored.narrow), (wide, narrow));
            Ok(())
        })
        .unwrap();
}

fn letter(stream: &StreamId, command: Payload) -> CommandLetter {
    CommandLetter {
        id: Uuid::nil(),
        request: CommandRequest::new(stream.clone(), command),
        conflict: Conflict {
            expected: ExpectedSequence::NoStream,
            current: None,
        },
        intervening: None,
        base_hash: None,
        reason: ParkReason::Manual,
        parked_at: Timestamp::MIN,
        attempts: Vec::new(),
        status: LetterStatus::Parked,
    }
}
