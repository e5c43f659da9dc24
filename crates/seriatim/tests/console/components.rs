//! Components are shown, paused and resumed.

use seriatim::security::Verb;
use seriatim_testkit::until;

use crate::server::{EVERYTHING, Server};

#[tokio::test]
async fn a_component_is_paused_with_a_reason_and_resumed() {
    let server = Server::asking().await;
    server.given_up().await;
    let ann = server.visitor("ann", &EVERYTHING);
    let page = ann.get("/components").await;
    assert!(
        page.says("data-name=\"till\"") && page.says("href=\"/letters?component=till\""),
        "{}",
        page.body
    );
    assert!(page.says("1, since <time"));
    for (path, fields) in [
        ("/components/till/pause", [("reason", "  ")]),
        ("/components/absent/pause", [("reason", "x")]),
        ("/components/absent/resume", [("reason", "x")]),
        ("/components/A%20B/pause", [("reason", "x")]),
    ] {
        let answer = ann.post(path, &fields).await;
        assert_eq!(answer.status, 422, "{path}");
        assert!(answer.says("role=\"alert\""));
    }
    let paused = ann
        .post("/components/till/pause", &[("reason", "<b>jam</b>")])
        .await;
    assert_eq!(
        (paused.status, paused.header("location")),
        (303, Some("/components"))
    );
    let page = ann.get("/components").await;
    assert!(
        page.says("ann has paused it: &#60;b&#62;jam&#60;/b&#62;"),
        "{}",
        page.body
    );
    until("the overview says it", async || {
        ann.get("/").await.says("paused</strong>")
    })
    .await;
    let resumed = ann.post("/components/till/resume", &[("reason", "")]).await;
    assert_eq!(resumed.status, 303);
    assert!(!ann.get("/components").await.says("class=\"paused\""));
    until("it goes on", async || {
        !ann.get("/").await.says("paused</strong>")
    })
    .await;
}

#[tokio::test]
async fn who_may_not_operate_is_offered_nothing_and_refused() {
    let server = Server::asking().await;
    let looks = server.visitor("looks", &[Verb::Observe, Verb::LettersRead]);
    let page = looks.get("/components").await;
    assert!(
        page.says("data-name=\"till\"")
            && !page.says("class=\"pause\"")
            && !page.says("class=\"resume\"")
    );
    for what in ["pause", "resume"] {
        let path = format!("/components/till/{what}");
        assert_eq!(looks.post(&path, &[("reason", "jam")]).await.status, 403);
    }
    let store = server.app.coordinator().store();
    let till = seriatim::Component::new("till").unwrap();
    assert_eq!(store.pause_of(&till).await.unwrap(), None);
    let reads = server.visitor("reads", &[Verb::Read]);
    assert!(!reads.get("/").await.says("href=\"/components\""));
    assert_eq!(reads.get("/components").await.status, 403);
}
