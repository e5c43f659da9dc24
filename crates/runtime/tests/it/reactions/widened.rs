//! Tests a filter that was widened: events that were passed over are noticed, and none is left out unless somebody said
//! so.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{Begin, Component, EventFilter, Log, Position, Store};
use seriatim_runtime::{
    AtLeastOnce, Enrolled, Feed, PieceState, PieceStatus, ReactionSettings, Reactions,
};
use seriatim_testkit::faults::{FaultyStore, Interruption};

use super::tally::{NAME, Tally, is_paused, only, until};
use crate::support::{all_kinds, append, memory, stream};

fn name() -> Component {
    Component::new(NAME).unwrap()
}

fn types(names: &[&str]) -> EventFilter {
    EventFilter {
        types: names.iter().map(|name| (*name).to_owned()).collect(),
        ..EventFilter::default()
    }
}

fn log(store: &Arc<dyn Store>) -> Log {
    Log::as_stored(Arc::clone(store) as _)
}

fn given(store: &Arc<dyn Store>, filter: EventFilter, tally: &Tally) -> Enrolled {
    let reaction = AtLeastOnce::new(name(), filter, Arc::clone(store) as _, tally.clone());
    Enrolled::new(Arc::new(reaction))
}

fn start(store: &Arc<dyn Store>, component: Enrolled) -> Reactions {
    let settings = ReactionSettings {
        owner: "one".into(),
        lease: Duration::from_millis(60),
        ..ReactionSettings::default()
    };
    Reactions::start(&Feed::new(log(store)), vec![component], &settings)
}

/// Appends one event of each type to each of ten orders.
async fn fill(store: &Arc<dyn Store>, before: u32, names: &[&'static str]) {
    for root in 0..10 {
        append(&**store, &stream("order", root), before, names).await;
    }
}

/// Waits until all work has passed all events.
async fn passed(store: &Arc<dyn Store>) {
    let log = log(store);
    seriatim_testkit::until("all work has passed all events", async || {
        let all = store.checkpoints(Some(&name())).await.unwrap();
        let mut is_past = !all.is_empty();
        for one in all {
            is_past &= one.at.position == log.head(one.work.partition).await.unwrap();
        }
        is_past
    })
    .await;
}

/// Runs until everything is passed. Returns how many events the component got.
async fn run(store: &Arc<dyn Store>, component: Enrolled, tally: &Tally) -> usize {
    let before = tally.count();
    let reactions = start(store, component);
    let works = |piece: &PieceStatus| piece.state == PieceState::Working;
    until("all of it is taken", || {
        reactions.status().iter().all(works)
    })
    .await;
    passed(store).await;
    reactions.shutdown().await;
    tally.count() - before
}

async fn is_refused(store: &Arc<dyn Store>, filter: EventFilter) -> bool {
    let component = given(store, filter, &Tally::new());
    let widened = component.widened(&log(store)).await.unwrap();
    widened.is_some()
}

#[tokio::test]
async fn a_filter_counts_for_what_was_passed_over_by_it() {
    for storage in all_kinds().await {
        let (store, tally) = (&storage.store, Tally::new());
        fill(store, 0, &["Paid", "Sent"]).await;
        let paid = types(&["Paid"]);
        assert_eq!(
            run(store, given(store, paid.clone(), &tally), &tally).await,
            10
        );

        // A type that never occurred costs nothing, and counts from now on.
        for wanted in [
            types(&["Paid", "Sent"]),
            types(&["Sent"]),
            EventFilter::default(),
        ] {
            assert!(is_refused(store, wanted).await);
        }
        let lost = types(&["Lost", "Paid"]);
        assert!(!is_refused(store, lost.clone()).await);
        assert_eq!(
            run(store, given(store, lost.clone(), &tally), &tally).await,
            0
        );
        fill(store, 2, &["Lost"]).await;
        assert!(!is_refused(store, lost.clone()).await);
        assert_eq!(
            run(store, given(store, lost.clone(), &tally), &tally).await,
            10
        );

        // A narrower filter gives up the scope of the wider one.
        assert_eq!(run(store, given(store, paid, &tally), &tally).await, 0);
        assert!(is_refused(store, lost).await);
    }
}

#[tokio::test]
async fn work_of_a_widened_filter_is_paused_until_it_begins_anew() {
    for storage in all_kinds().await {
        let (store, tally) = (&storage.store, Tally::new());
        fill(store, 0, &["Paid", "Sent"]).await;
        let paid = given(store, types(&["Paid"]), &tally);
        assert_eq!(run(store, paid, &tally).await, 10);

        // This is a process that another one overtakes after its check.
        let both = types(&["Sent", "Paid"]);
        for _ in 0..2 {
            let counted = FaultyStore::new(Arc::clone(store));
            let shared: Arc<dyn Store> = Arc::new(counted.clone());
            let reactions = start(&shared, given(&shared, both.clone(), &tally));
            let all_paused = || reactions.status().iter().all(is_paused);
            until("it is paused", all_paused).await;
            for piece in reactions.status() {
                let PieceState::Paused { error, .. } = piece.state else {
                    continue;
                };
                let says = "it lets `Sent` through, and order/";
                assert!(error.contains(says), "{error}");
            }
            let pauses = || counted.calls().get("pause a piece of work").copied();
            let pieces = reactions.status().len();
            until("the pauses are recorded", || pauses() == Some(pieces)).await;
            reactions.resume(&name()).await.unwrap();
            until("it is looked at again", || pauses() == Some(2 * pieces)).await;
            assert!(all_paused());
            reactions.shutdown().await;
        }
        assert_eq!(tally.count(), 10);

        let reactions = start(store, given(store, both, &tally));
        until("it is paused", || reactions.status().iter().all(is_paused)).await;
        reactions.begin(&name(), &Begin::AtTheFirst).await.unwrap();
        until("all is seen", || tally.count() == 30).await;
        reactions.shutdown().await;
    }
}

/// The check may take long, and others look at the state meanwhile.
#[tokio::test]
async fn work_that_was_taken_is_beginning_until_it_is_known_what_its_checkpoint_speaks_of() {
    for former in [
        "nobody had it",
        "another process had it",
        "it could not begin",
    ] {
        let store = &memory(1).store;
        fill(store, 0, &["Paid"]).await;
        let component = || given(store, EventFilter::default(), &Tally::new());
        let other = match former {
            "another process had it" => {
                let other = start(store, component());
                until("the other has it", || {
                    only(&other).state == PieceState::Working
                })
                .await;
                Some(other)
            }
            _ => None,
        };
        let faulty = FaultyStore::new(Arc::clone(store));
        let hangs = Interruption::DiesBefore;
        faulty.interrupt("look what the checkpoints speak of", 1, hangs);
        let shared: Arc<dyn Store> = Arc::new(faulty.clone());
        let begin = match former {
            "it could not begin" => Begin::After("99".parse().unwrap()),
            _ => Begin::AtTheFirst,
        };
        let component = given(&shared, EventFilter::default(), &Tally::new());
        let reactions = start(&shared, Enrolled { begin, ..component });
        if let Some(other) = other {
            let state = || only(&reactions).state;
            let stands_by = || matches!(state(), PieceState::StandingBy { owner: Some(_) });
            until("it stands by", stands_by).await;
            other.shutdown().await;
        } else if former == "it could not begin" {
            let cannot = || matches!(only(&reactions).state, PieceState::CannotBegin { .. });
            until("it cannot begin", cannot).await;
            reactions.begin(&name(), &Begin::AtTheFirst).await.unwrap();
        }
        until("it looks", || faulty.was_interrupted()).await;
        assert_eq!(only(&reactions).state, PieceState::Beginning, "{former}");
        reactions.shutdown().await;
    }
}

#[tokio::test]
async fn what_is_left_out_on_purpose_is_said_once() {
    for storage in all_kinds().await {
        let (store, tally) = (&storage.store, Tally::new());
        fill(store, 0, &["Paid", "Sent", "Lost"]).await;
        assert_eq!(
            run(store, given(store, types(&["Paid"]), &tally), &tally).await,
            10
        );
        let both = types(&["Sent", "Paid"]);
        let widened_from = |filter: &EventFilter, former: &[&str]| Enrolled {
            widened_from: Some(types(former)),
            ..given(store, filter.clone(), &tally)
        };
        for wrong in [&["Sent"][..], &["Paid", "Sent"], &[]] {
            let component = widened_from(&both, wrong);
            assert!(component.widened(&log(store)).await.unwrap().is_some());
        }
        let right = widened_from(&both, &["Paid"]);
        assert_eq!(right.widened(&log(store)).await.unwrap(), None);
        assert_eq!(run(store, right, &tally).await, 0);
        fill(store, 3, &["Sent"]).await;
        // By now the checkpoint stands for today's filter, from there on.
        assert_eq!(run(store, given(store, both, &tally), &tally).await, 10);
        for scope in store.scopes(&name()).await.unwrap() {
            assert!(scope.1.after > Position::START, "{scope:?}");
        }
        // The declaration has served its purpose.
        let all = widened_from(&EventFilter::default(), &["Paid"]);
        assert!(all.widened(&log(store)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn what_is_before_a_beginning_was_not_passed_over() {
    let storage = memory(2);
    let (store, tally) = (&storage.store, Tally::new());
    fill(store, 0, &["Paid", "Sent"]).await;
    let now = Enrolled {
        begin: Begin::Now,
        ..given(store, types(&["Paid"]), &tally)
    };
    assert_eq!(run(store, now, &tally).await, 0);
    assert!(!is_refused(store, EventFilter::default()).await);
    fill(store, 2, &["Sent"]).await;
    assert_eq!(
        run(store, given(store, types(&["Paid"]), &tally), &tally).await,
        0
    );
    assert!(is_refused(store, EventFilter::default()).await);
}

#[tokio::test]
async fn each_share_speaks_for_itself() {
    let storage = memory(1);
    let (store, tally) = (&storage.store, Tally::new());
    fill(store, 0, &["Paid"]).await;
    append(&**store, &stream("order", 0), 1, &["Sent"]).await;
    let shared = |filter| Enrolled {
        shares: NonZero::new(4).unwrap(),
        ..given(store, filter, &tally)
    };
    assert_eq!(run(store, shared(types(&["Paid"])), &tally).await, 10);
    let reactions = start(store, shared(EventFilter::default()));
    let paused = || {
        reactions
            .status()
            .iter()
            .filter(|piece| is_paused(piece))
            .count()
    };
    let working = |piece: &PieceStatus| piece.state == PieceState::Working;
    until("the one is paused, and the others work", || {
        paused() == 1
            && reactions
                .status()
                .iter()
                .filter(|piece| working(piece))
                .count()
                == 3
    })
    .await;
    reactions.shutdown().await;

    // Progress in shares is not that of a component without shares.
    assert!(!is_refused(store, EventFilter::default()).await);
    let component = shared(EventFilter::default());
    let widened = component.widened(&log(store)).await.unwrap();
    assert_eq!(widened.unwrap().stream, stream("order", 0));
}
