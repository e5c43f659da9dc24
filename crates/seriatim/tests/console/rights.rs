//! What a visitor may not do is neither offered nor done.

use seriatim::prelude::*;
use seriatim::security::Verb::{self, *};
use seriatim::{DeadLetter, LetterStatus};

use crate::server::{EVERYTHING, Server};

/// Each form that decides about a letter, with the fields that a page would send.
fn posts(letter: Uuid) -> Vec<(String, Vec<(&'static str, &'static str)>)> {
    let edited = r#"{"type":"Note","data":{"note":"both"}}"#;
    let at = |what: &str| format!("/letters/{letter}/{what}");
    vec![
        (at("resubmit"), vec![("expected", "1")]),
        (at("discard"), vec![("reason", "no use")]),
        (at("edit"), vec![("expected", "1"), ("commands", edited)]),
        (
            at("fact"),
            vec![
                ("type", "Paid"),
                ("data", "{\"cents\":5}"),
                ("source", "till"),
                ("description", "paid by hand"),
                ("external_id", "receipt-1"),
            ],
        ),
    ]
}

fn without(verb: Verb) -> Vec<Verb> {
    let all = EVERYTHING.into_iter();
    all.filter(|had| *had != verb).collect()
}

#[tokio::test]
async fn a_post_without_its_right_is_refused_and_nothing_is_written() {
    let server = Server::asking().await;
    let (root, letter) = server.parked().await;
    for missing in [LettersRead, LettersResolve] {
        let visitor = server.visitor("clerk", &without(missing));
        for (path, fields) in posts(letter) {
            let answer = visitor.post(&path, &fields).await;
            assert_eq!(answer.status, 403, "{path} without {missing}");
        }
    }
    // To resubmit and to discard one need not see what is in it.
    let blind = server.visitor("blind", &without(LettersPayload));
    for (path, fields) in &posts(letter)[2..] {
        assert_eq!(blind.post(path, fields).await.status, 403, "{path}");
    }
    assert_eq!(server.events(root).await, ["Opened", "Noted"]);
    let letter = server.letter(letter).await;
    assert_eq!(letter.status(), LetterStatus::Parked);
    assert!(letter.attempts().is_empty());
}

#[tokio::test]
async fn each_post_is_done_for_who_may() {
    for which in 0..4 {
        let server = Server::asking().await;
        let (root, letter) = server.parked().await;
        let ann = server.visitor("ann", &EVERYTHING);
        let (path, fields) = posts(letter).swap_remove(which);
        let answer = ann.post(&path, &fields).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.body);
        let location = format!("/letters/{letter}");
        assert_eq!(answer.header("location"), Some(location.as_str()));
        let decided = server.letter(letter).await;
        assert_ne!(decided.status(), LetterStatus::Parked);
        assert_eq!(decided.attempts()[0].actor.as_deref(), Some("ann"));
        let events = server.events(root).await;
        let last = ["Noted", "Noted", "Noted", "Paid"][which];
        assert_eq!(events.last().unwrap(), last);
        assert_eq!(events.len(), if which == 1 { 2 } else { 3 });
    }
}

#[tokio::test]
async fn a_letter_that_one_may_not_see_is_as_one_that_does_not_exist() {
    let server = Server::asking().await;
    let secret = server.parked_secret().await;
    let ann = server.visitor("ann", &EVERYTHING);
    let shown = |id: Uuid| {
        let ann = ann.clone();
        async move {
            let mut answers = vec![ann.get(&format!("/letters/{id}")).await];
            for (path, fields) in posts(id) {
                answers.push(ann.post(&path, &fields).await);
            }
            answers.push(ann.get(&format!("/letters/{id}/edit")).await);
            answers.push(ann.get(&format!("/letters/{id}/fact")).await);
            let answers = answers.into_iter();
            answers
                .map(|answer| (answer.status, answer.body))
                .collect::<Vec<_>>()
        }
    };
    let (of_secret, of_nothing) = (shown(secret).await, shown(Uuid::now_v7()).await);
    assert_eq!(of_secret, of_nothing);
    assert!(of_secret.iter().all(|(status, _)| *status == 404));
    assert!(server.letter(secret).await.attempts().is_empty());
    let list = ann.get("/letters?status=").await;
    assert!(list.says("There are none"));
    assert!(!ann.get("/").await.says("secret"));
    // A domain that does not exist and one that is forbidden read alike too.
    let of_secret = ann.get("/letters?domain=secret").await.body;
    let of_nothing = ann.get("/letters?domain=absent").await.body;
    assert_eq!(of_secret.replace("secret", "absent"), of_nothing);
}

#[tokio::test]
async fn what_one_may_not_do_is_not_offered() {
    let server = Server::asking().await;
    let (_, letter) = server.parked().await;
    let path = format!("/letters/{letter}");
    let all = server.visitor("all", &EVERYTHING).get(&path).await;
    for form in [
        "id=\"resubmit\"",
        "id=\"discard\"",
        "id=\"edit\"",
        "id=\"fact\"",
        "id=\"simulate\"",
    ] {
        assert!(all.says(form), "{form}");
    }
    let reader = server
        .visitor("reader", &[LettersRead, LettersPayload])
        .get(&path)
        .await;
    for form in [
        "id=\"resubmit\"",
        "id=\"discard\"",
        "id=\"edit\"",
        "id=\"fact\"",
    ] {
        assert!(!reader.says(form), "{form}");
    }
    assert!(reader.says("theirs") && reader.says("id=\"simulate\""));
    let blind = server.visitor("blind", &[LettersRead]).get(&path).await;
    assert!(!blind.says("theirs") && !blind.says("mine") && !blind.says("id=\"simulate\""));
    assert!(blind.says("letters.payload"));
    let nobody = server.visitor("nobody", &[Observe]);
    assert!(!nobody.get("/").await.says("href=\"/letters\""));
    assert_eq!(nobody.get("/letters").await.status, 403);
    assert_eq!(nobody.get(&path).await.status, 403);
}

#[tokio::test]
async fn the_failure_of_a_component_needs_the_right_to_payloads() {
    let server = Server::asking().await;
    let letter = server.given_up().await;
    let failure = "the till takes no 13 cents";
    for path in ["/letters".to_owned(), format!("/letters/{letter}")] {
        let seen = server.visitor("all", &EVERYTHING).get(&path).await;
        assert!(seen.says(failure), "{path}");
        let blind = server
            .visitor("blind", &[LettersRead, LettersResolve])
            .get(&path)
            .await;
        assert_eq!(blind.status, 200);
        assert!(!blind.says(failure), "{path}");
    }
    let simulated = server.visitor("blind", &[LettersRead]);
    let path = format!("/letters/{letter}?simulate=now");
    assert_eq!(simulated.get(&path).await.status, 403);
}

/// What is done here is in the audit trail as what is done over gRPC, and what cannot be done is there as a failure.
#[tokio::test]
async fn what_operators_do_is_recorded() {
    let server = Server::asking().await;
    let (_, letter) = server.parked().await;
    let ann = server.visitor("ann", &EVERYTHING);
    let discard = format!("/letters/{letter}/discard");
    assert_eq!(
        ann.post(&discard, &[("reason", "no use")]).await.status,
        303
    );
    assert_eq!(ann.post(&discard, &[("reason", "again")]).await.status, 409);
    let store = server.app.coordinator().store();
    let domain = Domain::new("seriatim.operations").unwrap();
    let days = store.streams(Some(&domain), None, 10).await.unwrap();
    let events = store
        .read_stream(&days[0].stream, Sequence(0), 10)
        .await
        .unwrap();
    let texts: Vec<_> = events
        .iter()
        .map(|event| {
            let text = String::from_utf8_lossy(&event.payload.data).into_owned();
            (
                event.payload.type_name.to_string(),
                event.metadata.actor.clone(),
                text,
            )
        })
        .collect();
    assert_eq!(texts.len(), 3, "{texts:?}");
    let (name, actor, text) = &texts[0];
    assert_eq!((name.as_str(), actor.as_deref()), ("Asked", Some("ann")));
    assert!(
        text.contains("discard") && text.contains("no use") && text.contains(&letter.to_string())
    );
    assert_eq!(texts[1].0, "Asked");
    assert_eq!(texts[2].0, "Failed");
    assert!(texts[2].2.contains("already"), "{texts:?}");
    let DeadLetter::Command(letter) = server.letter(letter).await else {
        panic!("it is of a command")
    };
    assert_eq!(letter.attempts[0].actor.as_deref(), Some("ann"));
}
