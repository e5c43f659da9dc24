//! Checks that the audit finds what is lost, and what nobody has asked for.

use seriatim::core::Position;

use crate::stage::*;

#[tokio::test]
async fn what_took_place_once_is_sound() {
    for stage in Stage::both() {
        let app = stage.three_done().await;
        let audit = app.audit().await.unwrap();
        assert!(audit.is_sound(), "{audit:?}");
        // Three events came back, each to be looked at too.
        let [effects] = &audit.effects[..] else {
            panic!("{audit:?}");
        };
        assert_eq!((effects.effects, effects.sound), (6, true));
        assert_eq!(effects.verified, effects.handled);
        assert!(effects.verified > Position::START);
        // Six at the board, of which three came back to the desk.
        assert_eq!((audit.claims, audit.timers), (9, 0));
        assert_eq!(unproven(&audit), <[&str; 0]>::default());
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn an_effect_that_is_lost_is_found() {
    for stage in Stage::both() {
        let app = stage.three_done().await;
        // The second thing that the desk has done; others of it may be in between.
        let events = app
            .of::<crate::desk::Desk>(DESK)
            .events(seriatim::core::Sequence::FIRST, 9);
        let events = events.await.unwrap();
        let is_b = |event: &&seriatim::core::RecordedEvent| {
            event.payload.data.windows(3).any(|part| part == b"\"b\"")
        };
        let event = events.iter().find(is_b).unwrap();
        stage.delete_claim(&key(event.sequence.0, 0)).await;
        let audit = app.audit().await.unwrap();
        let board = stream("board", DESK);
        let expected = format!(
            "pins has handled event {} of {} at position {}, but {board} does not have its effect 0",
            event.sequence, event.stream, event.position
        );
        assert_eq!(sentences(&audit), [("effect_missing", expected)]);
        let effects = &audit.effects[0];
        assert_eq!((effects.effects, effects.sound), (5, false));
        assert_eq!(effects.verified.0, event.position.0 - 1);
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn a_rejection_that_did_not_come_back_is_found() {
    for stage in Stage::both() {
        let app = stage.three_done().await;
        stage.delete_claim(&format!("{}/rejected", key(0, 1))).await;
        let (desk, board) = (stream("desk", DESK), stream("board", DESK));
        let expected = format!(
            "{board} has rejected effect 1 of pins on event 0 at position 1, and {desk} was not told"
        );
        assert_eq!(found(&app).await, [("not_returned", expected)]);
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn an_effect_that_nobody_asked_for_is_found() {
    for stage in Stage::both() {
        let app = stage.three_done().await;
        stage.copy_claim(&key(0, 0), &key(0, 2)).await;
        let (desk, board) = (stream("desk", DESK), stream("board", DESK));
        let unasked =
            format!("{board} has effect 2 of pins on event 0 of {desk}, which does not ask for it");
        assert_eq!(found(&app).await, [("effect_unasked", unasked)]);
        // Without the saga nobody can say so.
        let store = app.coordinator().store();
        let outside = seriatim::audit(store, &[], |_| {}).await.unwrap();
        assert!(outside.is_sound(), "{outside:?}");
        assert_eq!(unproven(&outside), ["not_asked"]);
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn an_effect_at_another_target_is_found() {
    for stage in Stage::both() {
        let app = stage.three_done().await;
        let (key_in_sql, other) = (stage.key(&key(0, 0)), stage.root(uuid(9)));
        stage
            .change(&format!(
                "INSERT INTO {{t}}seriatim_claims (domain, root, external_id, content, first_result)
                 SELECT domain, {other}, external_id, content, '{{\"unchanged\":{{\"current\":null}}}}'
                 FROM {{t}}seriatim_claims WHERE external_id = {key_in_sql}"
            ))
            .await;
        let kinds: Vec<_> = found(&app).await;
        assert!(
            matches!(&kinds[..], [("effect_unasked", says)] if says.starts_with(&stream("board", uuid(9)).to_string())),
            "{kinds:?}"
        );
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn effects_of_events_that_are_not_there_are_found_with_and_without_the_application() {
    for stage in Stage::both() {
        let app = stage.three_done().await;
        stage.copy_claim(&key(0, 0), &key(77, 0)).await;
        let back = format!("{}/rejected", key(0, 1));
        stage
            .copy_claim(&back, &format!("{}/rejected", key(78, 1)))
            .await;
        let (desk, board) = (stream("desk", DESK), stream("board", DESK));
        let expected = [
            (
                "effect_without_source",
                format!(
                    "{board} has effect 0 of pins on event 77 of {desk}, which is not in the log"
                ),
            ),
            (
                "effect_without_source",
                format!(
                    "{desk} has effect 1 of pins on event 78 of {desk}, which is not in the log"
                ),
            ),
        ];
        assert_eq!(found(&app).await, expected);
        let store = app.coordinator().store();
        let outside = seriatim::audit(store, &[], |_| {}).await.unwrap();
        assert_eq!(sentences(&outside), expected);
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn a_return_that_nothing_explains_is_found() {
    for stage in Stage::both() {
        let app = stage.three_done().await;
        // Of an effect that was taken.
        let back = format!("{}/rejected", key(0, 1));
        stage
            .copy_claim(&back, &format!("{}/rejected", key(0, 0)))
            .await;
        let kinds: Vec<_> = found(&app)
            .await
            .into_iter()
            .map(|(kind, _)| kind)
            .collect();
        assert_eq!(kinds, ["return_unexplained"]);
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn a_key_that_nobody_can_have_made_is_found() {
    for stage in Stage::both() {
        let app = stage.three_done().await;
        stage.copy_claim(&key(0, 0), "\0pins/desk").await;
        let says = format!(
            "{} has spent `\\u{{0}}pins/desk`, which is no key that this version of Seriatim makes",
            stream("board", DESK)
        );
        assert_eq!(found(&app).await, [("claim_unknown", says)]);
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn a_decision_about_a_letter_that_is_not_there_is_found() {
    for stage in Stage::both() {
        let app = stage.three_done().await;
        let letter = uuid(5);
        stage
            .copy_claim(&key(0, 0), &format!("\0letter/{letter}"))
            .await;
        let says = format!(
            "{} has spent `\\u{{0}}letter/{letter}` on letter {letter}, and has no such letter",
            stream("board", DESK)
        );
        assert_eq!(found(&app).await, [("claim_without_letter", says)]);
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn a_stuck_timer_that_no_event_has_set_is_found() {
    for stage in Stage::both() {
        let app = stage.three_done().await;
        let stuck = format!("{}/stuck", key(0, 7));
        stage.copy_claim(&key(0, 0), &stuck).await;
        let kinds: Vec<_> = found(&app).await;
        assert!(
            matches!(&kinds[..], [("effect_unasked", says)] if says.contains(" effect 7 of pins ")),
            "{kinds:?}"
        );
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn a_claim_for_events_that_are_not_there_is_found() {
    for stage in Stage::both() {
        let app = stage.three_done().await;
        let key = stage.key(&key(0, 0));
        let result = r#"{"committed":{"first":0,"last":0,"position":400}}"#;
        stage
            .change(&format!(
                "UPDATE {{t}}seriatim_claims SET first_result = '{result}' WHERE external_id = {key}"
            ))
            .await;
        let found = found(&app).await;
        assert!(
            matches!(&found[..], [("claim_without_events", says)] if says.ends_with("up to 0 at position 400, where there are none")),
            "{found:?}"
        );
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

/// With other code than when it handled the events a saga asks for other effects.
#[tokio::test]
async fn a_saga_that_was_changed_is_named_with_each_effect() {
    use crate::desk::Pins;
    for stage in Stage::both() {
        stage.three_done().await.shutdown().await.unwrap();
        let more = stage.quiet().await.saga(Pins { copies: 2 });
        let more = more.start().await.unwrap();
        let kinds: Vec<_> = found(&more)
            .await
            .into_iter()
            .map(|(kind, _)| kind)
            .collect();
        // What shouts has another place now: a third effect is missing, and the one before was rejected and is not.
        assert_eq!(kinds, ["effect_missing"; 3]);
        more.shutdown().await.unwrap();
        let less = stage.quiet().await.saga(Pins { copies: 0 });
        let less = less.start().await.unwrap();
        let mut kinds: Vec<_> = found(&less)
            .await
            .into_iter()
            .map(|(kind, _)| kind)
            .collect();
        kinds.dedup();
        assert_eq!(kinds, ["effect_unasked", "return_unexplained"]);
        less.shutdown().await.unwrap();
        stage.gone().await;
    }
}

/// In the background it finds later damage, and says up to where there is none.
#[tokio::test]
async fn in_the_background_damage_is_found_and_the_proof_goes_on() {
    use seriatim::AuditSettings;
    use std::time::Duration;
    for stage in Stage::both() {
        let settings = AuditSettings {
            rest: 0,
            every: Duration::from_millis(5),
            anew: Duration::from_millis(200),
        };
        let app = stage.quiet().await.saga(crate::desk::Pins { copies: 1 });
        let app = app.audit(settings).start().await.unwrap();
        work(&app, DESK, "a").await;
        settled(&app).await;
        let mut status = app.audits().unwrap();
        let looked = status.wait_for(|status| {
            let latest = status.latest.as_ref();
            latest.is_some_and(|audit| audit.is_sound() && audit.effects[0].effects == 2)
        });
        looked.await.unwrap();
        work(&app, DESK, "b").await;
        let looked = status.wait_for(|status| {
            let latest = status.latest.as_ref();
            latest.is_some_and(|audit| audit.is_sound() && audit.effects[0].effects == 4)
        });
        looked.await.unwrap();
        stage.delete_claim(&key(0, 0)).await;
        let looked = status.wait_for(|status| {
            let latest = status.latest.as_ref();
            latest
                .is_some_and(|audit| audit.effects[0].verified == Position(0) && !audit.is_sound())
        });
        let looked = tokio::time::timeout(Duration::from_secs(60), looked);
        looked.await.expect("it is found").unwrap();
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

fn uuid(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number)
}
