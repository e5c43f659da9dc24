//! Timers that cannot be acted upon: tried again, then parked, and never lost; whatever else there is goes on.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{
    Append, CommandGateway, Component, DecodeError, Domain, EventFilter, Log, NewEvent, Payload,
    ReactionLetter, Store, StreamId, Write,
};
use seriatim::prelude::*;
use seriatim::{
    BackOff, Decision, FailurePolicy, LetterFilter, LetterStatus, Process, ReactionSettings,
    Reactions, Verb, open_store,
};
use seriatim_runtime::{Alarms, Feed, Managed};
use seriatim_testkit::faults::FaultyStore;

use crate::shop::{Order, OrderCommand};
use crate::stage::{NEVER, fired, no_timer_is_left, settled, shop, steps, until};
use crate::storage::on_every_storage;

/// The instances of [`Fragile`] that cannot bear it when their timer runs out.
static BROKEN: Mutex<BTreeSet<Uuid>> = Mutex::new(BTreeSet::new());

const TIMERS: &str = "fragile.timers";

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Begun {
    order: Uuid,
}

/// Sets two timers for each order.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fragile {
    order: Uuid,
}

impl ProcessManager for Fragile {
    const NAME: &'static str = "fragile";
    type Input = Begun;

    fn filter() -> EventFilter {
        EventFilter {
            domains: vec![Domain::of::<Order>()],
            ..EventFilter::default()
        }
    }

    fn correlate(recorded: &RecordedEvent) -> Result<Option<(Uuid, Begun)>, DecodeError> {
        let order = recorded.stream.root;
        Ok(Some((order, Begun { order })))
    }

    fn decide(&self, trigger: &Trigger<Begun>, plan: &mut Plan) {
        match trigger {
            Trigger::Input(_) => {
                plan.set_timer("first", Duration::from_millis(10));
                plan.set_timer("second", Duration::from_millis(30));
            }
            Trigger::Timer(_) => {
                let broken = BROKEN.lock().unwrap().contains(&self.order);
                assert!(!broken, "it breaks");
            }
            Trigger::Rejected(_) => {}
        }
    }

    fn evolve(&mut self, trigger: &Trigger<Begun>) {
        if let Trigger::Input(Begun { order }) = trigger {
            self.order = *order;
        }
    }
}

fn impatient() -> FailurePolicy {
    FailurePolicy {
        back_off: BackOff {
            first: Duration::from_millis(1),
            retries: 2,
            ..BackOff::default()
        },
        ..FailurePolicy::park()
    }
}

async fn fragile(url: &str) -> App {
    fragile_on(open_store(url).await.unwrap()).await
}

async fn fragile_on(store: Arc<dyn Store>) -> App {
    let shop = shop(store).process_manager::<Fragile>();
    let shop = shop.failure_policy(TIMERS, impatient());
    shop.start().await.unwrap()
}

async fn place(app: &App, order: Uuid) {
    let place = OrderCommand::Place {
        stock: Uuid::nil(),
        pay_within_ms: NEVER,
    };
    app.of::<Order>(order).send(place).await.unwrap();
}

/// One that cannot bear its timers.
async fn place_broken(app: &App) -> Uuid {
    let order = Uuid::now_v7();
    BROKEN.lock().unwrap().insert(order);
    place(app, order).await;
    order
}

/// Returns the stream that records that timers of an instance are stuck.
fn stuck_stream(order: Uuid) -> StreamId {
    StreamId::new(Domain::new(TIMERS).unwrap(), order)
}

async fn parked(app: &App, order: Uuid) -> Option<ReactionLetter> {
    let component = Component::new(TIMERS).unwrap();
    let store = app.coordinator().store();
    let all = store.parked(Some(&component)).await.unwrap();
    let stream = stuck_stream(order);
    all.into_iter().find(|parked| parked.stream == stream)
}

/// Waits until timers of an instance are parked at one of them, and so many are recorded.
async fn until_parked(app: &App, order: Uuid, at: u32, count: usize) -> ReactionLetter {
    let stream = stuck_stream(order);
    until("its timers are parked", async || {
        let store = app.coordinator().store();
        let stuck = store.read_stream(&stream, Sequence::FIRST, 9).await;
        let parked = parked(app, order).await;
        let is_given_up = |one: ReactionLetter| one.sequence == Sequence(at) && one.id.is_some();
        parked.is_some_and(is_given_up) && stuck.unwrap().len() == count
    })
    .await;
    parked(app, order).await.unwrap()
}

async fn until_not_parked(app: &App, order: Uuid) {
    until("it is not parked any more", async || {
        parked(app, order).await.is_none()
    })
    .await;
}

/// About the letter that is parked now.
async fn decide(app: &App, order: Uuid, verb: Verb) {
    let stuck = parked(app, order).await.unwrap();
    let decision = Decision {
        letter: stuck.id.unwrap(),
        action: verb.into(),
        actor: Some("Ann".into()),
        reason: Some("it is of no use".into()),
    };
    app.desk().decide(&decision).await.unwrap();
}

on_every_storage! {
    a_timer_on_which_its_instance_breaks_is_parked_until_it_is_mended
    a_stuck_timer_that_was_set_anew_meanwhile_does_not_count
    stuck_timers_of_an_unreadable_instance_can_be_given_up
    timers_whose_domain_is_gone_wait_for_it
}

async fn a_timer_on_which_its_instance_breaks_is_parked_until_it_is_mended(url: &str) {
    let app = fragile(url).await;
    let (broken, sound) = (place_broken(&app).await, Uuid::now_v7());
    place(&app, sound).await;
    let stuck = until_parked(&app, broken, 0, 2).await;
    for part in ["its timer `", "it breaks"] {
        assert!(stuck.failure.contains(part), "{}", stuck.failure);
    }
    assert_eq!(stuck.tries, 3);
    // They wait in the log, nobody else's wait for them, and everybody sees it.
    until("the other's have fired", async || {
        fired::<Fragile>(&app, sound).await == 2
    })
    .await;
    no_timer_is_left::<Fragile>(&app).await;
    let status = app.reactions().status();
    assert_eq!(status.iter().map(|piece| piece.parked).sum::<usize>(), 1);
    // In vain.
    decide(&app, broken, Verb::Resubmit).await;
    until("it was tried", async || {
        !parked(&app, broken).await.unwrap().attempts.is_empty()
    })
    .await;
    assert_eq!(fired::<Fragile>(&app, broken).await, 0);
    app.shutdown().await.unwrap();
    drop(app);

    let app = fragile(url).await;
    until_parked(&app, broken, 0, 2).await;
    BROKEN.lock().unwrap().remove(&broken);
    decide(&app, broken, Verb::Resubmit).await;
    until_not_parked(&app, broken).await;
    settled(&app).await;
    let triggers = steps::<Fragile>(&app, broken).await.into_iter();
    let triggers: Vec<_> = triggers.map(|(_, step)| step.trigger).collect();
    let timer = |name: &str| Trigger::Timer(name.into());
    assert_eq!(triggers.len(), 3);
    assert!(triggers.contains(&timer("first")) && triggers.contains(&timer("second")));
    app.shutdown().await.unwrap();
}

async fn a_stuck_timer_that_was_set_anew_meanwhile_does_not_count(url: &str) {
    let app = fragile(url).await;
    let order = place_broken(&app).await;
    until_parked(&app, order, 0, 2).await;
    app.of::<Order>(order)
        .send(OrderCommand::Pay)
        .await
        .unwrap();
    until_parked(&app, order, 0, 4).await;
    BROKEN.lock().unwrap().remove(&order);
    decide(&app, order, Verb::Resubmit).await;
    until_not_parked(&app, order).await;
    settled(&app).await;
    let steps = steps::<Fragile>(&app, order).await;
    let [_, (set_anew, _), (first, _), (second, _)] = &steps[..] else {
        panic!("{steps:?}");
    };
    for rung in [first, second] {
        assert_eq!(rung.metadata.causation_id, Some(set_anew.id));
    }
    app.shutdown().await.unwrap();
}

async fn stuck_timers_of_an_unreadable_instance_can_be_given_up(url: &str) {
    let store = FaultyStore::new(open_store(url).await.unwrap());
    store.hold_timers();
    let app = fragile_on(Arc::new(store.clone())).await;
    let order = Uuid::now_v7();
    place(&app, order).await;
    until("it has begun", async || {
        steps::<Fragile>(&app, order).await.len() == 1
    })
    .await;
    settled(&app).await;
    let instance = StreamId::new(Domain::of::<Process<Fragile>>(), order);
    let unreadable = NewEvent {
        id: Uuid::now_v7(),
        payload: Payload::json("FromTheFuture", "{}"),
        metadata: Arc::default(),
    };
    let append = Append {
        stream: instance,
        write: Write::Events {
            after: Some(Sequence::FIRST),
            last: None,
            events: Arc::new([unreadable]),
        },
        claim: None,
        beside: Vec::new(),
    };
    app.coordinator()
        .store()
        .append(vec![append])
        .await
        .unwrap();
    store.let_timers_ring();
    for at in [0, 1] {
        let stuck = until_parked(&app, order, at, 2).await;
        until("it is tried and parked again", async || {
            parked(&app, order).await.unwrap().decision.is_none()
        })
        .await;
        assert!(stuck.failure.contains("FromTheFuture"), "{}", stuck.failure);
        decide(&app, order, Verb::Discard).await;
    }
    until_not_parked(&app, order).await;
    no_timer_is_left::<Fragile>(&app).await;
    let discarded = LetterFilter {
        stream: Some(stuck_stream(order)),
        status: Some(LetterStatus::Discarded),
        component: Some(Component::new(TIMERS).unwrap()),
        ..LetterFilter::default()
    };
    let store = app.coordinator().store();
    let discarded = store.reaction_letters(&discarded, 9).await;
    let discarded = discarded.unwrap().into_iter();
    let sequences: BTreeSet<_> = discarded.map(|letter| letter.sequence.0).collect();
    assert_eq!(sequences, BTreeSet::from([0, 1]));
    app.shutdown().await.unwrap();
}

/// Here the instances are reached through an application that does not know them.
async fn timers_whose_domain_is_gone_wait_for_it(url: &str) {
    let store = FaultyStore::new(open_store(url).await.unwrap());
    store.hold_timers();
    let app = fragile_on(Arc::new(store.clone())).await;
    let order = Uuid::now_v7();
    place(&app, order).await;
    settled(&app).await;
    app.shutdown().await.unwrap();

    store.let_timers_ring();
    let store: Arc<dyn Store> = Arc::new(store);
    let elsewhere = shop(Arc::clone(&store)).start().await.unwrap();
    let gateway: Arc<dyn CommandGateway> = Arc::new(elsewhere.coordinator().clone());
    let mut managed = Managed::of::<Fragile>(&store, &gateway);
    for component in &mut managed.components {
        component.policy = impatient();
    }
    let settings = ReactionSettings {
        lease: Duration::from_millis(300),
        ..ReactionSettings::default()
    };
    let feed = Feed::new(Log::as_stored(Arc::clone(&store) as _));
    let reactions = Reactions::start(&feed, managed.components.into(), &settings);
    let alarms = Alarms::start([managed.alarm], &settings);
    let parked_there = async || store.parked(None).await.unwrap();
    until("it is given up", async || {
        let parked = parked_there().await;
        parked.first().is_some_and(|one| one.id.is_some())
    })
    .await;
    let stuck = parked_there().await.remove(0);
    assert_eq!(stuck.stream, stuck_stream(order));
    assert!(stuck.failure.contains("`fragile`"), "{}", stuck.failure);
    reactions.shutdown().await;
    alarms.shutdown().await;
    elsewhere.shutdown().await.unwrap();

    let app = fragile_on(store).await;
    decide(&app, order, Verb::Resubmit).await;
    until("they have fired", async || {
        fired::<Fragile>(&app, order).await == 2
    })
    .await;
    app.shutdown().await.unwrap();
}
