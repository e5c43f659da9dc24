//! Who is let in, and what keeps other sites out.

use seriatim::prelude::*;
use seriatim::security::Verb;

use crate::server::{EVERYTHING, Server};

#[tokio::test]
async fn who_is_not_known_is_asked_for_a_token_which_a_cookie_keeps() {
    let server = Server::asking().await;
    let stranger = server.stranger();
    for path in ["/", "/letters", "/letters/x", "/nowhere"] {
        let answer = stranger.get(path).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some("/sign-in"))
        );
    }
    assert_eq!(stranger.get("/sign-in").await.status, 200);
    let token = server.token("ann", &EVERYTHING, "tab");
    let answer = stranger
        .post("/sign-in", &[("token", &format!(" {token}\n"))])
        .await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    let cookie = answer.header("set-cookie").unwrap();
    assert_eq!(
        cookie,
        format!("seriatim_console={token}; Path=/; HttpOnly; SameSite=Strict")
    );
    let known = stranger.with_token(&token);
    let overview = known.get("/").await;
    assert_eq!(overview.status, 200);
    assert!(overview.says("<span>ann</span>"));
    let gone = known.post("/sign-out", &[]).await;
    assert_eq!(
        (gone.status, gone.header("location")),
        (303, Some("/sign-in"))
    );
    assert!(
        gone.header("set-cookie").unwrap().contains("=; ")
            && gone.header("set-cookie").unwrap().contains("Max-Age=0")
    );
}

#[tokio::test]
async fn a_wrong_token_is_refused_and_no_cookie_kept() {
    let server = Server::asking().await;
    let stranger = server.stranger();
    for (token, status) in [
        ("", 422),
        ("  ", 422),
        ("srt_wrong", 401),
        ("a;b", 401),
        ("e.y.J", 401),
    ] {
        let answer = stranger.post("/sign-in", &[("token", token)]).await;
        assert_eq!(
            (answer.status, answer.header("set-cookie")),
            (status, None),
            "{token}"
        );
        assert!(answer.says("role=\"alert\""));
    }
    let answer = stranger.post_text("/sign-in", &"x".repeat(20 * 1024)).await;
    assert_eq!(answer.status, 413);
    assert_eq!(stranger.with_token("srt_wrong").get("/").await.status, 303);
}

/// Rights are asked for with each request, so a token that is revoked is one no more.
#[tokio::test]
async fn what_is_revoked_is_over_at_the_next_request() {
    let server = Server::asking().await;
    let (root, letter) = server.parked().await;
    let token = server.token("ann", &EVERYTHING, "tab");
    let ann = server.stranger().with_token(&token);
    assert_eq!(ann.get("/").await.status, 200);
    server.revoke("ann", &token);
    assert_eq!(ann.get("/").await.header("location"), Some("/sign-in"));
    let path = format!("/letters/{letter}/resubmit");
    let refused = ann.post(&path, &[("expected", "1")]).await;
    assert_eq!(refused.status, 401);
    assert_eq!(server.events(root).await.len(), 2);
}

#[tokio::test]
async fn a_form_that_another_site_posts_does_nothing() {
    let server = Server::asking().await;
    let (root, letter) = server.parked().await;
    let ann = server.visitor("ann", &EVERYTHING);
    let path = format!("/letters/{letter}/resubmit");
    for origin in ["", "null", "https://evil.example", "http://127.0.0.1:1"] {
        let mut ann = ann.clone();
        ann.origin = origin.into();
        for (path, fields) in [
            (path.as_str(), ("expected", "1")),
            ("/sign-in", ("token", "x")),
            ("/sign-out", ("", "")),
        ] {
            let answer = ann.post(path, &[fields]).await;
            assert_eq!(
                (answer.status, answer.header("set-cookie")),
                (403, None),
                "{origin} {path}"
            );
        }
        // What the browser says of the page does not outweigh the origin.
        let said = ann.with_line("Sec-Fetch-Site: cross-site");
        assert_eq!(said.post(&path, &[("expected", "1")]).await.status, 403);
    }
    assert_eq!(server.events(root).await.len(), 2);
    assert!(server.letter(letter).await.attempts().is_empty());
    // A browser that says only how the page is related is believed.
    let mut plain = ann.clone().with_line("Sec-Fetch-Site: same-origin");
    plain.origin = String::new();
    assert_eq!(plain.post(&path, &[("expected", "1")]).await.status, 303);
    assert_eq!(server.events(root).await.len(), 3);
}

/// A name that an attacker has pointed at this machine is the attacker's own origin.
#[tokio::test]
async fn where_nobody_is_asked_it_is_reached_only_as_this_machine() {
    let server = Server::open().await;
    let mut client = server.stranger();
    assert_eq!(client.get("/").await.status, 200);
    assert_eq!(client.get("/sign-in").await.header("location"), Some("/"));
    for host in ["evil.example", "localhost.evil.example:80", ""] {
        client.host = host.into();
        assert_eq!(client.get("/").await.status, 403, "{host}");
    }
    client.host = format!("localhost:{}", server.address.port());
    assert_eq!(client.get("/").await.status, 200);
    // Who is asked shows who it is, and may come by any name.
    let asking = Server::asking().await;
    let mut ann = asking.visitor("ann", &[Verb::Observe]);
    ann.host = "console.example".into();
    assert_eq!(ann.get("/").await.status, 200);
}

#[tokio::test]
async fn every_answer_has_the_rules_for_the_browser() {
    let server = Server::asking().await;
    let ann = server.visitor("ann", &EVERYTHING);
    let stranger = server.stranger();
    for answer in [
        ann.get("/").await,
        ann.get("/nowhere").await,
        stranger.get("/").await,
        stranger.get("/console.css").await,
        stranger.get("/console.svg").await,
        stranger.get("/console.js").await,
    ] {
        assert_eq!(
            answer.header("content-security-policy"),
            Some("default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'")
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    assert_eq!(ann.get("/nowhere").await.status, 404);
    let ids = [Uuid::nil().to_string(), "%3Cscript%3E".into()];
    for id in ids {
        let answer = ann.get(&format!("/letters/{id}")).await;
        assert_eq!(answer.status, 404);
        assert!(!answer.says("<script>"));
    }
}
