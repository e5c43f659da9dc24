//! Checks stores that fail, user code that fails, senders that go away, and servers that shut down.

use std::sync::Arc;

use seriatim_coordinator::Coordinator;
use seriatim_core::{
    AppendOutcome, At, CommandGateway, CommandRequest, Domain, Fault as Broken, LetterFilter,
    LogPartition, MergeStrategy, Message, NewEvent, Outcome, Payload, Prepare, PrepareError,
    QueryError, Sequence, Store, StoreErrorKind, StreamId, SubmitError, Write,
};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::{Fault, FaultyStore};
use uuid::Uuid;

use crate::cart::*;

fn faulty() -> (Coordinator, FaultyStore, Arc<dyn Store>) {
    let store = FaultyStore::new(Arc::new(MemoryStore::new()));
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    (on(&shared), store, shared)
}

#[tokio::test]
async fn an_unknown_outcome_is_settled_by_looking() {
    let (coordinator, store, shared) = faulty();
    let stream = stream_of(&coordinator, [Do::Open]).await;
    store.fail_next(Fault::UnknownButWritten);
    let receipt = accept(&coordinator, &stream, Do::AddMany { n: 3 }).await;
    assert_eq!(committed(&receipt), (1, 3, false));
    let Outcome::Committed(commit) = receipt.outcome else {
        panic!()
    };
    assert_eq!(
        commit.events,
        shared.read_stream(&stream, Sequence(1), 9).await.unwrap()
    );

    store.fail_next(Fault::UnknownNotWritten);
    let answer = coordinator
        .submit(ask(&stream, &Do::Add { count: 1 }))
        .await;
    assert!(
        matches!(answer, Err(SubmitError::Unavailable { .. })),
        "{answer:?}"
    );
    assert_eq!(history(&shared, &stream).await.len(), 4);
}

#[tokio::test]
async fn an_unknown_letter_and_an_unknown_claim_are_settled_too() {
    let (coordinator, store, shared) = faulty();
    let stream = stream_of(&coordinator, [name("a"), name("b")]).await;
    store.fail_next(Fault::UnknownButWritten);
    let parked = coordinator
        .submit(stale(&stream, &name("c"), 0, MergeStrategy::Manual))
        .await;
    assert!(matches!(
        parked.unwrap().outcome,
        Outcome::DeadLettered { .. }
    ));
    assert_eq!(
        shared
            .letters(&LetterFilter::default(), 9)
            .await
            .unwrap()
            .len(),
        1
    );

    store.fail_next(Fault::UnknownButWritten);
    let spent = coordinator
        .submit(under("k", ask(&stream, &Do::Nothing)))
        .await
        .unwrap();
    // The answer cannot say who spent it, only that it is spent, and for what.
    assert!(matches!(spent.outcome, Outcome::Duplicate(_)), "{spent:?}");
}

#[tokio::test]
async fn a_store_that_is_down_is_unavailable_and_comes_back() {
    let (coordinator, store, shared) = faulty();
    let (warm, cold) = (stream_of(&coordinator, [Do::Open]).await, cart());
    store.go_down(StoreErrorKind::Unavailable);
    for stream in [&warm, &cold] {
        let answer = coordinator.submit(ask(stream, &Do::Add { count: 1 })).await;
        assert!(
            matches!(answer, Err(SubmitError::Unavailable { .. })),
            "{answer:?}"
        );
    }
    store.come_back();
    for stream in [&warm, &cold] {
        accept(&coordinator, stream, Do::Add { count: 1 }).await;
    }
    assert_eq!(shared.head(LogPartition::FIRST).await.unwrap().0, 3);
}

/// A failure that will not pass by itself is never called unavailable, because senders would repeat the request for
/// ever.
#[tokio::test]
async fn a_store_that_fails_for_good_is_not_unavailable() {
    for kind in StoreErrorKind::ALL {
        let (coordinator, store, _) = faulty();
        let (warm, cold) = (stream_of(&coordinator, [Do::Open]).await, cart());
        store.go_down(kind);
        for stream in [&warm, &cold] {
            let answer = coordinator.submit(ask(stream, &Do::Add { count: 1 })).await;
            let said = answer.unwrap_err();
            match &said {
                SubmitError::Unavailable { .. } => assert!(kind.is_transient(), "{kind:?}"),
                SubmitError::StoreFailed(error) => assert_eq!(error.kind, kind),
                other => panic!("{kind:?}: {other:?}"),
            }
            let again = said.to_string().contains("send it again in");
            assert_eq!(again, kind.is_transient(), "{said}");
        }
        let asked = coordinator.state(&warm, At::Current).await.unwrap_err();
        match asked {
            QueryError::Unavailable { .. } => assert!(kind.is_transient(), "{kind:?}"),
            QueryError::StoreFailed(error) => assert_eq!(error.kind, kind),
            other => panic!("{kind:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_race_that_is_never_won_ends() {
    let (coordinator, store, shared) = faulty();
    let stream = cart();
    let other = on(&shared);
    let elsewhere = stream.clone();
    let crowd = Fault::crowded(move || {
        let (other, stream) = (other.clone(), elsewhere.clone());
        async move {
            accept(&other, &stream, Do::Add { count: 1 }).await;
        }
    });
    // Every append of ours is preceded by one of theirs, which goes straight through.
    store.plan((0..200).map(|n| (n % 2 == 0).then(|| crowd.clone())));
    let answer = coordinator.submit(ask(&stream, &Do::Open)).await;
    assert!(
        matches!(answer, Err(SubmitError::Contended { attempts: 24, .. })),
        "{answer:?}"
    );
    assert_eq!(history(&shared, &stream).await.len(), 24);
}

#[tokio::test]
async fn a_race_lost_at_the_append_is_the_same_conflict_found_later() {
    for (strategy, merges) in [
        (MergeStrategy::Strict, false),
        (MergeStrategy::Commutative, true),
    ] {
        let (coordinator, store, shared) = faulty();
        let stream = stream_of(&coordinator, [Do::Open]).await;
        let (other, elsewhere) = (on(&shared), stream.clone());
        store.fail_next(Fault::crowded(move || {
            let (other, stream) = (other.clone(), elsewhere.clone());
            async move {
                accept(&other, &stream, Do::Add { count: 1 }).await;
            }
        }));
        let answer = coordinator
            .submit(stale(&stream, &name("a"), 0, strategy))
            .await;
        assert_eq!(answer.is_ok(), merges, "{answer:?}");
        assert_eq!(
            history(&shared, &stream).await.len(),
            2 + usize::from(merges)
        );
    }
}

#[tokio::test]
async fn the_aggregate_is_asked_again_when_the_stream_moves() {
    let (coordinator, store, shared) = faulty();
    let stream = stream_of(&coordinator, [name("a"), name("b")]).await;
    let (other, elsewhere) = (on(&shared), stream.clone());
    store.fail_next(Fault::crowded(move || {
        let (other, stream) = (other.clone(), elsewhere.clone());
        async move {
            accept(&other, &stream, name("c")).await;
        }
    }));
    let request = stale(&stream, &name("d"), 0, MergeStrategy::AggregateHandles);
    coordinator.submit(request).await.unwrap();
    assert_eq!(
        history(&shared, &stream).await[3],
        named("c / d (2 between)")
    );
}

#[tokio::test]
async fn panics_are_answered_and_harm_nobody_else() {
    let (coordinator, _, shared) = faulty();
    let stream = stream_of(&coordinator, [Do::Open]).await;
    for (command, function) in [(Do::Panic, "decide"), (Do::Curse, "evolve")] {
        let answer = coordinator.submit(ask(&stream, &command)).await;
        let Err(SubmitError::Broken {
            fault: Broken::Panicked {
                function: found, ..
            },
            ..
        }) = answer
        else {
            panic!("{answer:?}")
        };
        assert_eq!(found, function);
    }
    assert_eq!(history(&shared, &stream).await, [Happened::Opened]);
    accept(&coordinator, &stream, Do::Add { count: 1 }).await;
}

/// Appends an event that this program did not decide.
async fn plant(store: &Arc<dyn Store>, stream: &StreamId, after: Option<u32>, payload: Payload) {
    let append = seriatim_core::Append {
        stream: stream.clone(),
        write: Write::Events {
            after: after.map(Sequence),
            last: None,
            events: Arc::from([NewEvent {
                id: Uuid::now_v7(),
                payload,
                metadata: Arc::default(),
            }]),
        },
        claim: None,
        beside: Vec::new(),
    };
    let outcomes = store.append(vec![append]).await.unwrap();
    assert!(matches!(outcomes[0], AppendOutcome::Written { .. }));
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_named_and_never_skipped() {
    let (coordinator, _, store) = faulty();
    for payload in [
        Payload::json("FromTomorrow", "{}"),
        Payload::json("Added", "{}"),
        Happened::Cursed.encode().unwrap(),
    ] {
        let stream = stream_of(&coordinator, [Do::Open]).await;
        plant(&store, &stream, Some(0), payload).await;
        // A new coordinator must load the state.
        let answer = on(&store).submit(ask(&stream, &Do::Open)).await;
        let Err(SubmitError::Broken { fault, .. }) = answer else {
            panic!("{answer:?}")
        };
        let named = matches!(
            fault,
            Broken::Undecodable {
                sequence: Sequence(1),
                ..
            }
        );
        assert!(named || matches!(fault, Broken::Panicked { .. }), "{fault}");
    }
}

#[tokio::test]
async fn an_old_event_is_upcast() {
    let (coordinator, _, store) = faulty();
    let stream = cart();
    plant(
        &store,
        &stream,
        None,
        Payload::json("Renamed", r#"{"name":"old"}"#),
    )
    .await;
    let view = coordinator
        .state(&stream, seriatim_core::At::Current)
        .await
        .unwrap();
    assert_eq!(view.to_json().unwrap()["name"], "old");
    // The event is also shown as an intervening event.
    let request = stale(
        &stream,
        &name("new"),
        seriatim_core::ExpectedSequence::NoStream,
        MergeStrategy::Commutative,
    );
    conflict(coordinator.submit(request).await);
}

#[tokio::test]
async fn a_sender_that_goes_away_does_not_take_its_command_along() {
    let (coordinator, store, shared) = faulty();
    let stream = cart();
    let began = Arc::new(tokio::sync::Notify::new());
    let signal = Arc::clone(&began);
    store.fail_next(Fault::crowded(move || {
        let signal = Arc::clone(&signal);
        async move { signal.notify_one() }
    }));
    let sender = tokio::spawn({
        let (coordinator, request) = (coordinator.clone(), ask(&stream, &Do::AddMany { n: 3 }));
        async move { coordinator.submit(request).await }
    });
    began.notified().await;
    sender.abort();
    coordinator.shutdown().await;
    assert_eq!(history(&shared, &stream).await.len(), 3);
}

#[tokio::test]
async fn shutting_down_finishes_what_was_admitted_and_admits_nothing_more() {
    let (coordinator, store, shared) = faulty();
    let began = Arc::new(tokio::sync::Notify::new());
    let signal = Arc::clone(&began);
    store.fail_next(Fault::crowded(move || {
        let signal = Arc::clone(&signal);
        async move {
            signal.notify_one();
            tokio::task::yield_now().await;
        }
    }));
    let streams: Vec<_> = (0..20).map(|_| cart()).collect();
    let senders: Vec<_> = streams
        .iter()
        .map(|stream| {
            let (coordinator, request) = (coordinator.clone(), ask(stream, &Do::Open));
            tokio::spawn(async move { coordinator.submit(request).await })
        })
        .collect();
    began.notified().await;
    coordinator.shutdown().await;
    let late = coordinator.submit(ask(&cart(), &Do::Open)).await;
    assert!(matches!(late, Err(SubmitError::ShuttingDown)), "{late:?}");
    for (sender, stream) in senders.into_iter().zip(&streams) {
        let admitted = sender.await.unwrap().is_ok();
        assert_eq!(history(&shared, stream).await.len(), usize::from(admitted));
    }
    coordinator.shutdown().await;
}

/// A step that gets a price for each name, unless its source is down.
struct Prices;

impl Prepare<Cart> for Prices {
    async fn prepare(&self, command: Do) -> Result<Do, PrepareError<No>> {
        match command {
            Do::Name { name } if name == "down" => {
                Err(PrepareError::Unavailable("no route".into()))
            }
            Do::Name { name } if name == "gone" => {
                Err(PrepareError::Rejected(No::TooFew { count: 0 }))
            }
            Do::Name { name } if name == "bug" => panic!("a bug in prepare"),
            Do::Name { name } => Ok(Do::Name {
                name: format!("{name} at 5.-"),
            }),
            other => Ok(other),
        }
    }
}

#[tokio::test]
async fn prepare_completes_a_command_or_says_why_not() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let coordinator = Coordinator::builder(Arc::clone(&store))
        .aggregate_with::<Cart>(Prices)
        .start()
        .unwrap();
    let stream = stream_of(&coordinator, [name("tea")]).await;
    assert_eq!(history(&store, &stream).await, [named("tea at 5.-")]);
    let answer = |text: &str| coordinator.submit(ask(&stream, &name(text)));
    assert!(matches!(
        answer("down").await,
        Err(SubmitError::Unavailable { .. })
    ));
    assert!(matches!(
        answer("gone").await,
        Err(SubmitError::Rejected(_))
    ));
    assert!(matches!(
        answer("bug").await,
        Err(SubmitError::Broken { .. })
    ));
    assert_eq!(history(&store, &stream).await.len(), 1);
}

#[tokio::test]
async fn a_prepared_command_is_parked_as_it_was_sent() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let coordinator = Coordinator::builder(Arc::clone(&store))
        .aggregate_with::<Cart>(Prices)
        .start()
        .unwrap();
    let stream = stream_of(&coordinator, [name("a"), name("b")]).await;
    let request = stale(&stream, &name("tea"), 0, MergeStrategy::Manual);
    coordinator.submit(request.clone()).await.unwrap();
    assert_eq!(
        store.letters(&LetterFilter::default(), 1).await.unwrap()[0].request,
        request
    );
}

#[tokio::test]
async fn the_same_domain_twice_does_not_start() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let twice = Coordinator::builder(store)
        .aggregate::<Cart>()
        .aggregate::<Cart>()
        .start();
    assert!(twice.unwrap_err().to_string().contains("`cart`"));
}

#[tokio::test]
async fn requests_for_another_domain_do_not_reach_this_one() {
    let (coordinator, _, _) = faulty();
    let stream = StreamId::new(Domain::new("basket").unwrap(), Uuid::now_v7());
    let request = CommandRequest::new(stream, Do::Open.encode().unwrap());
    assert!(matches!(
        coordinator.submit(request).await,
        Err(SubmitError::UnknownDomain { .. })
    ));
}
