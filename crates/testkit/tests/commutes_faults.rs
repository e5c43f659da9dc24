//! `commutes` on aggregates with a fault: each is found, with the smallest case that shows it.

mod account;

use std::sync::atomic::{AtomicU64, Ordering};

use account::panic_of;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use seriatim_core::{Aggregate, Fact, Merge};
use seriatim_derive::{Command, Event, Rejection};
use seriatim_testkit::commutes::Cell;
use seriatim_testkit::{commutes, proptest};

const SOUND: u8 = 0;
const STATE_COMPARED_IN_PART: u8 = 1;
const DECIDES_BY_CHANCE: u8 = 2;
const EVOLVES_BY_CHANCE: u8 = 3;
const PANICS_IN_EVOLVE: u8 = 4;
const PANICS_IN_DECIDE: u8 = 5;
const PANICS_IN_MERGE: u8 = 6;
const MERGES_TO_NONSENSE: u8 = 7;
const LIST_COMPARED_AS_A_SET: u8 = 8;
const TAKES_FACTS_BY_CHANCE: u8 = 9;
const PANICS_IN_ON_FACT: u8 = 10;

/// A till with one fault.
#[derive(Default, Clone, Debug, Serialize, Deserialize)]
struct Till<const FAULT: u8> {
    added: Vec<u64>,
    cents: u64,
    last: u64,
}

impl<const FAULT: u8> PartialEq for Till<FAULT> {
    fn eq(&self, other: &Self) -> bool {
        let in_order = |till: &Self| {
            let mut added = till.added.clone();
            added.sort_unstable();
            added
        };
        self.cents == other.cents
            && (FAULT == STATE_COMPARED_IN_PART || self.last == other.last)
            && in_order(self) == in_order(other)
    }
}

#[derive(Command, Clone, Debug, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
enum TillCommand {
    Add {
        cents: u64,
    },
    Take {
        cents: u64,
    },
    /// Takes all; what it takes is left out of its canonical form.
    Sweep,
    /// Notes how much there is, which its event does not compare.
    Count,
    /// Its event does not keep the text.
    Forget {
        text: String,
    },
}

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core", canonical = without_swept)]
enum TillEvent {
    Added {
        cents: u64,
    },
    Taken {
        cents: u64,
    },
    Swept {
        cents: u64,
    },
    Counted {
        cents: Blind,
    },
    Forgot {
        #[serde(skip)]
        text: String,
    },
}

fn without_swept(event: &TillEvent) -> TillEvent {
    match event {
        TillEvent::Swept { .. } => TillEvent::Swept { cents: 0 },
        other => other.clone(),
    }
}

/// A number that equals every other.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Blind(u64);

impl PartialEq for Blind {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[derive(Rejection, Debug, thiserror::Error)]
#[seriatim(crate = "seriatim_core")]
#[error("there are only {cents} cents")]
struct Short {
    cents: u64,
}

/// Another number each time.
fn chance() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl<const FAULT: u8> Aggregate for Till<FAULT> {
    const DOMAIN: &'static str = "till";
    type Command = TillCommand;
    type Event = TillEvent;
    type Rejection = Short;

    fn decide(&self, command: &TillCommand) -> Result<Vec<TillEvent>, Short> {
        Ok(vec![match command {
            TillCommand::Add { .. } if FAULT == DECIDES_BY_CHANCE => {
                TillEvent::Added { cents: chance() }
            }
            TillCommand::Add { cents } => TillEvent::Added { cents: *cents },
            TillCommand::Take { cents } if *cents > self.cents => {
                assert!(FAULT != PANICS_IN_DECIDE, "there is not that much");
                return Err(Short { cents: self.cents });
            }
            TillCommand::Take { cents } => TillEvent::Taken { cents: *cents },
            TillCommand::Sweep => TillEvent::Swept { cents: self.cents },
            TillCommand::Count => TillEvent::Counted {
                cents: Blind(self.cents),
            },
            TillCommand::Forget { text } => TillEvent::Forgot { text: text.clone() },
        }])
    }

    fn evolve(&mut self, event: &TillEvent) {
        match event {
            TillEvent::Added { cents } => {
                self.cents += cents;
                match FAULT {
                    STATE_COMPARED_IN_PART => self.last = *cents,
                    EVOLVES_BY_CHANCE => self.last = chance(),
                    LIST_COMPARED_AS_A_SET => self.added.push(*cents),
                    _ => {}
                }
            }
            TillEvent::Taken { cents } | TillEvent::Swept { cents } => {
                assert!(
                    FAULT != PANICS_IN_EVOLVE || *cents <= self.cents,
                    "too little is there"
                );
                self.cents = self.cents.saturating_sub(*cents);
            }
            TillEvent::Counted { .. } | TillEvent::Forgot { .. } => {}
        }
    }

    fn on_fact(&self, fact: &Fact<TillEvent>) -> Vec<TillEvent> {
        match FAULT {
            TAKES_FACTS_BY_CHANCE => vec![TillEvent::Added { cents: chance() }],
            PANICS_IN_ON_FACT => panic!("no facts here"),
            _ => vec![fact.event.clone()],
        }
    }

    fn merge(&self, _: &TillCommand, _: &Self, _: &[TillEvent]) -> Merge<Self> {
        match FAULT {
            PANICS_IN_MERGE => panic!("not thought of"),
            MERGES_TO_NONSENSE => Merge::Proceed(vec![TillEvent::Forgot { text: "x".into() }]),
            _ => Merge::Conflict,
        }
    }
}

fn add() -> impl Strategy<Value = TillCommand> {
    (1u64..9).prop_map(|cents| TillCommand::Add { cents })
}

fn take() -> impl Strategy<Value = TillCommand> {
    (1u64..9).prop_map(|cents| TillCommand::Take { cents })
}

/// What `commutes` says of a till with a fault.
fn found<const FAULT: u8>(commands: impl Strategy<Value = TillCommand> + 'static) -> String {
    panic_of(|| commutes::<Till<FAULT>>(commands).run())
}

#[track_caller]
fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(
            text.contains(part.trim_matches('\n')),
            "it does not say:\n{part}\nbut:\n{text}"
        );
    }
}

#[test]
fn a_sound_till_has_nothing_found() {
    let report = commutes::<Till<SOUND>>(prop_oneof![add(), take()]).run();
    assert_eq!(report.cell("Add", "Taken"), Cell::Merges);
    assert_eq!(report.cell("Sweep", "Taken"), Cell::NeverMet);
}

#[test]
fn a_comparison_of_states_that_leaves_a_field_out_is_found() {
    let text = found::<STATE_COMPARED_IN_PART>(prop_oneof![add(), take()]);
    let expected = r#"
the merge leaves another state than the other order, but the two compare as equal

  history         nothing
  came between    Add { cents: 1 }
                    -> Added { cents: 1 }
  the command     Add { cents: 2 }
  merges as       Added { cents: 2 }

  state             {
                      "added": [],
                      "cents": 3,
                  -   "last": 1
                  +   "last": 2
                    }
                  (- the command first, + the command last, as merged)

  the `PartialEq` of the state leaves out what is marked: compare it too, or take it out of the state

  found in `till`; `.seed(0)` finds it again
"#;
    assert_eq!(text, expected.trim(), "\n{text}");
}

#[test]
fn a_decision_by_chance_is_found() {
    let text = found::<DECIDES_BY_CHANCE>(prop_oneof![add(), take()]);
    let case = r#"
`decide` gives something else when it is asked again

  history         nothing
  came between    Add { cents: 1 }

  command         Add { cents: 1 }
  first           Added { cents: "#;
    assert_says(&text, &[case, "  again           Added", "it must be pure"]);
}

#[test]
fn an_evolution_by_chance_is_found() {
    let text = found::<EVOLVES_BY_CHANCE>(prop_oneof![add(), take()]);
    let case = r#"
`evolve` gives another state for the same events

  history         nothing
  came between    Add { cents: 1 }
                    -> Added { cents: 1 }

  state             {
                      "added": [],
                      "cents": 1,
                  -   "last": "#;
    assert_says(&text, &[case, "it must be pure"]);
}

#[test]
fn a_canonical_form_that_hides_what_the_state_keeps_is_found() {
    let text = found::<SOUND>(prop_oneof![add(), take(), Just(TillCommand::Sweep)]);
    let case = r#"
  history         Add { cents: 1 }
                    -> Added { cents: 1 }
  came between    Sweep
                    -> Swept { cents: 1 }
  the command     Sweep
  merges as       Swept { cents: 0 }

  decided then    Swept { cents: 1 }
  decided now     Swept { cents: 0 }

  let `canonical` leave out only what `evolve` does not use
"#;
    assert_says(
        &text,
        &["`canonical` hides a\ndifference that the state keeps", case],
    );
}

#[test]
fn a_comparison_of_events_that_leaves_a_field_out_is_found() {
    let text = found::<SOUND>(prop_oneof![add(), Just(TillCommand::Count)]);
    let case = r#"
  history         nothing
  came between    Add { cents: 1 }
                    -> Added { cents: 1 }
  the command     Count
  merges as       Counted { cents: Blind(1) }

  decided then    Counted { cents: Blind(0) }
  decided now     Counted { cents: Blind(1) }

  the `PartialEq` of the event, or of what is in it, leaves out what is stored: compare all of it
"#;
    assert_says(&text, &["the events compare as\nequal", case]);
}

#[test]
fn an_event_that_does_not_survive_storage_is_found() {
    let forget = "[ab]".prop_map(|text| TillCommand::Forget { text });
    let text = found::<SOUND>(prop_oneof![add(), forget]);
    let case = r#"
`Forgot` does not survive storage

  history         Forget { text: "a" }

  stored          Forgot { text: "a" }
                  stored as    Forgot {}
                  read back as Forgot { text: "" }
"#;
    assert_says(&text, &[case]);
}

#[test]
fn a_panic_of_evolve_is_found_in_an_order_that_did_not_happen() {
    let text = found::<PANICS_IN_EVOLVE>(prop_oneof![add(), take()]);
    let title = "`evolve` panicked: too little is there";
    assert_says(
        &text,
        &[title, "-> Added { cents: 1 }", "-> Taken { cents: 1 }"],
    );
    assert_says(&text, &["the last one first", "it must be total"]);
    assert_eq!(text.matches("->").count(), 2, "no more than needed\n{text}");
}

#[test]
fn a_panic_of_decide_is_found() {
    let text = found::<PANICS_IN_DECIDE>(prop_oneof![add(), take()]);
    assert_says(
        &text,
        &[
            "`decide` panicked: there is not that much",
            "reject a command",
        ],
    );
}

#[test]
fn a_panic_of_merge_is_found() {
    let text = found::<PANICS_IN_MERGE>(prop_oneof![add(), take()]);
    assert_says(
        &text,
        &[
            "`merge` panicked: not thought of",
            "answer `Merge::Conflict`",
        ],
    );
}

#[test]
fn a_merge_of_the_aggregates_own_that_cannot_be_stored_is_found() {
    let text = found::<MERGES_TO_NONSENSE>(add());
    let case = r#"
`Forgot` does not survive storage

  history         nothing
  came between    Add { cents: 1 }
                    -> Added { cents: 1 }
  the command     Add { cents: 1 }
"#;
    assert_says(&text, &[case, "`merge` gave    Forgot { text: \"x\" }"]);
}

#[test]
fn a_list_that_is_compared_as_a_set_is_found() {
    let text = found::<LIST_COMPARED_AS_A_SET>(add());
    let advice = "only the order in a list differs: for a set, use a `BTreeSet`";
    assert_says(&text, &["the two compare as equal", advice]);
}

fn found_with_facts<const FAULT: u8>() -> String {
    let fact = (1u64..9).prop_map(|cents| TillEvent::Added { cents });
    panic_of(|| commutes::<Till<FAULT>>(take()).facts(fact).run())
}

#[test]
fn a_fact_that_is_taken_by_chance_is_found() {
    let text = found_with_facts::<TAKES_FACTS_BY_CHANCE>();
    let title = "`on_fact` gives something else when it is asked again";
    assert_says(
        &text,
        &[title, "the fact Added { cents: 1 }", "it must be pure"],
    );
    assert_eq!(
        text.matches("the fact").count(),
        1,
        "no more than needed\n{text}"
    );
}

#[test]
fn a_panic_of_on_fact_is_found() {
    let text = found_with_facts::<PANICS_IN_ON_FACT>();
    assert_says(
        &text,
        &[
            "`on_fact` panicked: no facts here",
            "a fact cannot be refused",
        ],
    );
}
