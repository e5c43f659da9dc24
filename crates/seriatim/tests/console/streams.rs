//! Streams are found by the beginning of their names, and shown event by event.

use seriatim::prelude::*;
use seriatim::security::Verb;

use crate::server::{EVERYTHING, Server};
use crate::tab::{Do, Tab};

#[tokio::test]
async fn streams_are_found_by_the_beginning_of_their_names() {
    let server = Server::open().await;
    let client = server.stranger();
    let roots = [1u128, 0x0100 << 112, 0x0101 << 112, 0xff00 << 112].map(Uuid::from_u128);
    for root in roots {
        let owner = "Ann".into();
        server
            .app
            .of::<Tab>(root)
            .send(Do::Open { owner })
            .await
            .unwrap();
    }
    for (find, expected) in [
        ("tab", vec![0, 1, 2, 3]),
        ("tab/", vec![0, 1, 2, 3]),
        ("tab/0", vec![0, 1, 2]),
        ("tab/01", vec![1, 2]),
        ("tab/0101-", vec![2]),
        ("tab/FF", vec![3]),
        ("tab/7", vec![]),
        ("absent", vec![]),
    ] {
        let list = client.get(&format!("/streams?find={find}")).await;
        assert_eq!(list.status, 200, "{find}");
        let is_shown = |root: &Uuid| list.says(&format!("href=\"/streams/tab/{root}\""));
        let shown: Vec<_> = (0..4).filter(|number| is_shown(&roots[*number])).collect();
        assert_eq!(shown, expected, "{find}");
    }
    let exact = client.get(&format!("/streams?find=tab/{}", roots[2])).await;
    let path = format!("/streams/tab/{}", roots[2]);
    assert_eq!(
        (exact.status, exact.header("location")),
        (303, Some(path.as_str()))
    );
    for find in ["A%20B", "tab/xyz", "tab/000000000000000000000000000000000"] {
        assert_eq!(
            client.get(&format!("/streams?find={find}")).await.status,
            422,
            "{find}"
        );
    }
    assert_eq!(client.get("/streams?find=tab&after=x").await.status, 422);
}

#[tokio::test]
async fn a_long_list_is_paged() {
    let server = Server::open().await;
    let client = server.stranger();
    for number in 1..=51 {
        let owner = "Ann".into();
        let tab = server.app.of::<Tab>(Uuid::from_u128(number));
        tab.send(Do::Open { owner }).await.unwrap();
    }
    let last = format!("/streams/tab/{}", Uuid::from_u128(51));
    let first = client.get("/streams?find=tab").await;
    assert!(!first.says(&last));
    let after = format!("after={}\"", Uuid::from_u128(50));
    assert!(first.says(&after), "{}", first.body);
    let path = format!("/streams?find=tab&after={}", Uuid::from_u128(50));
    let second = client.get(&path).await;
    assert!(second.says(&last) && !second.says("rel=\"next\""));
}

#[tokio::test]
async fn a_stream_shows_who_wrote_what_and_what_changed() {
    let server = Server::open().await;
    let client = server.stranger();
    let (root, _) = server.parked().await;
    let tab = server.app.of::<Tab>(root);
    for cents in 1..=25 {
        tab.send(Do::Pay { cents }).actor("carl").await.unwrap();
    }
    let path = format!("/streams/tab/{root}");
    let last = client.get(&path).await;
    assert!(
        last.says("State at 26") && last.says("&#34;paid&#34;</a>: 325"),
        "{}",
        last.body
    );
    assert!(
        last.says(">paid</a>: <bdi>300</bdi> → <bdi>325</bdi>") && last.says("<bdi>carl</bdi>")
    );
    assert!(last.says("rel=\"prev\"") && !last.says("rel=\"next\""));
    let first = client.get(&format!("{path}?at=1")).await;
    assert!(first.says("State at 1") && first.says("&#34;note&#34;</a>: &#34;theirs&#34;"));
    assert!(first.says(">owner</a>: <bdi>&#34;&#34;</bdi> → <bdi>&#34;Ann&#34;</bdi>"));
    assert!(!first.says("&#34;paid&#34;</a>: 1") && first.says("rel=\"next\""));
    for at in ["27", "-1", "x", ""] {
        assert_eq!(
            client.get(&format!("{path}?at={at}")).await.status,
            404,
            "{at}"
        );
    }
}

#[tokio::test]
async fn a_field_leads_to_the_events_that_made_it_so() {
    let server = Server::open().await;
    let client = server.stranger();
    let (root, _) = server.parked().await;
    let tab = server.app.of::<Tab>(root);
    for cents in 1..=60 {
        tab.send(Do::Pay { cents }).actor("carl").await.unwrap();
    }
    let path = format!("/streams/tab/{root}");
    let link = format!("href=\"{path}/why?field=paid&amp;through=61\"");
    assert!(client.get(&path).await.says(&link));
    let why = client.get(&format!("{path}/why?field=paid")).await;
    assert!(why.says("<bdi id=\"value\">1830</bdi>"), "{}", why.body);
    assert!(why.says("paid: <bdi>1770</bdi> → <bdi>1830</bdi>") && why.says("<bdi>carl</bdi>"));
    assert!(!why.says("Opened") && !why.says("paid: <bdi>0</bdi>"));
    let older = "/why?field=paid&amp;through=11\"";
    assert!(why.says(older), "{}", why.body);
    let older = client
        .get(&format!("{path}/why?field=paid&through=11"))
        .await;
    assert!(older.says("paid: <bdi>0</bdi> → <bdi>1</bdi>") && !older.says("rel=\"next\""));
    let whole = client.get(&format!("{path}/why?field=&through=1")).await;
    assert!(
        whole.says("note: <bdi>") && whole.says("owner: <bdi>"),
        "{}",
        whole.body
    );
    for (asked, status, says) in [
        ("why?field=piad", 404, "`paid`"),
        ("why?field=paid&through=62", 404, "its last is 61"),
        ("why?field=a..b", 422, "is not a field"),
        ("why?field=%3Cscript%3E", 404, "&#60;script&#62;"),
    ] {
        let refused = client.get(&format!("{path}/{asked}")).await;
        assert_eq!(refused.status, status, "{asked}");
        assert!(refused.says(says), "{asked}: {}", refused.body);
    }
}

#[tokio::test]
async fn a_workflow_is_a_timeline_that_leads_to_streams_and_letters() {
    let server = Server::open().await;
    let client = server.stranger();
    let (root, letter) = server.parked().await;
    let tab = server.app.of::<Tab>(root);
    let id = "<i>7 & 8";
    tab.send(Do::Pay { cents: 5 })
        .correlation_id(id)
        .await
        .unwrap();
    let path = "/workflow?id=%3Ci%3E7%20%26%208";
    let stream = client.get(&format!("/streams/tab/{root}")).await;
    assert!(stream.says(&format!("href=\"{path}\"")), "{}", stream.body);
    let shown = client.get(path).await;
    assert!(shown.says("&#60;i&#62;7 &#38; 8") && shown.says("Paid") && !shown.says("Opened"));
    assert!(shown.says(&format!("href=\"/streams/tab/{root}?at=")));
    let of_letter = client.get(&format!("/letters/{letter}")).await;
    let link = of_letter
        .body
        .split("id=\"workflow\" href=\"")
        .nth(1)
        .unwrap();
    let shown = client.get(link.split('"').next().unwrap()).await;
    assert!(
        shown.says(&format!("href=\"/letters/{letter}\"")),
        "{}",
        shown.body
    );
    let none = client.get("/workflow?id=nothing").await;
    assert!(none.status == 200 && none.says("id=\"none\""));
    for (asked, status) in [("?id=", 422), ("?id=x&after=y", 422), ("", 400)] {
        let refused = client.get(&format!("/workflow{asked}")).await;
        assert_eq!(refused.status, status, "{asked}");
    }
}

#[tokio::test]
async fn a_stream_that_one_may_not_read_is_as_one_that_does_not_exist() {
    let server = Server::asking().await;
    server.parked_secret().await;
    let domain = Domain::new("secret").unwrap();
    let store = server.app.coordinator().store();
    let secret = store
        .streams(Some(&domain), None, 1)
        .await
        .unwrap()
        .remove(0)
        .stream;
    let ann = server.visitor("ann", &EVERYTHING);
    let shown = ann.get(&format!("/streams/{secret}")).await;
    let absent = ann.get(&format!("/streams/absent/{}", secret.root)).await;
    assert_eq!((shown.status, &shown.body), (404, &absent.body));
    let why = ann.get(&format!("/streams/{secret}/why?field=note")).await;
    assert_eq!((why.status, &why.body), (404, &absent.body));
    let list = ann.get("/streams?find=secret").await.body;
    assert_eq!(
        list.replace("secret", "absent"),
        ann.get("/streams?find=absent").await.body
    );
    let blind = server.visitor("blind", &[Verb::Observe]);
    assert!(!blind.get("/").await.says("href=\"/streams\""));
    assert_eq!(blind.get("/streams").await.status, 403);
    assert_eq!(blind.get(&format!("/streams/{secret}")).await.status, 403);
}
