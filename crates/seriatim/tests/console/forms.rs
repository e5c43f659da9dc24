//! What is typed wrong is said, and nothing that was typed is lost.

use seriatim::prelude::*;
use seriatim::{LetterStatus, Verb};

use crate::server::{EVERYTHING, Server};
use crate::tab::{Do, Tab};

async fn nothing_has_happened(server: &Server, root: Uuid, letter: Uuid) {
    assert_eq!(server.events(root).await, ["Opened", "Noted"]);
    let letter = server.letter(letter).await;
    assert_eq!(letter.status(), LetterStatus::Parked);
    assert!(letter.attempts().is_empty(), "{:?}", letter.attempts());
}

#[tokio::test]
async fn a_resubmission_says_where_it_looked() {
    let server = Server::open().await;
    let (root, letter) = server.parked().await;
    let client = server.stranger();
    let path = format!("/letters/{letter}/resubmit");
    for (expected, status) in [
        ("", 422),
        ("x", 422),
        ("-1", 422),
        ("99999999999", 422),
        ("0", 409),
        ("none", 409),
        ("7", 409),
    ] {
        let answer = client.post(&path, &[("expected", expected)]).await;
        assert_eq!(answer.status, status, "{expected}");
        assert!(answer.says("id=\"alert\"") && answer.says("id=\"resubmit\""));
    }
    assert_eq!(client.post_text(&path, "").await.status, 422);
    assert_eq!(
        client.post_text(&path, "%FF=%FE&expected=%FF").await.status,
        422
    );
    nothing_has_happened(&server, root, letter).await;
    // The stream has moved since the page was shown.
    let note = "later".into();
    server
        .app
        .of::<Tab>(root)
        .send(Do::Note { note })
        .await
        .unwrap();
    let answer = client.post(&path, &[("expected", "1")]).await;
    assert_eq!(answer.status, 409);
    assert!(answer.says("does not stand where you looked"));
    assert!(answer.says("name=\"expected\" value=\"2\""));
}

#[tokio::test]
async fn a_discard_needs_a_reason() {
    let server = Server::open().await;
    let (root, letter) = server.parked().await;
    let client = server.stranger();
    for reason in ["", "   "] {
        let path = format!("/letters/{letter}/discard");
        let answer = client.post(&path, &[("reason", reason)]).await;
        assert_eq!(answer.status, 422);
        assert!(answer.says("Say why it is given up."));
    }
    nothing_has_happened(&server, root, letter).await;
}

#[tokio::test]
async fn a_mistake_in_an_edited_command_keeps_the_text() {
    let server = Server::open().await;
    let (root, letter) = server.parked().await;
    let client = server.stranger();
    let path = format!("/letters/{letter}/edit");
    let form = client.get(&path).await;
    assert!(form.says("&#34;note&#34;: &#34;mine&#34;"), "{}", form.body);
    for (commands, why) in [
        ("", "line 1"),
        ("{\n\"type\": \"Note\",\n\"data\": {,}}", "line 3"),
        ("[]", "at least one"),
        ("{\"type\": \"Note\"}", "no `data`"),
        ("{\"type\": \"Dance\", \"data\": {}}", "Dance"),
        ("{\"type\": \"Note\", \"data\": {\"note\": 7}}", "note"),
        ("</textarea><script>hurt()</script>", "not JSON"),
    ] {
        let fields = [("expected", "1"), ("commands", commands)];
        let answer = client.post(&path, &fields).await;
        assert_eq!(answer.status, 422, "{commands}: {}", answer.body);
        assert!(
            answer.says("id=\"alert\"") && answer.says(why),
            "{why}: {}",
            answer.body
        );
        let escaped = commands
            .replace('&', "&#38;")
            .replace('<', "&#60;")
            .replace('>', "&#62;")
            .replace('"', "&#34;");
        assert!(answer.says(&escaped), "{}", answer.body);
    }
    let fields = [
        ("expected", "0"),
        ("commands", r#"{"type":"Note","data":{"note":"x"}}"#),
    ];
    let answer = client.post(&path, &fields).await;
    assert_eq!(answer.status, 409);
    assert_eq!(server.events(root).await.len(), 2);
    assert_eq!(server.letter(letter).await.status(), LetterStatus::Parked);
}

/// A rejection is a result of the attempt: the letter keeps it, and the visitor keeps the text.
#[tokio::test]
async fn an_edited_command_that_is_rejected_leaves_the_letter_open() {
    let server = Server::open().await;
    let (root, letter) = server.parked().await;
    let client = server.stranger();
    let path = format!("/letters/{letter}/edit");
    let fields = [
        ("expected", "1"),
        ("commands", r#"{"type":"Pay","data":{"cents":0}}"#),
    ];
    let answer = client.post(&path, &fields).await;
    assert_eq!(answer.status, 422);
    assert!(answer.says("nobody pays nothing") && answer.says("&#34;cents&#34;:0"));
    assert_eq!(server.events(root).await.len(), 2);
    assert_eq!(server.letter(letter).await.attempts().len(), 1);
    let page = client.get(&format!("/letters/{letter}")).await;
    assert!(page.says("id=\"last\"") && page.says("nobody pays nothing"));
}

#[tokio::test]
async fn a_fact_says_where_it_comes_from() {
    let server = Server::open().await;
    let (root, letter) = server.parked().await;
    let client = server.stranger();
    let path = format!("/letters/{letter}/fact");
    assert!(client.get(&path).await.says("<option>Paid</option>"));
    let right = [
        ("type", "Paid"),
        ("data", "{\"cents\":5}"),
        ("source", "till"),
        ("description", "by hand"),
        ("external_id", "receipt-1"),
    ];
    for (wrong, value) in [
        ("type", ""),
        ("type", "Danced"),
        ("data", ""),
        ("data", "{"),
        ("data", "{\"cents\":\"five\"}"),
        ("source", " "),
        ("description", ""),
        ("external_id", ""),
    ] {
        let fields: Vec<_> = right
            .iter()
            .map(|(name, had)| (*name, if *name == wrong { value } else { had }))
            .collect();
        let answer = client.post(&path, &fields).await;
        assert_eq!(answer.status, 422, "{wrong}={value}: {}", answer.body);
        assert!(answer.says("id=\"alert\""));
        let kept = if wrong == "source" { "by hand" } else { "till" };
        assert!(answer.says(&format!("value=\"{kept}\"")), "{wrong}");
    }
    assert_eq!(server.events(root).await.len(), 2);
    assert_eq!(client.post(&path, &right).await.status, 303);
    assert_eq!(server.events(root).await, ["Opened", "Noted", "Paid"]);
}

#[tokio::test]
async fn the_second_of_two_is_told_who_was_first() {
    let server = Server::asking().await;
    let (root, letter) = server.parked().await;
    let (ann, bob) = (
        server.visitor("ann", &EVERYTHING),
        server.visitor("bob", &EVERYTHING),
    );
    let edit = format!("/letters/{letter}/edit");
    let note = r#"{"type":"Note","data":{"note":"both"}}"#;
    let first = ann
        .post(&edit, &[("expected", "1"), ("commands", note)])
        .await;
    assert_eq!(first.status, 303);
    let mine = r#"{"type":"Note","data":{"note":"bobs"}}"#;
    let second = bob
        .post(&edit, &[("expected", "1"), ("commands", mine)])
        .await;
    assert_eq!(second.status, 409);
    assert!(second.says("by ann at 2"), "{}", second.body);
    assert!(second.says("bobs"));
    let path = format!("/letters/{letter}/resubmit");
    let late = bob.post(&path, &[("expected", "1")]).await;
    assert_eq!(late.status, 409);
    assert!(late.says("by ann at 2") && !late.says("id=\"resubmit\""));
    assert_eq!(server.events(root).await.len(), 3);
}

#[tokio::test]
async fn a_simulation_writes_nothing() {
    let server = Server::open().await;
    let (root, letter) = server.parked().await;
    let client = server.stranger();
    let path = format!("/letters/{letter}?simulate=now");
    let answer = client.get(&path).await;
    assert!(
        answer.says("At sequence 1:") && answer.says("1 event") && answer.says("The state then")
    );
    nothing_has_happened(&server, root, letter).await;
    let desk = server.app.desk();
    let decision = seriatim::Decision {
        letter,
        action: Verb::Discard.into(),
        actor: Some("ann".into()),
        reason: Some("no use".into()),
    };
    desk.decide(&decision).await.unwrap();
    assert!(client.get(&path).await.says("already, by ann"));
}

#[tokio::test]
async fn the_letter_of_an_event_is_resubmitted_or_discarded_and_no_more() {
    let server = Server::open().await;
    let letter = server.given_up().await;
    let client = server.stranger();
    let page = client.get(&format!("/letters/{letter}?simulate=now")).await;
    assert!(page.says("the till takes no 13 cents") && page.says("handle the event again"));
    assert!(!page.says("id=\"edit\"") && !page.says("id=\"fact\""));
    for what in ["edit", "fact"] {
        assert_eq!(
            client
                .get(&format!("/letters/{letter}/{what}"))
                .await
                .status,
            422
        );
        assert_eq!(
            client
                .post(&format!("/letters/{letter}/{what}"), &[])
                .await
                .status,
            422
        );
    }
    let discard = format!("/letters/{letter}/discard");
    assert_eq!(
        client.post(&discard, &[("reason", "odd sum")]).await.status,
        303
    );
    seriatim_testkit::until("the event is skipped", async || {
        server.letter(letter).await.status() == LetterStatus::Discarded
    })
    .await;
}
