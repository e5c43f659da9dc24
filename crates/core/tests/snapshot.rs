//! Checks that a snapshot of another form of the state is ignored, never trusted.

use serde::{Deserialize, Serialize};
use seriatim_core::{Aggregate, Never, Sequence, Snapshot, SnapshotError};
use seriatim_derive::Event;
use uuid::Uuid;

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

/// Makes an aggregate that has nothing but a state.
macro_rules! state {
    ($name:ident $fields:tt, domain $domain:literal, schema $schema:literal, events $event:ty) => {
        #[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename = "Count")]
        pub(crate) struct $name $fields

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
state!(LongerInSecret {
    total: u64,
    by: Inner,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>
}, domain "count", schema 1, events Counted);
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
#[serde(rename = "Inner")]
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
    let snapshot = Snapshot::of(&count(), Sequence(6), Uuid::nil()).unwrap();
    assert_eq!(snapshot.sequence, Sequence(6));
    assert_eq!(snapshot.restore(), Some(count()));
}

#[test]
fn a_snapshot_of_every_other_form_is_ignored() {
    let snapshot = Snapshot::of(&count(), Sequence(6), Uuid::nil()).unwrap();
    assert_eq!(snapshot.restore::<Longer>(), None, "a field added");
    assert_eq!(snapshot.restore::<LongerInSecret>(), None, "an empty one");
    assert_eq!(snapshot.restore::<Shorter>(), None, "a field removed");
    assert_eq!(snapshot.restore::<Renamed>(), None, "a field renamed");
    assert_eq!(snapshot.restore::<Retyped>(), None, "another kind");
    assert_eq!(snapshot.restore::<Deeper>(), None, "renamed further in");
    assert_eq!(snapshot.restore::<Raised>(), None, "the schema raised");
    assert_eq!(snapshot.restore::<Elsewhere>(), None, "another domain");
    assert_eq!(
        snapshot.restore::<MoreEvents>(),
        None,
        "an event type added"
    );
    assert_eq!(
        snapshot.restore::<OtherEvents>(),
        None,
        "an event type renamed"
    );
}

#[test]
fn the_order_of_fields_is_no_change_of_form() {
    let snapshot = Snapshot::of(&count(), Sequence(6), Uuid::nil()).unwrap();
    assert!(snapshot.restore::<Same>().is_some());
}

/// States before and after a field was added to a type that they hold in a map, in an option, or in a variant other
/// than the default one. serde leaves the field out where it is empty.
mod hidden {
    use super::*;

    macro_rules! form {
        ($module:ident $(, $field:ident)?) => {
            pub(super) mod $module {
                use std::collections::BTreeMap;

                use super::*;

                #[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
                pub(crate) struct Line {
                    pub(crate) sku: String,
                    $(
                        #[serde(default, skip_serializing_if = "Option::is_none")]
                        $field: Option<String>,
                    )?
                }

                #[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
                pub(crate) enum Stage {
                    #[default]
                    New,
                    Paid {
                        by: String,
                        $(
                            #[serde(default, skip_serializing_if = "Option::is_none")]
                            $field: Option<String>,
                        )?
                    },
                }

                state!(Order {
                    lines: BTreeMap<String, Line>,
                    first: Option<Line>,
                    stage: Stage
                }, domain "order", schema 1, events Counted);

                pub(crate) fn of(kind: &str) -> Order {
                    let line: Line = serde_json::from_str(r#"{"sku":"tea"}"#).unwrap();
                    match kind {
                        "map" => Order { lines: [("a".into(), line)].into(), ..Order::default() },
                        "option" => Order { first: Some(line), ..Order::default() },
                        "variant" => {
                            let stage = serde_json::from_str(r#"{"Paid":{"by":"Ann"}}"#).unwrap();
                            Order { stage, ..Order::default() }
                        }
                        _ => Order::default(),
                    }
                }
            }
        };
    }

    form!(before);
    form!(after, discount);

    pub(super) fn restored(kind: &str) -> (bool, bool) {
        let snapshot = Snapshot::of(&before::of(kind), Sequence(6), Uuid::nil()).unwrap();
        let as_it_was = snapshot.restore() == Some(before::of(kind));
        (as_it_was, snapshot.restore() == Some(after::of(kind)))
    }
}

#[test]
fn a_field_that_was_added_where_the_default_state_has_nothing_is_noticed() {
    for kind in ["map", "option", "variant"] {
        assert_eq!(hidden::restored(kind), (true, false), "{kind}");
    }
    // The state holds no value of that type, so nothing can be missing.
    assert_eq!(hidden::restored("nothing"), (true, true));
}

#[test]
fn a_state_that_does_not_read_back_is_not_kept() {
    #[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        price: Option<f64>,
        #[serde(skip)]
        secret: u32,
    }
    state!(Lossy { inner: Inner }, domain "lossy", schema 1, events Counted);
    let of = |price, secret| Lossy {
        inner: Inner { price, secret },
    };
    let keep = |state: &Lossy| Snapshot::of(state, Sequence(1), Uuid::nil());
    assert!(keep(&of(Some(1.5), 0)).is_ok());
    for lossy in [
        of(Some(f64::INFINITY), 0),
        of(Some(f64::NAN), 0),
        of(None, 1),
    ] {
        let error = keep(&lossy).unwrap_err();
        assert!(matches!(error, SnapshotError::Differs), "{error}");
    }
}

#[test]
fn a_snapshot_that_does_not_decode_is_ignored() {
    let good = Snapshot::of(&count(), Sequence(6), Uuid::nil()).unwrap();
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
