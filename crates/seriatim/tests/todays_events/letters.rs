//! A command that was parked yesterday is shown and resubmitted as today's.

use seriatim::core::Payload;
use seriatim::prelude::*;
use seriatim::{DeadLetter, Decision, LetterFilter, OpenLetter, Verb};

use crate::accounts::{Account, yesterday};
use crate::stage::{today_on, written_yesterday, yesterday_on};

#[tokio::test]
async fn a_parked_command_is_shown_and_resubmitted_in_todays_shape() {
    let (store, root) = written_yesterday().await;
    let app = yesterday_on(&store).await;
    let add = yesterday::Do::Add { euros: 4 };
    let parked = app
        .of::<yesterday::Account>(root)
        .send(add)
        .expecting(0)
        .merge(Manual);
    let Outcome::DeadLettered { id, .. } = parked.await.unwrap().outcome else {
        panic!("it is not parked")
    };
    app.shutdown().await.unwrap();

    let app = today_on(&store).start().await.unwrap();
    let desk = app.desk();
    let today = [Payload::json("Deposit", r#"{"cents":400}"#)];
    match &desk.letters(&LetterFilter::default(), 9).await.unwrap()[..] {
        [DeadLetter::Command(letter)] => assert_eq!(letter.request.commands, today),
        other => panic!("{other:?}"),
    }
    match desk.open(id).await.unwrap() {
        OpenLetter::Command(view) => {
            assert_eq!(view.letter.request.commands, today);
            assert_eq!(view.obstacle, None);
        }
        OpenLetter::Reaction(letter) => panic!("{letter:?}"),
    }
    let decision = Decision {
        letter: id,
        action: Verb::Resubmit.into(),
        actor: None,
        reason: None,
    };
    desk.decide(&decision).await.unwrap();
    let now = app.of::<Account>(root).state().await.unwrap();
    assert_eq!(now.state.cents, 900);
    // What is stored of it is what was parked.
    let stored = store.letter(id).await.unwrap().unwrap().request.commands;
    assert_eq!(stored, [Payload::json("Add", r#"{"euros":4}"#)]);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_older_sender_is_understood() {
    let (store, root) = written_yesterday().await;
    let app = today_on(&store).start().await.unwrap();
    let stream = seriatim::core::StreamId::new(seriatim::core::Domain::of::<Account>(), root);
    let old = Payload::json("Add", r#"{"euros":1}"#);
    let request = seriatim::core::CommandRequest::new(stream, old);
    let gateway = app.coordinator();
    seriatim::core::CommandGateway::submit(gateway, request)
        .await
        .unwrap();
    let now = app.of::<Account>(root).state().await.unwrap();
    assert_eq!(now.state.cents, 600);
    app.shutdown().await.unwrap();
}
