//! Checks that views and simulations write nothing.

use std::time::Duration;

use seriatim_core::{
    At, CommandGateway, ConflictReason, ExpectedSequence, LogPartition, MergeStrategy, Outcome,
    QueryError, Sequence, Simulated, Timestamp,
};
use uuid::Uuid;

use crate::cart::*;

#[tokio::test]
async fn a_state_at_each_sequence() {
    let (coordinator, _) = coordinator();
    let stream = stream_of(&coordinator, (1..=30).map(|count| Do::Add { count })).await;
    for sequence in 0..30 {
        let view = coordinator
            .state(&stream, At::Sequence(Sequence(sequence)))
            .await
            .unwrap();
        assert_eq!(view.sequence, Some(Sequence(sequence)));
        assert_eq!(
            view.to_json().unwrap()["count"],
            (1..=sequence + 1).sum::<u32>()
        );
    }
    let beyond = coordinator.state(&stream, At::Sequence(Sequence(30))).await;
    assert!(matches!(
        beyond,
        Err(QueryError::BeyondCurrent {
            current: Some(Sequence(29)),
            ..
        })
    ));
}

#[tokio::test]
async fn a_state_as_of_each_time() {
    let (coordinator, store) = coordinator();
    let stream = cart();
    let before = Timestamp::now();
    for _ in 0..7 {
        accept(&coordinator, &stream, Do::Add { count: 1 }).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let recorded = store
        .read_stream(&stream, Sequence::FIRST, 99)
        .await
        .unwrap();
    for event in &recorded {
        for (late, last) in [
            (0, Some(event.sequence)),
            (-1, event.sequence.0.checked_sub(1).map(Sequence)),
        ] {
            let time = Timestamp::from_micros(event.recorded_at.as_micros() + late);
            let view = coordinator.state(&stream, At::Time(time)).await.unwrap();
            assert_eq!(view.sequence, last);
            assert_eq!(view.to_json().unwrap()["count"], Sequence::count(last));
        }
    }
    let view = coordinator.state(&stream, At::Time(before)).await.unwrap();
    assert_eq!(
        (view.sequence, &view.to_json().unwrap()["count"]),
        (None, &0.into())
    );
}

#[tokio::test]
async fn a_stream_without_events_has_the_default_state() {
    let (coordinator, _) = coordinator();
    let view = coordinator.state(&cart(), At::Current).await.unwrap();
    assert_eq!(view.sequence, None);
    assert_eq!(view.read::<Cart>().unwrap(), Cart::default());
}

#[tokio::test]
async fn a_simulation_tells_what_would_happen_and_nothing_does() {
    let (coordinator, store) = coordinator();
    let stream = stream_of(&coordinator, [name("a"), name("b"), Do::Add { count: 5 }]).await;
    let simulate = |request| coordinator.simulate(request, At::Current);

    let outcome = simulate(under("k", ask(&stream, &Do::Double)))
        .await
        .unwrap()
        .outcome;
    let Simulated::Commits {
        events,
        merged: false,
        after,
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(&events[0].type_name, "Added");
    assert_eq!(
        (after.sequence, &after.to_json().unwrap()["count"]),
        (Some(Sequence(3)), &10.into())
    );

    let merged = stale(
        &stream,
        &Do::Add { count: 1 },
        0,
        MergeStrategy::Commutative,
    );
    assert!(matches!(
        simulate(merged).await.unwrap().outcome,
        Simulated::Commits { merged: true, .. }
    ));
    let rejected = simulate(ask(&stream, &Do::Take { count: 6 }))
        .await
        .unwrap()
        .outcome;
    assert!(matches!(rejected, Simulated::Rejected(_)));
    let refused = simulate(stale(&stream, &name("c"), 0, MergeStrategy::Commutative))
        .await
        .unwrap();
    assert!(matches!(refused.outcome, Simulated::Conflict(_)));
    let parked = simulate(stale(&stream, &name("c"), 0, MergeStrategy::Manual))
        .await
        .unwrap();
    assert!(matches!(parked.outcome, Simulated::Parks(_)));
    assert_eq!(
        simulate(ask(&stream, &Do::Nothing)).await.unwrap().outcome,
        Simulated::Unchanged
    );

    assert_eq!(history(&store, &stream).await.len(), 3);
    assert_eq!(store.head(LogPartition::FIRST).await.unwrap().0, 3);
    assert_eq!(store.find_claim(&stream, "k").await.unwrap(), None);
    assert!(
        store
            .letters(&Default::default(), 9)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_simulation_can_look_back_and_knows_spent_ids() {
    let (coordinator, _) = coordinator();
    let stream = cart();
    coordinator
        .submit(under("k", ask(&stream, &Do::Add { count: 5 })))
        .await
        .unwrap();
    accept(&coordinator, &stream, Do::Take { count: 5 }).await;
    let take = ask(&stream, &Do::Take { count: 5 });
    let then = coordinator
        .simulate(take.clone(), At::Sequence(Sequence(0)))
        .await
        .unwrap();
    assert!(matches!(then.outcome, Simulated::Commits { .. }));
    let now = coordinator.simulate(take, At::Current).await.unwrap();
    assert!(matches!(now.outcome, Simulated::Rejected(_)));
    let spent = coordinator
        .simulate(under("k", ask(&stream, &Do::Add { count: 5 })), At::Current)
        .await
        .unwrap();
    assert!(matches!(spent.outcome, Simulated::Duplicate(_)));
    let reused = coordinator
        .simulate(under("k", ask(&stream, &Do::Add { count: 6 })), At::Current)
        .await
        .unwrap();
    assert!(matches!(reused.outcome, Simulated::ExternalIdReused(_)));
}

#[tokio::test]
async fn a_letter_has_three_sides() {
    let (coordinator, _) = coordinator();
    let stream = stream_of(&coordinator, [name("base"), name("theirs")]).await;
    let receipt = coordinator
        .submit(stale(&stream, &name("yours"), 0, MergeStrategy::Manual))
        .await;
    let Outcome::DeadLettered { id, .. } = receipt.unwrap().outcome else {
        panic!()
    };
    accept(&coordinator, &stream, note("later still")).await;

    let view = coordinator.examine(id).await.unwrap();
    assert_eq!(
        (view.base.sequence, &view.base.to_json().unwrap()["name"]),
        (Some(Sequence(0)), &"base".into())
    );
    assert_eq!(
        (
            view.theirs.sequence,
            &view.theirs.to_json().unwrap()["name"]
        ),
        (Some(Sequence(2)), &"theirs".into())
    );
    assert_eq!(view.intervening.len(), 2);
    let Simulated::Commits { after, .. } = &view.yours else {
        panic!("{:?}", view.yours)
    };
    assert_eq!(after.to_json().unwrap()["name"], "yours");
    assert!(matches!(
        view.obstacle,
        Some(ConflictReason::OrderMatters { .. })
    ));
    assert_eq!(
        view.letter.conflict.expected,
        ExpectedSequence::Exactly(Sequence(0))
    );

    let unknown = coordinator.examine(Uuid::now_v7()).await;
    assert!(matches!(unknown, Err(QueryError::UnknownLetter { .. })));
}

#[tokio::test]
async fn the_domains_tell_their_types() {
    let (coordinator, _) = coordinator();
    let domains = coordinator.domains();
    assert_eq!(domains.len(), 1);
    assert!(domains[0].commands.contains(&"AddMany") && domains[0].events.contains(&"Added"));
}
