//! Process managers: their inputs, what they send, and their timers.

use crate::desk::Watch;
use crate::stage::*;

async fn watching(stage: &Stage) -> seriatim::App {
    let app = stage.quiet().await.process_manager::<Watch>();
    let app = app.projector("idle", seriatim::core::EventFilter::default(), Idle);
    let app = app.start().await.unwrap();
    work(&app, DESK, "a").await;
    work(&app, DESK, "b").await;
    settled(&app).await;
    until("the timer is there", async || {
        let store = app.coordinator().store();
        let timers = store.timers(None, 9).await.unwrap();
        timers.iter().any(|timer| timer.set_at.0 == 1)
    })
    .await;
    settled(&app).await;
    app
}

#[tokio::test]
async fn inputs_effects_and_timers_are_proven() {
    for stage in Stage::both() {
        let app = watching(&stage).await;
        let audit = app.audit().await.unwrap();
        assert!(audit.is_sound(), "{audit:?}");
        let effects: Vec<_> = (audit.effects.iter())
            .map(|effects| (effects.component.as_str(), effects.effects))
            .collect();
        assert_eq!(
            effects,
            [("watch.inputs", 2), ("watch", 2), ("watch.timers", 0)]
        );
        assert_eq!((audit.claims, audit.timers), (4, 1));
        assert_eq!(unproven(&audit), ["projected", "timers"]);
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn a_lost_input_and_a_lost_effect_are_found() {
    for stage in Stage::both() {
        let app = watching(&stage).await;
        stage
            .delete_claim(&format!("\0watch.inputs/desk/{DESK}/1/0"))
            .await;
        stage
            .delete_claim(&format!("\0watch/watch/{DESK}/0/0"))
            .await;
        let found = found(&app).await;
        let [("effect_missing", input), ("effect_missing", effect)] = &found[..] else {
            panic!("{found:?}");
        };
        assert!(
            input.starts_with("watch.inputs has handled event 1 of desk/"),
            "{input}"
        );
        assert!(
            effect.starts_with("watch has handled event 0 of watch/"),
            "{effect}"
        );
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn timers_that_no_event_has_set_are_found() {
    for stage in Stage::both() {
        let app = watching(&stage).await;
        // Of an event that is not there, and of one that has only cancelled under this ordinal.
        for change in ["set_at = 9", "set_at = 1, ordinal = 1"] {
            stage
                .change(&format!("UPDATE {{t}}seriatim_timers SET {change}"))
                .await;
            let found = found(&app).await;
            assert!(
                matches!(&found[..], [("timer_unset", says)] if says.contains("`look`")),
                "{found:?}"
            );
        }
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}
