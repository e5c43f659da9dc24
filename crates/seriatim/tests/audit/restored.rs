//! A log that is older than what was derived from it.

use seriatim::core::EventFilter;

use crate::desk::{Desk, Pins};
use crate::stage::*;

/// The read model's progress is in another database, which was not restored.
#[tokio::test]
async fn progress_beside_an_older_log_is_found() {
    for stage in Stage::both() {
        let app = stage.three_done().await;
        let models = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", models.path().join("models.db").display());
        let other = seriatim::open_store(&url).await.unwrap();
        let component = "boards.v1".parse().unwrap();
        let all = EventFilter::default();
        let store = std::sync::Arc::clone(app.coordinator().store());
        let model = seriatim::AtLeastOnce::new(component, all, other.clone() as _, Idle);
        let reading = seriatim::App::on(store).aggregate::<Desk>();
        let reading = reading.component(seriatim::Enrolled::new(std::sync::Arc::new(model)));
        let reading = reading.start().await.unwrap();
        until("the read model is made", async || {
            reading.reactions().status()[0].position.0 >= 9
        })
        .await;
        let compared = seriatim::audit(
            app.coordinator().store(),
            std::slice::from_ref(&other),
            |_| {},
        )
        .await
        .unwrap();
        assert!(compared.is_sound(), "{compared:?}");
        assert_eq!(compared.checkpoints, 2);
        reading.shutdown().await.unwrap();
        app.shutdown().await.unwrap();

        // As it was before the desk did anything for the third time; all of the one database is of that moment.
        stage
            .change(
                "DELETE FROM {t}seriatim_events; DELETE FROM {t}seriatim_claims;
                 UPDATE {t}seriatim_log_head SET position = 0;
                 UPDATE {t}seriatim_checkpoints SET position = 0",
            )
            .await;
        let app = stage.quiet().await.start().await.unwrap();
        work(&app, DESK, "a").await;
        let store = app.coordinator().store();
        let alone = seriatim::audit(store, &[], |_| {}).await.unwrap();
        assert!(
            alone.is_sound(),
            "an older backup is a sound log: {alone:?}"
        );
        let compared = seriatim::audit(store, std::slice::from_ref(&other), |_| {})
            .await
            .unwrap();
        let found = sentences(&compared);
        assert!(
            matches!(&found[..], [("log_replaced", says)] if says.starts_with("boards.v1/0 does not belong to this log")),
            "{found:?}"
        );
        // Asked by itself, the other database has nothing to be compared with.
        let by_itself = seriatim::audit(&other, &[], |_| {}).await.unwrap();
        assert!(by_itself.is_sound(), "{by_itself:?}");
        assert_eq!(unproven(&by_itself), ["not_asked", "other_log"]);
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

/// Only the events were restored; what effects left behind is newer.
#[tokio::test]
async fn claims_beside_older_events_are_found() {
    for stage in Stage::both() {
        let app = stage.three_done().await;
        app.shutdown().await.unwrap();
        stage
            .change(
                "DELETE FROM {t}seriatim_events WHERE position > 1;
                 UPDATE {t}seriatim_log_head SET position = 1",
            )
            .await;
        let app = stage.quiet().await.saga(Pins { copies: 1 });
        let app = app.start().await.unwrap();
        let found = found(&app).await;
        let mut kinds: Vec<_> = found.iter().map(|(kind, _)| *kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(
            kinds,
            [
                "claim_without_events",
                "effect_without_source",
                "log_replaced"
            ],
            "{found:?}"
        );
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}
