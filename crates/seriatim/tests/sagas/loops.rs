//! Sagas that answer one another for ever: they are stopped, and it is said who they are.

use serde::{Deserialize, Serialize};
use seriatim::core::{DeadLetter, Effects, LetterFilter};
use seriatim::prelude::*;
use seriatim::{BackOff, FailurePolicy, ReactionSettings};

use crate::stage::until;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Happened {
    Hit,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum Do {
    Hit,
}

/// Makes an aggregate that hits whenever it is told to, and a saga that tells another to.
macro_rules! player {
    ($name:ident, $domain:literal, $saga:ident, $saga_name:literal, $other:ident) => {
        #[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
        struct $name {}

        impl Aggregate for $name {
            const DOMAIN: &'static str = $domain;
            type Command = Do;
            type Event = Happened;
            type Rejection = Never;

            fn decide(&self, _: &Do) -> Result<Vec<Happened>, Never> {
                Ok(vec![Happened::Hit])
            }

            fn evolve(&mut self, _: &Happened) {}
        }

        struct $saga;

        impl Saga for $saga {
            const NAME: &'static str = $saga_name;
            type Source = $name;

            fn react(&self, _: &Happened, recorded: &RecordedEvent, effects: &mut Effects) {
                effects.send::<$other>(recorded.stream.root, &Do::Hit);
            }
        }
    };
}

player!(Left, "left", ToTheRight, "to-the-right", Right);
player!(Right, "right", ToTheLeft, "to-the-left", Left);

const DEEPEST: u32 = 10;

#[tokio::test]
async fn sagas_that_answer_one_another_are_stopped_and_named() {
    let settings = ReactionSettings {
        deepest: DEEPEST,
        ..ReactionSettings::default()
    };
    let at_once = FailurePolicy {
        back_off: BackOff {
            retries: 0,
            ..BackOff::default()
        },
        ..FailurePolicy::park()
    };
    let app = App::open("memory:").await.unwrap();
    let app = (app.aggregate::<Left>().aggregate::<Right>())
        .saga(ToTheRight)
        .saga(ToTheLeft)
        .failure_policy("to-the-right", at_once)
        .reaction_settings(settings);
    let app = app.start().await.unwrap();
    let root = Uuid::now_v7();
    app.of::<Left>(root).send(Do::Hit).await.unwrap();
    let letters = async || {
        let filter = LetterFilter::default();
        app.desk().letters(&filter, 9).await.unwrap()
    };
    until("they are stopped", async || !letters().await.is_empty()).await;
    let [DeadLetter::Reaction(letter)] = &letters().await[..] else {
        panic!("{:?}", letters().await);
    };
    assert_eq!(letter.work.component.as_str(), "to-the-right");
    assert_eq!(letter.sequence, Sequence(5));
    let turns = format!(
        "; the last were 5 of left/{root} by to-the-left, 4 of right/{root} by to-the-right, \
         4 of left/{root} by to-the-left, 3 of right/{root} by to-the-right"
    );
    assert!(letter.failure.contains(&turns), "{}", letter.failure);

    let left = app
        .of::<Left>(root)
        .events(Sequence::FIRST, 99)
        .await
        .unwrap();
    let right = app
        .of::<Right>(root)
        .events(Sequence::FIRST, 99)
        .await
        .unwrap();
    let depths = |events: &[RecordedEvent]| -> Vec<_> {
        events.iter().map(|event| event.metadata.depth).collect()
    };
    assert_eq!(depths(&left), [0, 2, 4, 6, 8, DEEPEST]);
    assert_eq!(depths(&right), [1, 3, 5, 7, 9]);
    // What others send begins anew.
    let other = Uuid::now_v7();
    app.of::<Right>(other).send(Do::Hit).await.unwrap();
    until("another is as deep", async || {
        let events = app.of::<Right>(other).events(Sequence::FIRST, 99);
        depths(&events.await.unwrap()).last() == Some(&DEEPEST)
    })
    .await;
    app.shutdown().await.unwrap();
}
