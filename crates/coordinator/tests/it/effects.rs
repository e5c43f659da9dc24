//! Checks that an effect of a reaction is applied once under an identity of its own, and that its first result stands
//! for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use seriatim_coordinator::Coordinator;
use seriatim_core::{
    ClaimKey, CommandGateway, CommandRequest, Component, ConflictReason, Domain, EffectId,
    FactRequest, FirstResult, LetterFilter, MergeStrategy, Metadata, Outcome, Prepare,
    PrepareError, Receipt, Rejected, RejectedEffect, Sequence, Store, StoreErrorKind, StreamId,
    SubmitError, WhyNotAccepted,
};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::{Fault, FaultyStore};
use uuid::Uuid;

use crate::cart::*;

/// The effects of one component because of one event. The external id and the rest are those of its workflow.
pub(crate) struct Reacting {
    pub(crate) component: &'static str,
    pub(crate) source: StreamId,
}

impl Reacting {
    /// Makes a reaction to an event of another program's log.
    pub(crate) fn new(component: &'static str) -> Self {
        let elsewhere = Domain::new("elsewhere").unwrap();
        Self {
            component,
            source: StreamId::new(elsewhere, Uuid::now_v7()),
        }
    }

    /// Makes a reaction to an event that is in this store.
    fn here(component: &'static str) -> Self {
        Self {
            component,
            source: cart(),
        }
    }

    fn id(&self, ordinal: u32) -> EffectId {
        EffectId {
            component: Component::new(self.component).unwrap(),
            source: self.source.clone(),
            sequence: Sequence::FIRST,
            ordinal,
        }
    }

    fn metadata() -> Metadata {
        Metadata {
            correlation_id: Some("checkout-7".into()),
            causation_id: Some(Uuid::from_u128(7)),
            external_id: Some("till-7/000123".into()),
            actor: Some("saga:payments".into()),
            ..Metadata::default()
        }
    }

    pub(crate) fn effect(&self, ordinal: u32, request: CommandRequest) -> CommandRequest {
        CommandRequest {
            effect: Some(self.id(ordinal)),
            metadata: Self::metadata(),
            ..request
        }
    }

    pub(crate) fn rejected(&self, ordinal: u32, command: &Do) -> RejectedEffect {
        let target = cart();
        RejectedEffect {
            effect: self.id(ordinal),
            commands: ask(&target, command).commands,
            target,
            rejected: Rejected {
                code: "TooFew".into(),
                message: "there are only 0".into(),
                fields: vec![],
            },
            metadata: Self::metadata(),
        }
    }
}

#[track_caller]
fn rejection(answer: Result<Receipt, SubmitError>) -> Rejected {
    match answer {
        Err(SubmitError::Rejected(rejected)) => rejected,
        other => panic!("expected a rejection, got {other:?}"),
    }
}

#[tokio::test]
async fn an_effect_is_applied_once_whatever_it_asks_for_the_second_time() {
    let (coordinator, store) = coordinator();
    let (stream, saga) = (cart(), Reacting::new("payments"));
    let send = |count| {
        let request = saga.effect(0, ask(&stream, &Do::Add { count }));
        coordinator.submit(request)
    };
    assert_eq!(committed(&send(1).await.unwrap()), (0, 0, false));
    let again = send(2).await.unwrap().outcome;
    assert!(
        matches!(again, Outcome::Duplicate(FirstResult::Committed { first, .. }) if first.0 == 0)
    );
    assert_eq!(history(&store, &stream).await, [added(1)]);
    let events = store.read_stream(&stream, Sequence::FIRST, 1).await;
    assert_eq!(*events.unwrap()[0].metadata, Reacting::metadata());
}

#[tokio::test]
async fn neither_two_components_nor_two_effects_of_one_swallow_each_other() {
    let (coordinator, store) = coordinator();
    let stream = cart();
    let one = Reacting::new("payments");
    let other = Reacting {
        component: "shipping",
        source: one.source.clone(),
    };
    let elsewhere = Reacting::new("payments");
    // The external id of the workflow is spent too, by the request that began it with this very stream.
    let request = under("till-7/000123", ask(&stream, &Do::Add { count: 1 }));
    coordinator.submit(request).await.unwrap();
    for _ in 0..2 {
        for (saga, ordinal) in [(&one, 0), (&one, 1), (&other, 0), (&elsewhere, 0)] {
            let request = saga.effect(ordinal, ask(&stream, &Do::Add { count: 1 }));
            coordinator.submit(request).await.unwrap();
        }
    }
    assert_eq!(history(&store, &stream).await.len(), 5);
}

#[tokio::test]
async fn a_rejection_stands_though_the_target_would_accept_by_now() {
    let (coordinator, store) = coordinator();
    let (stream, saga) = (cart(), Reacting::new("payments"));
    let take = || saga.effect(0, ask(&stream, &Do::Take { count: 1 }));
    let first = rejection(coordinator.submit(take()).await);
    assert_eq!(first.code, "TooFew");
    accept(&coordinator, &stream, Do::Add { count: 1 }).await;
    assert_eq!(rejection(coordinator.submit(take()).await), first);
    assert_eq!(rejection(on(&store).submit(take()).await), first);
    assert_eq!(history(&store, &stream).await, [added(1)]);
}

#[tokio::test]
async fn a_conflict_that_the_strategy_refuses_is_a_rejection_that_stands() {
    let handles = MergeStrategy::AggregateHandles;
    let cases = [
        (name("mine"), MergeStrategy::Strict),
        (name("mine"), MergeStrategy::Commutative),
        (Do::Add { count: 1 }, handles),
    ];
    for (command, strategy) in cases {
        let (coordinator, store) = coordinator();
        let stream = stream_of(&coordinator, [Do::Open, name("theirs")]).await;
        let saga = Reacting::new("payments");
        let send = || saga.effect(0, stale(&stream, &command, 0, strategy));
        let first = rejection(coordinator.submit(send()).await);
        assert_eq!(first.code, Rejected::CONFLICT, "{strategy}");
        assert!(first.message.contains("has moved on"), "{}", first.message);
        assert_eq!(rejection(on(&store).submit(send()).await), first);
        // The first result stands even if the repetition names the current sequence.
        let again = saga.effect(0, stale(&stream, &command, 1, strategy));
        assert_eq!(rejection(coordinator.submit(again).await), first);
        assert_eq!(history(&store, &stream).await.len(), 2);
    }
}

#[tokio::test]
async fn the_aggregates_own_rejection_of_a_merge_stands() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [Do::Add { count: 1 }, Do::Add { count: 1 }]).await;
    let saga = Reacting::new("payments");
    let open = || {
        let request = stale(&stream, &Do::Open, 0, MergeStrategy::AggregateHandles);
        saga.effect(0, request)
    };
    assert_eq!(
        rejection(coordinator.submit(open()).await).code,
        "AlreadyOpen"
    );
    assert_eq!(
        rejection(on(&store).submit(open()).await).code,
        "AlreadyOpen"
    );
    assert_eq!(history(&store, &stream).await.len(), 2);
}

#[tokio::test]
async fn a_conflict_that_is_merged_is_applied_once() {
    for strategy in [MergeStrategy::Commutative, MergeStrategy::AggregateHandles] {
        let (coordinator, store) = coordinator();
        let stream = stream_of(&coordinator, [Do::Open, Do::Add { count: 5 }]).await;
        let saga = Reacting::new("payments");
        let send = || saga.effect(0, stale(&stream, &name("mine"), 0, strategy));
        let first = coordinator.submit(send()).await.unwrap();
        assert_eq!(committed(&first), (2, 2, true));
        let again = coordinator.submit(send()).await.unwrap();
        assert!(matches!(
            again.outcome,
            Outcome::Duplicate(FirstResult::Committed { .. })
        ));
        assert_eq!(history(&store, &stream).await.len(), 3);
    }
}

#[tokio::test]
async fn a_manual_merge_parks_an_effect_once() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [Do::Open, name("theirs")]).await;
    let saga = Reacting::new("payments");
    let send = || saga.effect(0, stale(&stream, &name("mine"), 0, MergeStrategy::Manual));
    let Outcome::DeadLettered { id, .. } = coordinator.submit(send()).await.unwrap().outcome else {
        panic!("it is not parked")
    };
    let again = on(&store).submit(send()).await.unwrap().outcome;
    assert_eq!(again, Outcome::Duplicate(FirstResult::DeadLettered { id }));
    let letters = store.letters(&LetterFilter::default(), 9).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].request.effect, Some(saga.id(0)));
}

/// Such an obstacle may be gone the next time, so nothing is recorded, and the event is tried again.
#[tokio::test]
async fn what_is_no_answer_of_the_domain_is_not_kept() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [Do::Open, name("theirs")]).await;
    let saga = Reacting::new("payments");
    let beyond = stale(&stream, &name("mine"), 2, MergeStrategy::Strict);
    let beyond = coordinator.submit(saga.effect(0, beyond)).await;
    assert!(matches!(beyond, Err(SubmitError::BeyondCurrent { .. })));
    let broken = saga.effect(0, ask(&stream, &Do::Panic));
    let broken = coordinator.submit(broken).await;
    assert!(matches!(broken, Err(SubmitError::Broken { .. })));
    let faulty = stale(&stream, &Do::Panic, 0, MergeStrategy::Commutative);
    let faulty = conflict(coordinator.submit(saga.effect(0, faulty)).await);
    assert!(matches!(
        faulty.reason,
        ConflictReason::NotComparable { .. }
    ));
    assert_eq!(history(&store, &stream).await.len(), 2);

    let now = saga.effect(0, ask(&stream, &name("mine")));
    assert_eq!(
        committed(&coordinator.submit(now).await.unwrap()),
        (2, 2, false)
    );
}

/// Somebody fills the cart between the decision and the commit: the "no" would be about a cart that never was.
#[tokio::test]
async fn a_rejection_of_a_state_that_was_not_current_is_judged_again() {
    let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let faulty = FaultyStore::new(Arc::clone(&inner));
    let store: Arc<dyn Store> = Arc::new(faulty.clone());
    let (here, elsewhere) = (on(&store), on(&inner));
    let (stream, saga) = (cart(), Reacting::new("payments"));
    let filled = stream.clone();
    faulty.fail_next(Fault::crowded(move || {
        let (elsewhere, filled) = (elsewhere.clone(), filled.clone());
        async move {
            accept(&elsewhere, &filled, Do::Add { count: 1 }).await;
        }
    }));
    let take = saga.effect(0, ask(&stream, &Do::Take { count: 1 }));
    assert_eq!(committed(&here.submit(take).await.unwrap()), (1, 1, false));
}

#[tokio::test]
async fn a_rejection_whose_commit_was_lost_is_found_or_said_again() {
    let faulty = FaultyStore::new(Arc::new(MemoryStore::new()));
    let store: Arc<dyn Store> = Arc::new(faulty.clone());
    let coordinator = on(&store);
    let (stream, saga) = (cart(), Reacting::new("payments"));
    let take = |ordinal| saga.effect(ordinal, ask(&stream, &Do::Take { count: 1 }));
    faulty.fail_next(Fault::UnknownButWritten);
    rejection(coordinator.submit(take(0)).await);
    for fault in [
        Fault::UnknownNotWritten,
        Fault::NotWritten(StoreErrorKind::Unavailable),
    ] {
        faulty.fail_next(fault);
        let open = coordinator.submit(take(1)).await;
        assert!(matches!(open, Err(SubmitError::Unavailable { .. })));
    }
    rejection(coordinator.submit(take(1)).await);
}

#[tokio::test]
async fn rejections_in_the_middle_of_a_crowd_harm_nobody() {
    let (coordinator, store) = coordinator();
    let (stream, saga) = (cart(), Reacting::new("payments"));
    let crowd = (0..60).map(|n| {
        let command = match n % 3 {
            0 => Do::Take { count: 100 },
            _ => Do::Add { count: 1 },
        };
        // Every effect is sent twice.
        let request = saga.effect(n / 2, ask(&stream, &command));
        let coordinator = coordinator.clone();
        tokio::spawn(async move { coordinator.submit(request).await })
    });
    futures::future::join_all(crowd).await;
    // The first result of each pair stands, whichever came first.
    let mut committed = Vec::new();
    for n in 0..30 {
        let key = ClaimKey::Effect(saga.id(n)).to_string();
        match store
            .find_claim(&stream, &key)
            .await
            .unwrap()
            .unwrap()
            .first
        {
            FirstResult::Committed { first, .. } => committed.push(first),
            FirstResult::Rejected(rejected) => assert_eq!(rejected.code, "TooFew"),
            other => panic!("{other:?}"),
        }
    }
    committed.sort_unstable();
    committed.dedup();
    assert_eq!(committed.len(), history(&store, &stream).await.len());
    // In a third of the pairs both are accepted, so not all are rejections.
    assert!((10..30).contains(&committed.len()), "{}", committed.len());
}

/// A step that rejects as long as it is told to.
struct Gate(Arc<AtomicBool>);

impl Prepare<Cart> for Gate {
    async fn prepare(&self, command: Do) -> Result<Do, PrepareError<No>> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(PrepareError::Rejected(No::AlreadyOpen)),
            false => Ok(command),
        }
    }
}

#[tokio::test]
async fn what_the_preparation_rejects_is_a_repetition_first() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let closed = Arc::new(AtomicBool::new(true));
    let coordinator = Coordinator::builder(Arc::clone(&store))
        .aggregate_with::<Cart>(Gate(Arc::clone(&closed)))
        .start()
        .unwrap();
    let (stream, saga) = (cart(), Reacting::new("payments"));
    let effect = || saga.effect(0, ask(&stream, &Do::Open));
    let command = || under("k", ask(&stream, &Do::Open));
    rejection(coordinator.submit(effect()).await);
    rejection(coordinator.submit(command()).await);
    closed.store(false, Ordering::Relaxed);
    rejection(coordinator.submit(effect()).await);
    coordinator.submit(command()).await.unwrap();
    closed.store(true, Ordering::Relaxed);
    let again = coordinator.submit(command()).await.unwrap().outcome;
    assert!(matches!(again, Outcome::Duplicate(_)));
}

#[tokio::test]
async fn a_fact_of_a_reaction_needs_no_external_id() {
    let (coordinator, store) = coordinator();
    let (stream, saga) = (cart(), Reacting::new("payments"));
    let paid = Happened::Paid { cents: 5 };
    let send = || FactRequest {
        effect: Some(saga.id(0)),
        metadata: Metadata::default(),
        ..fact(&stream, "unused", &paid)
    };
    accept(&coordinator, &stream, Do::Open).await;
    for _ in 0..2 {
        coordinator.record(send()).await.unwrap();
    }
    assert_eq!(history(&store, &stream).await, [Happened::Opened, paid]);
}

#[tokio::test]
async fn nobody_else_can_use_the_key_of_an_effect() {
    let (coordinator, _) = coordinator();
    let (stream, saga) = (cart(), Reacting::new("payments"));
    let request = under(
        &ClaimKey::Effect(saga.id(0)).to_string(),
        ask(&stream, &Do::Open),
    );
    let Err(SubmitError::Invalid(violations)) = coordinator.submit(request).await else {
        panic!("it was taken")
    };
    assert_eq!(violations[0].field, "cover.external_id");
}

#[tokio::test]
async fn the_source_is_told_of_a_rejection_once() {
    let (coordinator, store) = coordinator();
    let saga = Reacting::here("payments");
    accept(&coordinator, &saga.source, Do::Open).await;
    let back = |ordinal| saga.rejected(ordinal, &Do::Take { count: 9 });
    let told = coordinator.hand_back(back(0)).await.unwrap();
    assert_eq!(committed(&told), (1, 1, false));
    let again = on(&store).hand_back(back(0)).await.unwrap().outcome;
    assert!(matches!(
        again,
        Outcome::Duplicate(FirstResult::Committed { .. })
    ));
    // Another effect has a result of its own.
    coordinator.hand_back(back(1)).await.unwrap();
    let noted = Happened::Noted {
        note: "Take { count: 9 }: TooFew".into(),
    };
    assert_eq!(
        history(&store, &saga.source).await,
        [Happened::Opened, noted.clone(), noted]
    );
    let recorded = store.read_stream(&saga.source, Sequence(1), 1).await;
    assert_eq!(*recorded.unwrap()[0].metadata, Reacting::metadata());
}

#[tokio::test]
async fn a_source_that_makes_nothing_of_it_is_told_once_too() {
    let (coordinator, store) = coordinator();
    let saga = Reacting::here("payments");
    accept(&coordinator, &saga.source, Do::Open).await;
    let mut back = saga.rejected(0, &Do::Open);
    back.target.domain = Domain::new("elsewhere").unwrap();
    let told = coordinator.hand_back(back.clone()).await.unwrap().outcome;
    let current = Some(Sequence::FIRST);
    assert_eq!(told, Outcome::Unchanged { current });
    let again = coordinator.hand_back(back).await.unwrap().outcome;
    let unchanged = FirstResult::Unchanged { current };
    assert_eq!(again, Outcome::Duplicate(unchanged));
    assert_eq!(history(&store, &saga.source).await, [Happened::Opened]);
}

#[tokio::test]
async fn a_source_that_panics_on_it_can_be_told_later() {
    let (coordinator, store) = coordinator();
    let saga = Reacting::here("payments");
    accept(&coordinator, &saga.source, name("curse")).await;
    let back = || saga.rejected(0, &Do::Open);
    let broken = coordinator.hand_back(back()).await;
    let Err(SubmitError::Broken { fault, .. }) = broken else {
        panic!("{broken:?}")
    };
    assert!(fault.to_string().contains("`on_rejected` panicked"));
    accept(&coordinator, &saga.source, name("healed")).await;
    coordinator.hand_back(back()).await.unwrap();
    assert_eq!(history(&store, &saga.source).await.len(), 3);
}

/// Otherwise a no-op would be the result of an effect that a saga has yet to send.
#[tokio::test]
async fn nothing_is_an_effect_of_an_event_that_is_still_to_come() {
    let (coordinator, store) = coordinator();
    let (stream, saga) = (cart(), Reacting::here("payments"));
    let command = || saga.effect(0, ask(&stream, &Do::Add { count: 1 }));
    let fact = FactRequest {
        effect: Some(saga.id(1)),
        ..fact(&stream, "1", &added(1))
    };
    let back = saga.rejected(2, &Do::Open);
    for (ordinal, answer) in [
        (0, coordinator.submit(command()).await),
        (1, coordinator.record(fact).await),
        (2, coordinator.hand_back(back).await),
    ] {
        let Err(SubmitError::EffectNotAccepted { effect, why }) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(
            (effect, why),
            (saga.id(ordinal), WhyNotAccepted::NoSuchEvent)
        );
    }
    assert_eq!(history(&store, &saga.source).await, []);
    accept(&coordinator, &saga.source, Do::Open).await;
    coordinator.submit(command()).await.unwrap();
    assert_eq!(history(&store, &stream).await, [added(1)]);
}
