//! Timers: they survive restarts, catch up after downtime, and fire once, whatever they race with.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use seriatim::core::{
    Append, Domain, LONGEST_LEASE, Message, NewEvent, Owner, Planned, ProcessEvent, StoreErrorKind,
    StreamId, Taking, TimerChange, Timestamp, Write,
};
use seriatim::prelude::*;
use seriatim::{Process, ReactionSettings, open_store};
use seriatim_testkit::clock;
use seriatim_testkit::faults::FaultyStore;

use crate::fulfilment::Fulfilment;
use crate::quiet::{QUIET, Quiet};
use crate::shop::{Order, OrderCommand, OrderEvent, Stock};
use crate::stage::{
    NEVER, filled, fired, managed, managed_on, no_timer_is_left, order_events, place, settled,
    shop, steps, until,
};
use crate::storage::{execute_at, on_every_storage};

fn not_paid() -> OrderEvent {
    OrderEvent::Cancelled {
        why: "not paid".into(),
    }
}

on_every_storage! {
    an_order_that_is_not_paid_is_cancelled_and_says_why
    what_became_due_while_nothing_ran_fires_at_the_next_start
    a_timer_that_is_set_anew_fires_for_the_last_time_only
    of_a_payment_and_a_time_out_at_one_moment_one_counts
    a_timer_that_rang_for_a_process_that_died_rings_again
    timers_wait_for_a_store_that_does_not_answer
    a_log_with_an_impossible_name_stops_no_timers
    after_a_clock_that_was_a_day_ahead_work_and_timers_go_on_today
}

async fn an_order_that_is_not_paid_is_cancelled_and_says_why(url: &str) {
    let app = managed(url).await;
    let stock = filled(&app, 1).await;
    let order = Uuid::now_v7();
    let place = OrderCommand::Place {
        stock,
        pay_within_ms: 20,
    };
    let placed = app.of::<Order>(order).send(place).external_id("till/7");
    placed.correlation_id("basket 12").await.unwrap();
    until("it is cancelled", async || {
        order_events(&app, order).await.last() == Some(&not_paid())
    })
    .await;
    until("what was reserved is released", async || {
        let stock = app.of::<Stock>(stock).state().await.unwrap();
        stock.state.left == 1
    })
    .await;
    let steps = steps::<Fulfilment>(&app, order).await;
    let [(set, _), (rung, _)] = &steps[..] else {
        panic!("{steps:?}");
    };
    assert!(rung.recorded_at >= set.recorded_at.later_by(Duration::from_millis(20)));
    assert_eq!(rung.metadata.causation_id, Some(set.id));
    // It is no answer to what set it, so a timer that is set again and again does not look like a loop.
    assert_eq!((set.metadata.depth, rung.metadata.depth), (1, 0));
    assert_eq!(rung.metadata.correlation_id.as_deref(), Some("basket 12"));
    assert_eq!(rung.metadata.external_id.as_deref(), Some("till/7"));
    no_timer_is_left::<Fulfilment>(&app).await;
}

async fn what_became_due_while_nothing_ran_fires_at_the_next_start(url: &str) {
    let app = managed(url).await;
    let stock = filled(&app, 2).await;
    let (order, later) = (
        place(&app, stock, 500).await,
        place(&app, stock, NEVER).await,
    );
    settled(&app).await;
    app.shutdown().await.unwrap();
    drop(app);
    // On a slow machine it may have fired before; then this shows less, but it is no failure.
    tokio::time::sleep(Duration::from_millis(600)).await;

    for _ in 0..2 {
        let app = managed(url).await;
        until("it is cancelled", async || {
            order_events(&app, order).await.last() == Some(&not_paid())
        })
        .await;
        settled(&app).await;
        assert_eq!(fired::<Fulfilment>(&app, order).await, 1);
        assert_eq!(fired::<Fulfilment>(&app, later).await, 0);
        app.shutdown().await.unwrap();
    }
}

async fn a_timer_that_is_set_anew_fires_for_the_last_time_only(url: &str) {
    let shop = shop(open_store(url).await.unwrap());
    let app = shop.process_manager::<Quiet>().start().await.unwrap();
    let order = place(&app, Uuid::now_v7(), NEVER).await;
    for _ in 0..30 {
        app.of::<Order>(order)
            .send(OrderCommand::Pay)
            .await
            .unwrap();
    }
    let is_noise = |(_, step): &(_, ProcessEvent<Quiet>)| matches!(step.trigger, Trigger::Input(_));
    until("it is quiet", async || {
        let steps = steps::<Quiet>(&app, order).await;
        let noises = steps.iter().filter(|step| is_noise(step)).count();
        noises == 31 && !is_noise(steps.last().unwrap())
    })
    .await;
    no_timer_is_left::<Quiet>(&app).await;
    let steps = steps::<Quiet>(&app, order).await;
    for pair in steps.windows(2).filter(|pair| !is_noise(&pair[1])) {
        let [(noise, _), (rung, _)] = pair else {
            unreachable!("they are pairs");
        };
        assert_eq!(rung.metadata.causation_id, Some(noise.id));
        assert!(rung.recorded_at >= noise.recorded_at.later_by(QUIET));
    }
}

async fn of_a_payment_and_a_time_out_at_one_moment_one_counts(url: &str) {
    const ORDERS: usize = 150;
    let app = managed(url).await;
    let stock = filled(&app, 10_000).await;
    let races = (0..ORDERS).map(|number| {
        let app = app.clone();
        tokio::spawn(async move {
            let order = place(&app, stock, 40).await;
            tokio::time::sleep(Duration::from_millis(25 + number as u64 % 30)).await;
            // It may be cancelled by then.
            let paid = app.of::<Order>(order).send(OrderCommand::Pay).await.is_ok();
            (order, paid)
        })
    });
    for race in join_all(races).await {
        let (order, paid) = race.unwrap();
        let end = match paid {
            true => OrderEvent::Shipped,
            false => not_paid(),
        };
        until("it has come to its end", async || {
            order_events(&app, order).await.last() == Some(&end)
        })
        .await;
    }
    settled(&app).await;
    no_timer_is_left::<Fulfilment>(&app).await;
    let domain = Domain::of::<Order>();
    let orders = app.coordinator().store().streams(Some(&domain), None, 1000);
    for summary in orders.await.unwrap() {
        let order = summary.stream.root;
        let steps = steps::<Fulfilment>(&app, order).await;
        let ends = steps.iter().filter(|(_, step)| {
            step.planned.finished && !matches!(step.trigger, Trigger::Rejected(_))
        });
        assert_eq!(ends.count(), 1, "{steps:?}");
        let events = order_events(&app, order).await;
        let closed = |event: &&OrderEvent| **event == OrderEvent::Shipped || **event == not_paid();
        assert_eq!(events.iter().filter(closed).count(), 1, "{events:?}");
    }
}

async fn a_timer_that_rang_for_a_process_that_died_rings_again(url: &str) {
    let store = open_store(url).await.unwrap();
    let faulty = FaultyStore::new(Arc::clone(&store));
    faulty.hold_timers();
    let app = managed_on(Arc::new(faulty)).await;
    let order = place(&app, filled(&app, 1).await, 0).await;
    settled(&app).await;
    app.shutdown().await.unwrap();

    let silence = Duration::from_millis(400);
    let domain = Domain::of::<Process<Fulfilment>>();
    let rung = store.ring_timers(&domain, 9, silence).await.unwrap();
    assert_eq!(rung.len(), 1, "and nobody acts upon it");
    let app = managed_on(store).await;
    until("it is cancelled", async || {
        order_events(&app, order).await.last() == Some(&not_paid())
    })
    .await;
    no_timer_is_left::<Fulfilment>(&app).await;
    assert_eq!(fired::<Fulfilment>(&app, order).await, 1);
}

async fn timers_wait_for_a_store_that_does_not_answer(url: &str) {
    let faulty = FaultyStore::new(open_store(url).await.unwrap());
    let app = managed_on(Arc::new(faulty.clone())).await;
    let stock = filled(&app, 1).await;
    let order = place(&app, stock, 100).await;
    settled(&app).await;
    faulty.go_down(StoreErrorKind::Unavailable);
    tokio::time::sleep(Duration::from_millis(200)).await;
    faulty.come_back();
    until("it is cancelled", async || {
        order_events(&app, order).await.last() == Some(&not_paid())
    })
    .await;
    assert_eq!(fired::<Fulfilment>(&app, order).await, 1);
}

/// While they become due nothing rings, so that all of them are due at once. Two processes share them.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_timers_due_at_once_fire_once_each() {
    const ORDERS: usize = 10_000;
    let faulty = FaultyStore::new(open_store("memory:").await.unwrap());
    faulty.hold_timers();
    let waiting = async || {
        let shop = shop(Arc::new(faulty.clone())).process_manager::<Quiet>();
        shop.start().await.unwrap()
    };
    let apps = [waiting().await, waiting().await];
    let app = &apps[0];
    let mut orders = Vec::new();
    for _ in 0..ORDERS / 100 {
        let placed = (0..100).map(|_| place(app, Uuid::nil(), NEVER));
        orders.extend(join_all(placed).await);
    }
    settled(app).await;
    tokio::time::sleep(QUIET).await;
    faulty.let_timers_ring();
    no_timer_is_left::<Quiet>(app).await;
    settled(app).await;
    for order in &orders {
        let events = app.of::<Order>(*order).events(Sequence::FIRST, 9).await;
        let types = events
            .unwrap()
            .into_iter()
            .map(|event| event.payload.type_name);
        assert!(types.eq(["Placed", "Quiet"]));
        assert_eq!(fired::<Quiet>(app, *order).await, 1);
    }
    let most = faulty.most_timers_rung();
    assert!((1..=256).contains(&most), "{most} were in hand at once");
}

/// As a program has left it that checked the names of timers only where they were set: PostgreSQL does not take the
/// character 0 even to look for it, so all timers of the process manager stood still behind this event.
async fn a_log_with_an_impossible_name_stops_no_timers(url: &str) {
    let store = open_store(url).await.unwrap();
    let cancel = |name: &str| TimerChange::Cancel { name: name.into() };
    let names = ["a\0b", "", "quiet", &"n".repeat(300)];
    let event = ProcessEvent::<Quiet> {
        trigger: Trigger::Timer("quiet".into()),
        planned: Planned {
            timers: names.map(cancel).into(),
            ..Planned::default()
        },
    };
    let append = Append {
        stream: StreamId::new(Domain::of::<Process<Quiet>>(), Uuid::now_v7()),
        write: Write::Events {
            after: None,
            last: None,
            events: Arc::new([NewEvent {
                id: Uuid::now_v7(),
                payload: event.encode().unwrap(),
                metadata: Arc::default(),
            }]),
        },
        claim: None,
        beside: Vec::new(),
    };
    store.append(vec![append]).await.unwrap();

    let app = shop(Arc::clone(&store)).process_manager::<Quiet>();
    let app = app.start().await.unwrap();
    let order = place(&app, Uuid::now_v7(), NEVER).await;
    until("its timer fires", async || {
        fired::<Quiet>(&app, order).await == 1
    })
    .await;
    settled(&app).await;
    assert_eq!(store.parked(None).await.unwrap(), []);
    app.shutdown().await.unwrap();
}

/// All that is stored lies a day in the future: the events, so that every later one does too, and the lease of a process
/// that was killed.
async fn after_a_clock_that_was_a_day_ahead_work_and_timers_go_on_today(url: &str) {
    const DAY: i64 = 24 * 3600;
    let app = managed(url).await;
    let stock = filled(&app, 2).await;
    settled(&app).await;
    app.shutdown().await.unwrap();
    drop(app);
    let store = open_store(url).await.unwrap();
    for checkpoint in store.checkpoints(None).await.unwrap() {
        let killed = Owner::new("killed");
        let lease = Duration::from_secs(10);
        let taken = store.take(&checkpoint.work, &killed, lease);
        assert!(matches!(taken.await, Ok(Taking::Taken(_))));
    }
    execute_at(url, &clock::jump("", -DAY)).await;

    let app = managed(url).await;
    let order = place(&app, stock, 20).await;
    until("it is cancelled", async || {
        order_events(&app, order).await.last() == Some(&not_paid())
    })
    .await;
    let steps = steps::<Fulfilment>(&app, order).await;
    let ahead = steps[0].0.recorded_at.since(Timestamp::now());
    assert!(ahead > Duration::from_secs(3600), "times never decrease");
    no_timer_is_left::<Fulfilment>(&app).await;
    settled(&app).await;
    let audit = app.audit().await.unwrap();
    assert!(audit.is_sound(), "{audit:?}");
    app.shutdown().await.unwrap();
}

/// A process that dies while it has timers in hand is not waited for longer than one that dies at work.
#[tokio::test]
async fn timers_are_silent_for_no_longer_than_the_longest_lease() {
    let store = FaultyStore::new(open_store("memory:").await.unwrap());
    let settings = ReactionSettings {
        lease: Duration::from_secs(24 * 3600),
        ..ReactionSettings::default()
    };
    let shop = shop(Arc::new(store.clone())).reaction_settings(settings);
    let app = shop.process_manager::<Quiet>().start().await.unwrap();
    place(&app, Uuid::now_v7(), NEVER).await;
    until("a timer rings", async || store.most_timers_rung() > 0).await;
    assert_eq!(store.silence(), Some(LONGEST_LEASE));
    app.shutdown().await.unwrap();
}
