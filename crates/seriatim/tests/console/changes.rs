//! Pages that are open while something happens.

use std::time::Duration;

use serde_json::json;
use seriatim::security::{Access, Verb};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::browser::{no_errors, page, shows};
use crate::server::{EVERYTHING, Server};
use crate::tab::{Do, Tab};

const PATIENCE: Duration = Duration::from_secs(60);

/// Opens what a page waits with, and returns it when the first event has come, or what the server answers instead.
async fn wait_for_changes(server: &Server, token: &str) -> (TcpStream, String) {
    let mut line = TcpStream::connect(server.address).await.unwrap();
    let host = server.address;
    let request = format!(
        "GET /changes HTTP/1.1\r\nHost: {host}\r\nCookie: seriatim_console={token}\r\n\r\n"
    );
    line.write_all(request.as_bytes()).await.unwrap();
    let mut said = String::new();
    while !said.contains("event: ") && !said.contains("429") {
        said += &more(&mut line).await;
    }
    (line, said)
}

/// Returns what comes next; an empty text at the end.
async fn more(line: &mut TcpStream) -> String {
    let mut some = [0; 4096];
    let read = timeout(PATIENCE, line.read(&mut some)).await.unwrap();
    String::from_utf8_lossy(&some[..read.unwrap()]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_grows_by_itself_and_keeps_what_one_does_with_it() {
    let server = Server::open().await;
    let (_, first) = server.parked().await;
    let page = page(&server, "/letters").await;
    let link = format!("a.letter[title='{first}']");
    page.type_text("#domain", "half a wo").await.unwrap();
    page.execute(
        "document.querySelector(arguments[0]).focus()",
        [json!(link)],
    )
    .await
    .unwrap();
    let (_, second) = server.parked().await;
    page.until_element(&format!("a.letter[title='{second}']"))
        .await
        .unwrap();
    let kept = page.execute(
        "return [document.activeElement.title, document.querySelector('#domain').value, document.querySelectorAll('a.letter').length]",
        [],
    );
    assert_eq!(
        kept.await.unwrap(),
        json!([first.to_string(), "half a wo", 2])
    );
    no_errors(&page).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_has_changed_says_so_and_shows_it_on_request() {
    let server = Server::open().await;
    let (root, letter) = server.parked().await;
    let page = page(&server, &format!("/letters/{letter}")).await;
    page.type_text("#reason", "no u").await.unwrap();
    shows(&page, "#resubmit", "still at 1").await;
    let note = "third".into();
    let tab = server.app.of::<Tab>(root);
    tab.send(Do::Note { note }).await.unwrap();
    shows(&page, "#live", "This has changed").await;
    // What was read is what is decided about.
    shows(&page, "#resubmit", "still at 1").await;
    page.click("#live button").await.unwrap();
    shows(&page, "#resubmit", "still at 2").await;
    let typed = page.execute("return document.querySelector('#reason').value", []);
    assert_eq!(typed.await.unwrap(), json!("no u"));
    no_errors(&page).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_those_of_the_reader_and_ids_can_be_copied() {
    let server = Server::open().await;
    let (_, letter) = server.parked().await;
    let page = page(&server, "/letters").await;
    page.until_element(&format!("button[data-copy='{letter}']"))
        .await
        .unwrap();
    let same = page.execute("const time = document.querySelector('tbody time'); return time.textContent === new Intl.DateTimeFormat(undefined, {year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short'}).format(new Date(time.dateTime)) && time.title === time.dateTime", []);
    assert_eq!(same.await.unwrap(), json!(true));
    no_errors(&page).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_outlives_its_server() {
    let server = Server::open().await;
    let page = page(&server, "/letters").await;
    shows(&page, "#none", "There are none").await;
    page.type_text("#domain", "half a wo").await.unwrap();
    let address = server.address.to_string();
    server.app.shutdown().await.unwrap();
    drop(server);
    let lost = "document.documentElement.dataset.connection === 'lost'";
    page.until(lost).await.unwrap();
    let server = Server::at(&address, Access::unasked(), |app| app).await;
    let (_, letter) = server.parked().await;
    page.until_element(&format!("a.letter[title='{letter}']"))
        .await
        .unwrap();
    let typed = page.execute("return document.querySelector('#domain').value", []);
    assert_eq!(typed.await.unwrap(), json!("half a wo"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_ends_with_the_session() {
    let server = Server::asking().await;
    let token = server.token("ann", &EVERYTHING, "tab");
    let page = page(&server, "/").await;
    page.type_text("#token", &token).await.unwrap();
    page.click("#sign-in").await.unwrap();
    shows(&page, "header", "ann").await;
    server.revoke("ann", &token);
    server.parked().await;
    shows(&page, "#live", "You are not signed in any more").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_pages_of_one_visitor_wait_and_they_end_with_the_application() {
    let server = Server::asking().await;
    let token = server.token("ann", &[Verb::Read], "tab");
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let (line, said) = wait_for_changes(&server, &token).await;
        assert!(said.contains("event: changed"), "{said}");
        waiting.push(line);
    }
    let (_, refused) = wait_for_changes(&server, &token).await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    let other = server.token("bob", &[Verb::Read], "tab");
    let (_other, said) = wait_for_changes(&server, &other).await;
    assert!(said.contains("event: changed"), "{said}");
    let stranger = server.stranger().get("/changes").await;
    assert_eq!(stranger.header("location"), Some("/sign-in"));
    timeout(PATIENCE, server.app.shutdown())
        .await
        .unwrap()
        .unwrap();
    for mut line in waiting {
        while !more(&mut line).await.is_empty() {}
    }
}
