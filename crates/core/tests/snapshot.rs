//! A snapshot of another form of the state is ignored, never trusted.

use serde::{Deserialize, Serialize};
use seriatim_core::{Aggregate, Fingerprint, Never, Sequence, Snapshot};
use seriatim_derive::Event;

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum Counted {
    Up,
}

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum CountedUpwards {
    Upwards,
}

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum CountedBothWays {
    Up,
    Down,
}

/// An aggregate that does nothing but have a state.
macro_rules! state {
    ($name:ident $fields:tt, domain $domain:literal, schema $schema:literal, events $event:ty) => {
        #[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
        struct $name $fields

        impl Aggregate for $name {
            const DOMAIN: &'static str = $domain;
            const SNAPSHOT_SCHEMA: u32 = $schema;
            type Command = Never;
            type Event = $event;
            type Rejection = Never;

            fn decide(&self, command: &Never) -> Result<Vec<$event>, Never> {
                match *command {}
            }

            fn evolve(&mut self, _: &$event) {}
        }
    };
}

state!(Count { total: u64, by: Inner }, domain "count", schema 1, events Counted);
state!(Same { by: Inner, total: u64 }, domain "count", schema 1, events Counted);
state!(Longer { total: u64, by: Inner, note: Option<String> }, domain "count", schema 1, events Counted);
state!(Shorter { total: u64 }, domain "count", schema 1, events Counted);
state!(Renamed { sum: u64, by: Inner }, domain "count", schema 1, events Counted);
state!(Retyped { total: String, by: Inner }, domain "count", schema 1, events Counted);
state!(Deeper { total: u64, by: InnerRenamed }, domain "count", schema 1, events Counted);
state!(Raised { total: u64, by: Inner }, domain "count", schema 2, events Counted);
state!(Elsewhere { total: u64, by: Inner }, domain "counts", schema 1, events Counted);
state!(MoreEvents { total: u64, by: Inner }, domain "count", schema 1, events CountedBothWays);

state!(OtherEvents { total: u64, by: Inner }, domain "count", schema 1, events CountedUpwards);

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    name: String,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct InnerRenamed {
    title: String,
}

fn count() -> Count {
    Count {
        total: 7,
        by: Inner { name: "Ann".into() },
    }
}

#[test]
fn a_snapshot_restores_the_state_it_was_made_of() {
    let snapshot = Snapshot::of(&count(), Sequence(6)).unwrap();
    assert_eq!(snapshot.sequence, Sequence(6));
    assert_eq!(snapshot.restore(), Some(count()));
}

#[test]
fn every_change_of_form_gives_another_fingerprint() {
    let original = Fingerprint::of::<Count>();
    for (change, changed) in [
        ("a field added", Fingerprint::of::<Longer>()),
        ("a field removed", Fingerprint::of::<Shorter>()),
        ("a field renamed", Fingerprint::of::<Renamed>()),
        ("a field of another kind", Fingerprint::of::<Retyped>()),
        (
            "a field within a field renamed",
            Fingerprint::of::<Deeper>(),
        ),
        ("the schema raised", Fingerprint::of::<Raised>()),
        ("another domain", Fingerprint::of::<Elsewhere>()),
        ("an event type added", Fingerprint::of::<MoreEvents>()),
        ("an event type renamed", Fingerprint::of::<OtherEvents>()),
    ] {
        assert_ne!(changed, original, "{change}");
    }
}

#[test]
fn the_order_of_fields_is_no_change_of_form() {
    assert_eq!(Fingerprint::of::<Same>(), Fingerprint::of::<Count>());
}

#[test]
fn a_snapshot_with_another_fingerprint_is_ignored_though_its_json_fits() {
    let snapshot = Snapshot::of(&count(), Sequence(6)).unwrap();
    assert_eq!(snapshot.restore::<Raised>(), None);
    assert_eq!(snapshot.restore::<MoreEvents>(), None);
    assert!(snapshot.restore::<Same>().is_some());
}

#[test]
fn a_snapshot_that_does_not_decode_is_ignored() {
    let good = Snapshot::of(&count(), Sequence(6)).unwrap();
    let cut = good.state.slice(..good.state.len() - 1);
    for state in [
        cut,
        "".into(),
        "null".into(),
        r#"{"total":-1,"by":{"name":""}}"#.into(),
    ] {
        let snapshot = Snapshot {
            state,
            ..good.clone()
        };
        assert_eq!(snapshot.restore::<Count>(), None, "{snapshot:?}");
    }
}
