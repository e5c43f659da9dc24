//! What operators did is shown to administrators.

use seriatim::security::Verb;

use crate::server::{EVERYTHING, Server};

#[tokio::test]
async fn administrators_see_what_operators_did_newest_first() {
    let server = Server::asking().await;
    let boss = server.visitor("boss", &[Verb::Admin]);
    assert!(boss.get("/operations").await.says("There are none"));
    let (_, letter) = server.parked().await;
    let ann = server.visitor("ann", &EVERYTHING);
    let discard = format!("/letters/{letter}/discard");
    let reason = [("reason", "<i>no use</i>")];
    assert_eq!(ann.post(&discard, &reason).await.status, 303);
    assert_eq!(ann.post(&discard, &reason).await.status, 409);
    for number in 0..50 {
        let why = format!("jam {number}");
        let fields = [("reason", why.as_str())];
        let paused = ann.post("/components/till/pause", &fields).await;
        assert_eq!(paused.status, 303);
    }
    let first = boss.get("/operations").await;
    let place = |text: &str| first.body.find(text).unwrap();
    assert!(place("jam 49<") < place("jam 48<"));
    assert!(first.says("<bdi>ann</bdi>") && first.says("jam 0<") && !first.says("no use"));
    let next = first.body.split("rel=\"next\" href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap();
    let second = boss.get(next).await;
    assert!(second.says("&#60;i&#62;no use&#60;/i&#62;") && second.says("not done:"));
    assert!(
        second.says(&letter.to_string()) && !second.says("jam") && !second.says("rel=\"next\"")
    );
    assert_eq!(boss.get("/operations?before=x").await.status, 422);
}

#[tokio::test]
async fn others_do_not_see_it() {
    let server = Server::asking().await;
    let ann = server.visitor("ann", &EVERYTHING);
    assert!(!ann.get("/").await.says("href=\"/operations\""));
    assert_eq!(ann.get("/operations").await.status, 403);
    // Where nobody is asked, nothing is recorded.
    let open = Server::open().await;
    assert!(
        open.stranger()
            .get("/operations")
            .await
            .says("nothing is recorded")
    );
}
