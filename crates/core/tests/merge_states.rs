//! Tests COMMUTATIVE on states of every kind: signed numbers, sets, maps, variants, flattened fields, large states.

mod club;

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};

use club::Past;
use serde::{Deserialize, Serialize};
use seriatim_core::merge::{self, Collision, Resolution};
use seriatim_core::{Aggregate, ConflictReason, FieldPath, MergeStrategy, Never, Overlap};
use seriatim_derive::{Command, Event};

// These events are the commands too.
impl seriatim_core::Command for Set {}
impl seriatim_core::Command for Light {}
impl seriatim_core::Command for Tag {}
impl seriatim_core::Command for Trade {}
impl seriatim_core::Command for Build {}
impl seriatim_core::Command for Tick {}

/// Makes an aggregate of a state in few lines: `$decide` and `$evolve` are closures over the state.
macro_rules! aggregate {
    ($state:ty, $overlap:expr, $message:ty, decide: $decide:expr, evolve: $evolve:expr) => {
        impl Aggregate for $state {
            const DOMAIN: &'static str = "thing";
            const OVERLAP: Overlap = $overlap;
            type Command = $message;
            type Event = $message;
            type Rejection = Never;

            fn decide(&self, command: &$message) -> Result<Vec<$message>, Never> {
                let decide: fn(&Self, &$message) -> Vec<$message> = $decide;
                Ok(decide(self, command))
            }

            fn evolve(&mut self, event: &$message) {
                let evolve: fn(&mut Self, &$message) = $evolve;
                evolve(self, event);
            }
        }
    };
}

fn resolve<A: Aggregate>(past: &Past<A>, command: A::Command) -> Resolution<A> {
    past.resolve(MergeStrategy::Commutative, &[command])
}

#[track_caller]
fn refusal<A: Aggregate>(resolution: Resolution<A>) -> ConflictReason {
    match resolution {
        Resolution::Refuse { reason, .. } => reason,
        other => panic!("it is refused, not {other:?}"),
    }
}

fn paths(paths: &[&str]) -> Vec<FieldPath> {
    paths.iter().map(|path| path.parse().unwrap()).collect()
}

// ----- numbers -----

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
struct Set(f64);

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Level {
    value: f64,
    name: String,
}

aggregate!(Level, Overlap::Order, Set,
    decide: |_, set| vec![set.clone()],
    evolve: |level, set| level.value = set.0);

#[test]
fn a_zero_over_one_of_the_other_sign_is_not_the_same() {
    for (theirs, ours) in [(-0.0, 0.0), (0.0, -0.0)] {
        let past = Past::<Level>::new(&[], &[Set(theirs)]);
        let fields = paths(&["value"]);
        assert_eq!(
            refusal(resolve(&past, Set(ours))),
            ConflictReason::OrderMatters { fields }
        );
        let same = resolve(&past, Set(theirs));
        assert!(matches!(same, Resolution::Proceed(_)), "{same:?}");
    }
}

#[test]
fn a_state_that_does_not_equal_itself_is_refused_and_said_to_be_so() {
    let past = Past::<Level>::new(&[Set(f64::NAN)], &[Set(f64::NAN)]);
    let reason = refusal(resolve(&past, Set(f64::NAN)));
    let fields = Vec::new();
    // The event is not equal to itself either.
    match &reason {
        ConflictReason::DecisionDiffers { changed, .. } => assert_eq!(*changed, fields),
        other => panic!("{other}"),
    }
    #[derive(Default, Clone, Serialize, Deserialize)]
    struct Odd;
    impl PartialEq for Odd {
        fn eq(&self, _: &Self) -> bool {
            false
        }
    }
    aggregate!(Odd, Overlap::Order, Set, decide: |_, set| vec![set.clone()], evolve: |_, _| {});
    let reason = refusal(resolve(&Past::<Odd>::new(&[], &[Set(1.0)]), Set(2.0)));
    assert_eq!(reason, ConflictReason::OrderMatters { fields });
    let text = reason.to_string();
    assert!(text.contains("does not equal itself"), "{text}");
}

// ----- convergence -----

/// An event that holds the balance, so every decision differs from the one before.
#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum Paid {
    In { cents: u64, balance: u64 },
    Doubled { balance: u64 },
}

#[derive(Command, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum Pay {
    In { cents: u64 },
    Double,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Balance<const CONVERGING: bool>(u64);

impl<const CONVERGING: bool> Aggregate for Balance<CONVERGING> {
    const DOMAIN: &'static str = "balance";
    const OVERLAP: Overlap = match CONVERGING {
        true => Overlap::Converging,
        false => Overlap::Order,
    };
    type Command = Pay;
    type Event = Paid;
    type Rejection = Never;

    fn decide(&self, pay: &Pay) -> Result<Vec<Paid>, Never> {
        Ok(vec![match pay {
            Pay::In { cents } => Paid::In {
                cents: *cents,
                balance: self.0 + cents,
            },
            Pay::Double => Paid::Doubled {
                balance: self.0 * 2,
            },
        }])
    }

    fn evolve(&mut self, paid: &Paid) {
        match paid {
            Paid::In { cents, .. } => self.0 += cents,
            Paid::Doubled { balance } => self.0 = *balance,
        }
    }
}

#[test]
fn an_aggregate_may_ask_that_only_the_result_counts() {
    let missed = [Paid::In {
        cents: 3,
        balance: 3,
    }];
    let pay = || Pay::In { cents: 4 };
    match refusal(resolve(&Past::<Balance<false>>::new(&[], &missed), pay())) {
        ConflictReason::DecisionDiffers { .. } => {}
        other => panic!("{other}"),
    }
    match resolve(&Past::<Balance<true>>::new(&[], &missed), pay()) {
        Resolution::Proceed(events) => assert_eq!(
            events,
            [Paid::In {
                cents: 4,
                balance: 7
            }]
        ),
        other => panic!("{other:?}"),
    }
    // If it were doubled first, the result would be 3 and not 6.
    match refusal(resolve(
        &Past::<Balance<true>>::new(&[], &missed),
        Pay::Double,
    )) {
        ConflictReason::DecisionDiffers { .. } => {}
        other => panic!("{other}"),
    }
}

// ----- books -----

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum Light {
    Flash,
    Switch,
    FlashIfOn,
    FlashIfOff,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Lamp {
    is_on: bool,
}

aggregate!(Lamp, Overlap::Order, Light,
    decide: |lamp, light| match light {
        Light::FlashIfOn if !lamp.is_on => Vec::new(),
        Light::FlashIfOff if lamp.is_on => Vec::new(),
        _ => vec![Light::Flash],
    },
    evolve: |lamp, light| lamp.is_on ^= *light == Light::Switch);

#[test]
fn the_commands_of_a_book_are_compared_one_by_one() {
    // There is one flash in both orders, but for different commands.
    let book = [Light::FlashIfOn, Light::FlashIfOff];
    let past = Past::<Lamp>::new(&[], &[Light::Switch]);
    match refusal(past.resolve(MergeStrategy::Commutative, &book)) {
        ConflictReason::DecisionDiffers { then, now, .. } => assert_eq!(then, now),
        other => panic!("{other}"),
    }
    let back = Past::<Lamp>::new(&[], &[Light::Switch, Light::Switch]);
    let same = back.resolve(MergeStrategy::Commutative, &book);
    assert!(matches!(same, Resolution::Proceed(_)), "{same:?}");
}

// ----- sets and lists -----

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum Tag {
    Add(String),
    Name(String),
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tags {
    tags: HashSet<String>,
    name: String,
}

aggregate!(Tags, Overlap::Fields, Tag,
decide: |_, tag| vec![tag.clone()],
evolve: |tags, tag| match tag {
    Tag::Add(tag) => drop(tags.tags.insert(tag.clone())),
    Tag::Name(name) => tags.name.clone_from(name),
});

#[test]
fn a_hash_set_is_compared_as_a_set_whatever_its_order() {
    let add = |n: usize| Tag::Add(format!("tag {n}"));
    for round in 0..200 {
        let known: Vec<_> = (0..20).map(add).collect();
        let past = Past::<Tags>::new(&known, &[add(100 + round)]);
        let overlap = paths(&["tags"]);
        assert_eq!(
            refusal(resolve(&past, add(500))),
            ConflictReason::FieldsOverlap { overlap }
        );
        let renamed = resolve(&past, Tag::Name("x".into()));
        assert!(matches!(renamed, Resolution::Proceed(_)), "{renamed:?}");
    }
}

#[test]
fn fields_of_states_that_are_too_large_are_not_compared() {
    let long = |n: usize| Tag::Add(format!("{n}{}", "x".repeat(200_000)));
    let missed: Vec<_> = (0..20).map(long).collect();
    let past = Past::<Tags>::new(&[], &missed);
    match refusal(resolve(&past, Tag::Name("x".into()))) {
        ConflictReason::TooMuchToCompare {
            behind,
            state_bytes,
            limit_bytes,
        } => {
            assert_eq!(behind, 20);
            assert!(state_bytes > 4_000_000, "{state_bytes}");
            assert!(behind * state_bytes > limit_bytes);
        }
        other => panic!("{other}"),
    }
}

// ----- premises -----

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Shop {
    unit_prices: BTreeMap<String, u64>,
    lines: Vec<Line>,
    note: Option<String>,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    sku: String,
}

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum Trade {
    Price(String, u64),
    Line(String),
    Nothing,
}

fn trade(shop: &mut Shop, trade: &Trade) {
    match trade {
        Trade::Price(sku, cents) => drop(shop.unit_prices.insert(sku.clone(), *cents)),
        Trade::Line(sku) => shop.lines.push(Line { sku: sku.clone() }),
        Trade::Nothing => {}
    }
}

aggregate!(Shop, Overlap::Order, Trade, decide: |_, trade| vec![trade.clone()], evolve: trade);

fn shop(premise: &str) -> Resolution<Shop> {
    let known = [
        Trade::Price("tea".into(), 450),
        Trade::Price("1.5l".into(), 90),
        Trade::Line("tea".into()),
    ];
    let missed = [Trade::Price("mug".into(), 1200)];
    let past = Past::<Shop>::new(&known, &missed).premise(premise);
    resolve(&past, Trade::Nothing)
}

#[test]
fn a_premise_that_holds_lets_a_merge_pass() {
    for premise in [
        "unit_prices.tea",
        "/unit_prices/1.5l",
        "lines",
        "lines.0",
        "lines.0.sku",
        "note",
        // This key may come, and has not come yet.
        "unit_prices.pen",
    ] {
        let resolution = shop(premise);
        assert!(
            matches!(resolution, Resolution::Proceed(_)),
            "{premise}: {resolution:?}"
        );
    }
}

#[test]
fn a_premise_about_what_came_or_went_does_not_hold() {
    for premise in ["unit_prices.mug", "unit_prices"] {
        let changed = paths(&[premise]);
        assert_eq!(
            refusal(shop(premise)),
            ConflictReason::PremiseChanged { changed }
        );
    }
}

#[test]
fn a_premise_that_names_no_field_is_malformed() {
    for premise in [
        "unitPrices.tea",
        "unit_prices.tea.cents",
        // This key contains a dot.
        "unit_prices.1.5l",
        "unit_prices.pen.cents",
        "lines.00",
        "lines.+0",
        "lines.1",
        "lines.0.quantity",
        "note.text",
        "Note",
    ] {
        match shop(premise) {
            Resolution::Invalid(violations) => {
                assert_eq!(violations[0].field, "premises[0]", "{premise}");
                let text = &violations[0].description;
                assert!(text.contains(&format!("`{premise}`")), "{text}");
            }
            other => panic!("{premise} is a slip, not {other:?}"),
        }
    }
}

/// A state with variants and flattened fields.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Door {
    #[default]
    Shut,
    Open {
        by: String,
    },
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct House {
    #[serde(flatten)]
    size: Size,
    door: Door,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Size {
    rooms: u32,
}

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum Build {
    Open(String),
    Room,
    Nothing,
}

fn open(door: &mut Door, build: &Build) {
    if let Build::Open(by) = build {
        *door = Door::Open { by: by.clone() };
    }
}

aggregate!(Door, Overlap::Order, Build, decide: |_, build| vec![build.clone()], evolve: open);
aggregate!(House, Overlap::Order, Build,
decide: |_, build| vec![build.clone()],
evolve: |house, build| {
    open(&mut house.door, build);
    house.size.rooms += u32::from(*build == Build::Room);
});

#[test]
fn premises_are_checked_on_variants_and_on_flattened_states() {
    let missed = [Build::Open("Ann".into())];
    let of_door = |premise| {
        resolve(
            &Past::<Door>::new(&[], &missed).premise(premise),
            Build::Nothing,
        )
    };
    let of_house = |premise| {
        resolve(
            &Past::<House>::new(&[], &missed).premise(premise),
            Build::Nothing,
        )
    };
    for (changed, resolution) in [
        ("Open.by", refusal(of_door("Open.by"))),
        ("door", refusal(of_house("door"))),
    ] {
        let changed = paths(&[changed]);
        assert_eq!(resolution, ConflictReason::PremiseChanged { changed });
    }
    assert!(matches!(of_house("rooms"), Resolution::Proceed(_)));
    for slip in ["Opened.by", "Open.By"] {
        assert!(matches!(of_door(slip), Resolution::Invalid(_)), "{slip}");
    }
    for slip in ["Rooms", "size.rooms", "door.Opened"] {
        assert!(matches!(of_house(slip), Resolution::Invalid(_)), "{slip}");
    }
}

#[test]
fn premises_hold_for_the_aggregates_own_merge_too() {
    let missed = [Trade::Price("tea".into(), 500)];
    let past = Past::<Shop>::new(&[], &missed).premise("unit_prices.tea");
    let resolution = past.resolve(MergeStrategy::AggregateHandles, &[Trade::Nothing]);
    let changed = paths(&["unit_prices.tea"]);
    assert_eq!(
        refusal(resolution),
        ConflictReason::PremiseChanged { changed }
    );
}

// ----- how much is folded -----

thread_local! {
    static FOLDED: Cell<usize> = const { Cell::new(0) };
}

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum Tick {
    Ours,
    Theirs,
}

/// A state that counts how often it applies an event of others.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Watched {
    ticks: usize,
}

aggregate!(Watched, Overlap::Order, Tick,
decide: |_, tick| vec![tick.clone()],
evolve: |watched, tick| {
    watched.ticks += 1;
    FOLDED.set(FOLDED.get() + usize::from(*tick == Tick::Theirs));
});

#[test]
fn a_merge_folds_the_events_of_others_once() {
    let past = Past::<Watched>::new(&[], &vec![Tick::Theirs; 1000]);
    let state = past.current();
    FOLDED.set(0);
    let collision = Collision {
        commands: &[Tick::Ours],
        expected: past.expected,
        base: &past.base,
        intervening: &past.intervening,
        current: &state,
        premises: &[],
    };
    let merged = merge::resolve(MergeStrategy::Commutative, &collision);
    assert!(matches!(merged, Resolution::Proceed(_)), "{merged:?}");
    assert_eq!(FOLDED.get(), 1000);
}
