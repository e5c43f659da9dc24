//! Filters that were widened: an application does not start over what was passed over, and an audit misses nothing that
//! was left out on purpose.

use seriatim::core::{Component, DecodeError, Domain, EventFilter, Position};
use seriatim::prelude::*;
use seriatim::{AppBuilder, AuditedEffects, Begin, StartAppError};

use crate::desk::{Board, BoardCommand, BoardEvent, Desk, Pins, Seen, Watch};
use crate::stage::*;

const ECHO: Uuid = Uuid::from_u128(99);

/// Yesterday it was [`Pins`], which reacts to desks.
struct Echo;

impl Saga for Echo {
    const NAME: &'static str = "pins";
    type Source = Board;

    fn react(&self, _: &BoardEvent, _: &RecordedEvent, _: &mut Effects) {}
}

/// Yesterday it was [`Watch`], which is told of desks only.
#[derive(Default, Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct WatchAll(Watch);

impl ProcessManager for WatchAll {
    const NAME: &'static str = "watch";
    type Input = Seen;

    fn filter() -> EventFilter {
        EventFilter::default()
    }

    fn correlate(recorded: &RecordedEvent) -> Result<Option<(Uuid, Seen)>, DecodeError> {
        if recorded.of::<Board>().is_some() && recorded.stream.root == ECHO {
            return Ok(Some((ECHO, Seen::Done)));
        }
        Watch::correlate(recorded)
    }

    fn decide(&self, trigger: &Trigger<Seen>, plan: &mut Plan) {
        self.0.decide(trigger, plan);
    }

    fn evolve(&mut self, _: &Trigger<Seen>) {}
}

fn of(domain: Domain) -> EventFilter {
    EventFilter {
        domains: vec![domain],
        ..EventFilter::default()
    }
}

async fn pin(app: &App, board: Uuid, tag: &str) {
    let tag = tag.to_owned();
    app.of::<Board>(board)
        .send(BoardCommand::Pin { tag })
        .await
        .unwrap();
}

/// Waits until the component has come past everything there is.
async fn passed(app: &App, name: &str) {
    let name: Component = name.parse().unwrap();
    let store = app.coordinator().store();
    until("it has passed everything", async || {
        let head = app.coordinator().log();
        let head = head
            .head(seriatim::core::LogPartition::FIRST)
            .await
            .unwrap();
        let all = store.checkpoints(Some(&name)).await.unwrap();
        !all.is_empty() && all.iter().all(|one| one.at.position == head)
    })
    .await;
}

/// Returns which component is refused, and because of which type.
async fn refused(app: AppBuilder) -> (String, String) {
    match app.start().await.unwrap_err() {
        StartAppError::Widened(widened) => {
            assert_eq!(widened.position, Position(1));
            (widened.component.to_string(), widened.type_name)
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_saga_of_another_source_is_another_saga() {
    for stage in Stage::both() {
        let app = stage.pinning().await;
        pin(&app, DESK, "by hand").await;
        work(&app, DESK, "a").await;
        settled(&app).await;
        passed(&app, "pins").await;
        app.shutdown().await.unwrap();
        let pinned = ("pins".to_owned(), "Pinned".to_owned());
        assert_eq!(refused(stage.quiet().await.saga(Echo)).await, pinned);
        stage.gone().await;
    }
}

#[tokio::test]
async fn a_process_manager_is_not_told_of_what_was_left_out_on_purpose() {
    for stage in Stage::both() {
        let app = stage.quiet().await.process_manager::<Watch>();
        let app = app.start().await.unwrap();
        pin(&app, ECHO, "by hand").await;
        work(&app, DESK, "a").await;
        settled(&app).await;
        passed(&app, "watch.inputs").await;
        app.shutdown().await.unwrap();
        let watch = ("watch.inputs".to_owned(), "Pinned".to_owned());
        let app = stage.quiet().await.process_manager::<WatchAll>();
        assert_eq!(refused(app).await, watch);

        let desks = of(Domain::of::<Desk>());
        let on_purpose = async || {
            let app = stage.quiet().await.process_manager::<WatchAll>();
            app.widened_from("watch", desks.clone()).start().await
        };
        let app = on_purpose().await.unwrap();
        pin(&app, ECHO, "new").await;
        let seen = async || {
            let store = app.coordinator().store();
            let board = stream("board", Uuid::from_u128(7));
            let pinned = store.read_stream(&board, Sequence(0), 100).await;
            pinned.unwrap().len()
        };
        until("it was told of the new one", async || seen().await == 2).await;
        until(
            "that is audited, and nothing of before is missed",
            async || {
                let audit = app.audit().await.unwrap();
                assert!(audit.is_sound(), "{audit:?}");
                let inputs = |one: &&AuditedEffects| one.component.as_str() == "watch.inputs";
                let inputs = audit.effects.iter().find(inputs).unwrap();
                inputs.begun > Position(1) && inputs.effects == 1
            },
        )
        .await;
        assert_eq!(seen().await, 2);
        app.shutdown().await.unwrap();

        // It is said for good, and does no harm if it is said again.
        on_purpose().await.unwrap().shutdown().await.unwrap();
        let app = stage.quiet().await.process_manager::<WatchAll>();
        let app = app.start().await.unwrap();
        assert_eq!(found(&app).await, []);
        // A person has all of it handled: what was taken is not taken again.
        let inputs: Component = "watch.inputs".parse().unwrap();
        let first = Begin::AtTheFirst;
        app.reactions().begin(&inputs, &first).await.unwrap();
        let watched = async |root: Uuid| {
            let store = app.coordinator().store();
            let instance = stream("watch", root);
            let events = store.read_stream(&instance, Sequence(0), 100);
            events.await.unwrap().len()
        };
        let each = watched(DESK).await;
        until("it was told of the old one", async || {
            watched(ECHO).await == 2 * each
        })
        .await;
        assert_eq!(watched(DESK).await, each);
        settled(&app).await;
        assert_eq!(found(&app).await, []);
        app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn a_projector_does_not_start_over_what_it_has_passed_over() {
    let boards = || of(Domain::of::<Board>());
    for stage in Stage::both() {
        let idle = async |filter| stage.quiet().await.projector("idle", filter, Idle);
        let app = idle(boards()).await.start().await.unwrap();
        work(&app, DESK, "a").await;
        passed(&app, "idle").await;
        app.shutdown().await.unwrap();

        let (component, type_name) = refused(idle(EventFilter::default()).await).await;
        assert_eq!((&*component, &*type_name), ("idle", "Done"));
        // Of what never occurred nothing was passed over.
        let mut wider = boards();
        wider.domains.push("nothing".parse().unwrap());
        let app = idle(wider).await.start().await.unwrap();
        app.shutdown().await.unwrap();
        // By another name it is another one.
        let app = stage.quiet().await.saga(Pins { copies: 1 });
        let app = app.projector("idle-too", EventFilter::default(), Idle);
        app.start().await.unwrap().shutdown().await.unwrap();
        stage.gone().await;
    }
}

#[tokio::test]
async fn what_is_said_of_nobody_is_refused() {
    let stage = Stage::sqlite();
    let app = stage
        .quiet()
        .await
        .widened_from("nobody", EventFilter::default());
    let refused = app.start().await;
    assert!(matches!(
        refused,
        Err(StartAppError::WidenedForNobody { name }) if name == "nobody"
    ));
}
