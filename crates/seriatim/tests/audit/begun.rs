//! Components that do not begin at the first event: what they would have done before is not missed.

use seriatim::core::{Component, Cursor, LogPartition, Position};
use seriatim::prelude::*;
use seriatim::{BackOff, Begin, FailurePolicy, PieceState, StartAppError};

use crate::desk::{Pins, Watch};
use crate::stage::*;

/// Returns the tags on the board of the desk and on that of the watch.
async fn pinned(app: &App) -> Vec<String> {
    let store = app.coordinator().store();
    let mut pinned = Vec::new();
    for board in [DESK, Uuid::from_u128(7)] {
        let board = stream("board", board);
        let events = store.read_stream(&board, Sequence(0), 100).await;
        for event in events.unwrap() {
            let event = serde_json::from_slice::<serde_json::Value>(&event.payload.data).unwrap();
            pinned.push(event["tag"].as_str().unwrap().to_owned());
        }
    }
    pinned
}

async fn working(app: &App) {
    until("all work is taken", async || {
        let status = app.reactions().status();
        status
            .iter()
            .all(|piece| piece.state == PieceState::Working)
    })
    .await;
}

async fn reacting(stage: &Stage, begin: Option<Begin>) -> App {
    let mut app = stage.quiet().await.saga(Pins { copies: 1 });
    app = app.process_manager::<Watch>();
    if let Some(begin) = begin {
        app = app.begin("pins", begin.clone()).begin("watch", begin);
    }
    app.start().await.unwrap()
}

#[tokio::test]
async fn effects_before_a_beginning_are_not_owed() {
    for stage in Stage::both() {
        let app = stage.quiet().await.start().await.unwrap();
        for tag in ["a", "b", "c"] {
            work(&app, DESK, tag).await;
        }
        app.shutdown().await.unwrap();

        let app = reacting(&stage, Some(Begin::Now)).await;
        working(&app).await;
        work(&app, DESK, "d").await;
        settled(&app).await;
        assert_eq!(pinned(&app).await, ["d/0", "seen"]);
        let audit = app.audit().await.unwrap();
        assert!(audit.is_sound(), "{audit:?}");
        let names = ["pins", "watch.inputs", "watch"];
        for (component, begun) in names.into_iter().zip([3, 3, 0]) {
            let of_it = audit
                .effects
                .iter()
                .find(|one| one.component.as_str() == component);
            let of_it = of_it.unwrap();
            assert_eq!(of_it.begun, Position(begun), "{of_it:?}");
            assert_eq!(of_it.verified, of_it.handled, "{of_it:?}");
            assert!(of_it.effects > 0, "{of_it:?}");
        }
        app.shutdown().await.unwrap();

        // It was decided once: what the program says later does not matter.
        let app = reacting(&stage, None).await;
        working(&app).await;
        work(&app, DESK, "e").await;
        settled(&app).await;
        assert_eq!(pinned(&app).await, ["d/0", "e/0", "seen", "seen"]);
        assert_eq!(found(&app).await, []);

        // The audit is not blind to the rest.
        stage
            .change("DELETE FROM {t}seriatim_beginnings WHERE component = 'pins'")
            .await;
        let missing = found(&app).await;
        assert_eq!(missing.len(), 6, "{missing:?}");
        assert!(missing.iter().all(|(kind, _)| *kind == "effect_missing"));
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn whoever_begins_anew_leaves_out_what_was_parked_or_does_all_of_it() {
    for stage in Stage::both() {
        let app = stage.quiet().await.saga(Pins { copies: 1 });
        let app = app.failure_policy(
            "pins",
            FailurePolicy {
                back_off: BackOff {
                    retries: 0,
                    ..BackOff::default()
                },
                ..FailurePolicy::park()
            },
        );
        let app = app.start().await.unwrap();
        let pins: Component = "pins".parse().unwrap();
        for tag in ["a", "poison", "b"] {
            work(&app, DESK, tag).await;
        }
        let store = app.coordinator().store();
        let parked = async || store.parked(Some(&pins)).await.unwrap().len();
        until("the desk is parked", async || parked().await == 1).await;
        let at = app.reactions().begin(&pins, &Begin::Now).await.unwrap();
        assert_eq!(parked().await, 0);
        until("its work is taken", async || {
            !store.checkpoints(Some(&pins)).await.unwrap().is_empty()
        })
        .await;
        work(&app, DESK, "c").await;
        settled(&app).await;
        assert_eq!(pinned(&app).await, ["a/0", "c/0"]);
        let audit = app.audit().await.unwrap();
        assert!(audit.is_sound(), "{audit:?}");
        let begun = at.get(LogPartition::FIRST).position;
        assert_eq!(audit.effects[0].begun, begun);

        // From the first on: what took effect does not do so again, and what it fails on is parked again.
        app.reactions()
            .begin(&pins, &Begin::AtTheFirst)
            .await
            .unwrap();
        until("the desk is parked again", async || parked().await == 1).await;
        assert_eq!(pinned(&app).await, ["a/0", "c/0"]);
        assert_eq!(found(&app).await, []);
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn a_place_of_another_log_is_refused_while_it_matters() {
    for (stage, other) in Stage::both().into_iter().zip(Stage::both()) {
        let foreign = stage.quiet().await.start().await.unwrap();
        work(&foreign, DESK, "a").await;
        let log = foreign.coordinator().log().clone();
        let place = log.end(LogPartition::FIRST).await.unwrap();
        let place: Cursor = std::iter::once((LogPartition::FIRST, place)).collect();
        foreign.shutdown().await.unwrap();

        let app = other.quiet().await.saga(Pins { copies: 1 });
        let refused = app.begin("pins", Begin::After(place.clone())).start().await;
        assert!(
            matches!(&refused, Err(StartAppError::Begin { component, .. }) if component.as_str() == "pins"),
            "{refused:?}"
        );
        let app = other.pinning().await;
        working(&app).await;
        app.shutdown().await.unwrap();
        let app = other.quiet().await.saga(Pins { copies: 1 });
        let app = app
            .begin("pins", Begin::After(place))
            .start()
            .await
            .unwrap();
        app.shutdown().await.unwrap();
        stage.gone().await;
        other.gone().await;
    }
}
