//! After each thing that senders, components and people can do, a healthy store is sound.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use seriatim::core::{DecodeError, Domain, EventFilter};
use seriatim::prelude::*;
use seriatim::{
    App, BackOff, DeadLetter, Decision, FailurePolicy, LetterFilter, LetterStatus, PieceState,
    PieceStatus, Process, Projector, Verb,
};

use crate::desk::{Board, BoardCommand, Desk, DeskCommand, DeskEvent, Pins};
use crate::stage::*;

/// The desks whose timers and projectors fail.
static BROKEN: Mutex<BTreeSet<Uuid>> = Mutex::new(BTreeSet::new());

#[tokio::test]
async fn what_senders_do_is_sound() {
    for stage in Stage::both() {
        let cast = Cast::start(&stage).await;
        let app = &cast.app;
        app.of::<Desk>(cast.desk).send(done("plain")).await.unwrap();
        cast.settled_and_sound("a command").await;
        for _ in 0..2 {
            let named = app
                .of::<Desk>(cast.desk)
                .send(done("named"))
                .external_id("till/1");
            named.wait_for("pins").await.unwrap();
        }
        cast.settled_and_sound("a command under an external id, twice")
            .await;
        let book = app.of::<Desk>(cast.desk).send(done("a")).and(done("b"));
        book.expecting(0).await.unwrap();
        cast.settled_and_sound("a book that was merged").await;
        for _ in 0..2 {
            let tag = "told".to_owned();
            let fact = app
                .of::<Desk>(cast.desk)
                .record(DeskEvent::Done { tag }, "stripe", "pi_1");
            fact.await.unwrap();
        }
        cast.settled_and_sound("a fact, twice").await;
        let nothing = app.of::<Desk>(cast.desk).send(done("never"));
        nothing.simulate(seriatim::core::At::Current).await.unwrap();
        cast.settled_and_sound("a simulation").await;
        let loud = BoardCommand::Pin { tag: "!".into() };
        let rejected = app
            .of::<Board>(cast.desk)
            .send(loud)
            .external_id("till/2")
            .await;
        assert!(matches!(rejected, Err(SubmitError::Rejected(_))));
        cast.settled_and_sound("a command that is rejected").await;
        cast.end(stage).await;
    }
}

#[tokio::test]
async fn what_people_do_about_parked_commands_is_sound() {
    for stage in Stage::both() {
        let cast = Cast::start(&stage).await;
        cast.app
            .of::<Desk>(cast.desk)
            .send(done("first"))
            .await
            .unwrap();
        for external_id in [None, Some("form-9")] {
            for verb in [Verb::Resubmit, Verb::Discard] {
                let stale = cast.app.of::<Desk>(cast.desk).send(done("stale"));
                let mut stale = stale.expecting(NoStream).merge(MergeStrategy::Manual);
                if let Some(id) = external_id {
                    stale = stale.external_id(format!("{id}/{verb:?}"));
                }
                let receipt = stale.await.unwrap();
                assert!(matches!(receipt.outcome, Outcome::DeadLettered { .. }));
                cast.settled_and_sound("a command was parked").await;
                let letter = cast.letter().await;
                cast.app.desk().open(letter.id()).await.unwrap();
                cast.decide(&letter, verb).await;
                cast.settled_and_sound("it was decided about").await;
            }
        }
        cast.end(stage).await;
    }
}

#[tokio::test]
async fn what_becomes_of_effects_is_sound() {
    for stage in Stage::both() {
        let cast = Cast::start(&stage).await;
        let first = cast.app.of::<Desk>(cast.desk).send(done("first"));
        first.wait_for("pins").await.unwrap();
        for verb in [Verb::Resubmit, Verb::Discard] {
            cast.app
                .of::<Desk>(cast.desk)
                .send(done("careful"))
                .await
                .unwrap();
            cast.settled_and_sound("an effect was parked, and another was handed back")
                .await;
            let letter = cast.letter().await;
            assert!(
                matches!(&letter, DeadLetter::Command(letter) if letter.request.effect.is_some())
            );
            cast.decide(&letter, verb).await;
            cast.settled_and_sound("it was decided about").await;
        }
        cast.end(stage).await;
    }
}

#[tokio::test]
async fn what_people_do_about_events_is_sound() {
    for stage in Stage::both() {
        let cast = Cast::start(&stage).await;
        cast.app
            .of::<Desk>(cast.desk)
            .send(done("poison"))
            .await
            .unwrap();
        cast.app
            .of::<Desk>(cast.desk)
            .send(done("behind"))
            .await
            .unwrap();
        let letter = cast.letter().await;
        cast.sound("a stream was parked").await;
        cast.decide(&letter, Verb::Resubmit).await;
        until("it has failed again", async || {
            !cast.letter().await.attempts().is_empty()
        })
        .await;
        cast.sound("it was resubmitted in vain").await;
        cast.decide(&cast.letter().await, Verb::Discard).await;
        cast.until_nothing_waits().await;
        cast.settled_and_sound("it was discarded").await;
        cast.app
            .of::<Desk>(cast.desk)
            .send(done("absurd"))
            .await
            .unwrap();
        until("it was skipped", async || {
            !cast.letters(LetterStatus::Discarded).await.is_empty()
        })
        .await;
        cast.settled_and_sound("an event was skipped by policy")
            .await;
        cast.end(stage).await;
    }
}

#[tokio::test]
async fn what_is_paused_and_resumed_is_sound() {
    for stage in Stage::both() {
        let cast = Cast::start(&stage).await;
        cast.breaks();
        cast.app
            .of::<Desk>(cast.desk)
            .send(done("halt"))
            .await
            .unwrap();
        let halting = "halting".parse().unwrap();
        let paused = async || {
            let status = cast.app.reactions().status();
            let is_paused = |piece: &PieceStatus| matches!(piece.state, PieceState::Paused { .. });
            status.iter().any(is_paused)
        };
        until("its work is paused", paused).await;
        cast.sound("a component was paused").await;
        cast.is_mended();
        cast.app.reactions().resume(&halting).await.unwrap();
        until("it goes on", async || !paused().await).await;
        cast.settled_and_sound("it was resumed").await;
        cast.end(stage).await;
    }
}

#[tokio::test]
async fn what_timers_do_is_sound() {
    for stage in Stage::both() {
        let cast = Cast::start(&stage).await;
        for tag in ["sleep", "wake", "ring"] {
            cast.app
                .of::<Desk>(cast.desk)
                .send(done(tag))
                .await
                .unwrap();
            cast.settled_and_sound("a timer was set, cancelled, or ran out")
                .await;
        }
        cast.until_it_rang(1).await;
        cast.settled_and_sound("a timer ran out").await;
        cast.breaks();
        cast.app
            .of::<Desk>(cast.desk)
            .send(done("ring"))
            .await
            .unwrap();
        let letter = cast.letter().await;
        cast.sound("a timer is stuck").await;
        cast.is_mended();
        cast.decide(&letter, Verb::Resubmit).await;
        cast.until_it_rang(2).await;
        cast.until_nothing_waits().await;
        cast.settled_and_sound("the stuck timer was resubmitted")
            .await;
        cast.end(stage).await;
    }
}

/// An application with all kinds of components, some of which fail on certain tags.
struct Cast {
    app: App,
    desk: Uuid,
}

impl Cast {
    async fn start(stage: &Stage) -> Self {
        let at_once = |policy| FailurePolicy {
            back_off: BackOff {
                retries: 0,
                ..BackOff::default()
            },
            ..policy
        };
        let skipping = FailurePolicy {
            skip: vec!["Done".into()],
            ..FailurePolicy::park()
        };
        let app = stage.quiet().await.saga(Pins { copies: 1 }).saga(Careful);
        let app = app
            .process_manager::<Bell>()
            .projector("skipping", EventFilter::default(), FailsOn("absurd"))
            .projector("halting", EventFilter::default(), FailsOn("halt"))
            .failure_policy("pins", at_once(FailurePolicy::park()))
            .failure_policy("bell.timers", at_once(FailurePolicy::park()))
            .failure_policy("skipping", at_once(skipping))
            .failure_policy("halting", at_once(FailurePolicy::pause()));
        Self {
            app: app.start().await.unwrap(),
            desk: Uuid::now_v7(),
        }
    }

    fn breaks(&self) {
        BROKEN.lock().unwrap().insert(self.desk);
    }

    fn is_mended(&self) {
        BROKEN.lock().unwrap().remove(&self.desk);
    }

    /// With the components, and from outside.
    async fn sound(&self, after: &str) {
        let store = self.app.coordinator().store();
        let outside = seriatim::audit(store, &[], |_| {}).await.unwrap();
        assert_eq!(sentences(&outside), [], "after {after}");
        assert_eq!(found(&self.app).await, [], "after {after}");
    }

    /// The same once all has been handled.
    async fn settled_and_sound(&self, after: &str) {
        settled(&self.app).await;
        self.sound(after).await;
    }

    async fn letters(&self, status: LetterStatus) -> Vec<DeadLetter> {
        let filter = LetterFilter {
            status: Some(status),
            ..LetterFilter::default()
        };
        self.app.desk().letters(&filter, 9).await.unwrap()
    }

    /// The one that waits, or will.
    async fn letter(&self) -> DeadLetter {
        until("a letter waits", async || {
            !self.letters(LetterStatus::Parked).await.is_empty()
        })
        .await;
        let mut letters = self.letters(LetterStatus::Parked).await;
        assert_eq!(letters.len(), 1, "{letters:?}");
        letters.remove(0)
    }

    async fn until_nothing_waits(&self) {
        until("nothing waits", async || {
            self.letters(LetterStatus::Parked).await.is_empty()
        })
        .await;
    }

    async fn decide(&self, letter: &DeadLetter, verb: Verb) {
        let decision = Decision {
            letter: letter.id(),
            action: verb.into(),
            actor: Some("the operator".into()),
            reason: Some("because".into()),
        };
        self.app.desk().decide(&decision).await.unwrap();
    }

    async fn until_it_rang(&self, times: usize) {
        until("it rang", async || {
            let steps = self
                .app
                .of::<Process<Bell>>(self.desk)
                .events(Sequence::FIRST, 99);
            let steps = steps.await.unwrap().into_iter();
            let triggers = steps.map(|step| step.of::<Process<Bell>>().unwrap().unwrap().trigger);
            triggers
                .filter(|trigger| matches!(trigger, Trigger::Timer(_)))
                .count()
                == times
        })
        .await;
    }

    async fn end(self, stage: Stage) {
        self.app.shutdown().await.unwrap();
        stage.gone().await;
    }
}

fn done(tag: &str) -> DeskCommand {
    DeskCommand::Do { tag: tag.into() }
}

/// Pins to an empty board only what is done with care; if it is not empty, a person is asked.
struct Careful;

impl Saga for Careful {
    const NAME: &'static str = "careful";
    type Source = Desk;

    fn react(&self, event: &DeskEvent, recorded: &RecordedEvent, effects: &mut Effects) {
        if let DeskEvent::Done { tag } = event
            && tag == "careful"
        {
            let pin = BoardCommand::Pin { tag: tag.clone() };
            let sent = effects.send::<Board>(recorded.stream.root, &pin);
            sent.expecting(NoStream).merge(MergeStrategy::Manual);
        }
    }
}

/// Rings soon after `ring`, and not after `sleep`, which is set and cancelled.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Bell {
    desk: Uuid,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Heard {
    desk: Uuid,
    tag: String,
}

impl ProcessManager for Bell {
    const NAME: &'static str = "bell";
    type Input = Heard;

    fn filter() -> EventFilter {
        EventFilter {
            domains: vec![Domain::of::<Desk>()],
            ..EventFilter::default()
        }
    }

    fn correlate(recorded: &RecordedEvent) -> Result<Option<(Uuid, Heard)>, DecodeError> {
        let Some(event) = recorded.of::<Desk>() else {
            return Ok(None);
        };
        let DeskEvent::Done { tag } = event? else {
            return Ok(None);
        };
        let desk = recorded.stream.root;
        Ok(Some((desk, Heard { desk, tag })))
    }

    fn decide(&self, trigger: &Trigger<Heard>, plan: &mut Plan) {
        match trigger {
            Trigger::Input(heard) => match heard.tag.as_str() {
                "sleep" => plan.set_timer("sleep", Duration::from_secs(3600)),
                "wake" => plan.cancel_timer("sleep"),
                "ring" => plan.set_timer("ring", Duration::from_millis(1)),
                _ => {}
            },
            Trigger::Timer(_) => {
                let broken = BROKEN.lock().unwrap().contains(&self.desk);
                assert!(!broken, "the bell is broken");
            }
            Trigger::Rejected(_) => {}
        }
    }

    fn evolve(&mut self, trigger: &Trigger<Heard>) {
        if let Trigger::Input(heard) = trigger {
            self.desk = heard.desk;
        }
    }
}

/// A projector that fails on a tag; on `halt` as long as its desk is broken.
struct FailsOn(&'static str);

impl Projector for FailsOn {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        for recorded in events {
            let Some(Ok(DeskEvent::Done { tag })) = recorded.of::<Desk>() else {
                continue;
            };
            let is_mended = self.0 == "halt" && {
                let broken = BROKEN.lock().unwrap();
                !broken.contains(&recorded.stream.root)
            };
            if tag == self.0 && !is_mended {
                return Err("it does not like that".into());
            }
        }
        Ok(())
    }
}
