//! Events that a component has not handled, and need not have.

use std::time::Duration;

use seriatim::core::{LetterDecision, Sequence, Timestamp, Verb};
use seriatim::{BackOff, FailurePolicy};

use crate::desk::{Desk, Pins};
use crate::stage::*;

async fn parking(stage: &Stage) -> seriatim::App {
    let policy = FailurePolicy {
        back_off: BackOff {
            retries: 0,
            ..BackOff::default()
        },
        ..FailurePolicy::park()
    };
    let app = stage.quiet().await.saga(Pins { copies: 1 });
    let app = app.failure_policy("pins", policy);
    app.start().await.unwrap()
}

#[tokio::test]
async fn what_waits_in_a_parked_stream_and_what_was_skipped_is_no_finding() {
    for stage in Stage::both() {
        let app = parking(&stage).await;
        for tag in ["poison", "a"] {
            work(&app, DESK, tag).await;
        }
        settled(&app).await;
        let audit = app.audit().await.unwrap();
        assert!(audit.is_sound(), "{audit:?}");
        assert_eq!(audit.parked, 1);

        let store = app.coordinator().store();
        let parked = store.parked(None).await.unwrap().remove(0);
        let wish = LetterDecision {
            verb: Verb::Discard,
            actor: Some("the operator".into()),
            reason: Some("it will never fit".into()),
            at: Timestamp::now(),
        };
        let decided = store.decide(&parked.work, &parked.stream, parked.sequence, &wish);
        assert!(decided.await.unwrap());
        until("nothing is parked", async || {
            store.parked(None).await.unwrap().is_empty()
        })
        .await;
        let audit = app.audit().await.unwrap();
        assert!(audit.is_sound(), "{audit:?}");
        assert_eq!(audit.effects[0].effects, 2);
        // What it was spared is in a list, and nothing else is.
        stage.change("DELETE FROM {t}seriatim_closed_letters").await;
        let found = found(&app).await;
        assert!(
            matches!(&found[..], [("cannot_ask_again", says)] if says.contains("it panicked: ")),
            "{found:?}"
        );
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

/// An event that comes again after a checkpoint was put back takes effect once, so the audit stays sound.
#[tokio::test]
async fn a_checkpoint_that_was_moved_back_repeats_nothing() {
    for stage in Stage::both() {
        let app = stage.three_done().await;
        let events = || async {
            let read = app
                .of::<crate::desk::Board>(DESK)
                .events(Sequence::FIRST, 99)
                .await;
            let desk = app.of::<Desk>(DESK).events(Sequence::FIRST, 99).await;
            (read.unwrap().len(), desk.unwrap().len())
        };
        let before = events().await;
        app.shutdown().await.unwrap();
        stage
            .change("UPDATE {t}seriatim_checkpoints SET position = 0")
            .await;
        let audit = app.audit().await.unwrap();
        assert!(audit.is_sound(), "{audit:?}");
        assert_eq!(audit.effects[0].effects, 0, "nothing is handled");
        let again = stage.pinning().await;
        settled(&again).await;
        let audit = again.audit().await.unwrap();
        assert!(audit.is_sound(), "{audit:?}");
        assert_eq!((audit.effects[0].effects, audit.claims), (6, 9));
        assert_eq!(events().await, before);
        again.shutdown().await.unwrap();
        stage.gone().await;
    }
}

/// Claims are there before the checkpoint has moved: an audit amid the work finds nothing.
#[tokio::test]
async fn amid_the_work_nothing_is_found() {
    for stage in Stage::both() {
        let app = stage.pinning().await;
        let until = tokio::time::Instant::now() + Duration::from_millis(800);
        let working = async {
            let mut number = 0u128;
            while tokio::time::Instant::now() < until {
                work(&app, uuid::Uuid::from_u128(number % 5), "a").await;
                number += 1;
            }
        };
        let auditing = async {
            let mut audits = 0;
            while tokio::time::Instant::now() < until || audits == 0 {
                assert_eq!(found(&app).await, []);
                audits += 1;
            }
        };
        tokio::join!(working, auditing);
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}
