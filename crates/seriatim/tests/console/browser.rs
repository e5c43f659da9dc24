//! What operators see and do, in a real Chromium.

use serde_json::json;
use seriatim::core::{LetterStatus, ParkReason, Payload};
use seriatim_browser::{Browser, Page};

use crate::server::{EVERYTHING, Server};
use crate::tab::{Do, Tab};

pub(crate) async fn page(server: &Server, path: &str) -> Page {
    let browser = Browser::start().await.unwrap();
    browser.open(&server.url(path)).await.unwrap()
}

pub(crate) async fn page_without_scripts(server: &Server, path: &str) -> Page {
    let page = page(server, "/").await;
    page.scripts_off().await.unwrap();
    page.goto(&server.url(path)).await.unwrap();
    page
}

pub(crate) async fn shows(page: &Page, css: &str, text: &str) {
    let shown = format!(
        "(document.querySelector({}) ?? {{innerText: ''}}).innerText.includes({})",
        json!(css),
        json!(text)
    );
    page.until(&shown).await.unwrap();
}

pub(crate) async fn no_errors(page: &Page) {
    assert_eq!(page.console_errors().await.unwrap(), Vec::<String>::new());
}

/// All that a person does works without scripts, so each verb is clicked without them.
#[tokio::test(flavor = "multi_thread")]
async fn each_verb_is_clicked_without_scripts() {
    let server = Server::open().await;
    let letters = [
        server.parked().await,
        server.parked().await,
        server.parked().await,
        server.parked().await,
    ];
    let path = |number: usize| format!("/letters/{}", letters[number].1);
    let page = page_without_scripts(&server, "/").await;
    page.click("#waiting a").await.unwrap();
    page.click(&format!("a.letter[title='{}']", letters[0].1))
        .await
        .unwrap();
    shows(&page, "#sides .conflict", "note").await;
    page.click("#simulate").await.unwrap();
    shows(&page, "#simulation", "Nothing was written").await;
    page.click("#resubmit").await.unwrap();
    shows(&page, "#status", "resolved").await;

    page.goto(&server.url(&path(1))).await.unwrap();
    page.click("#edit").await.unwrap();
    page.execute(
        "document.querySelector('#commands').value = arguments[0]",
        [json!("{\"type\":\"Note\",\"data\":{\"note\":\"both\"}}")],
    )
    .await
    .unwrap();
    page.click("#send").await.unwrap();
    shows(&page, "#status", "resolved").await;
    shows(&page, "#last", "edit: Note").await;

    page.goto(&server.url(&path(2))).await.unwrap();
    page.click("#fact").await.unwrap();
    page.execute("document.querySelector('#type').value = 'Paid'; document.querySelector('#data').value = '{\"cents\": 5}'", []).await.unwrap();
    for (field, text) in [
        ("#source", "till"),
        ("#description", "paid by hand"),
        ("#external_id", "receipt-1"),
    ] {
        page.type_text(field, text).await.unwrap();
    }
    page.click("#record").await.unwrap();
    shows(&page, "#status", "resolved").await;

    page.goto(&server.url(&path(3))).await.unwrap();
    page.type_text("#reason", "no use").await.unwrap();
    page.click("#discard").await.unwrap();
    shows(&page, "#status", "discarded").await;
    no_errors(&page).await;
    let events = [
        server.events(letters[1].0).await,
        server.events(letters[2].0).await,
        server.events(letters[3].0).await,
    ];
    assert_eq!(
        events.map(|events| events.join(" ")),
        ["Opened Noted Noted", "Opened Noted Paid", "Opened Noted"]
    );
    assert_eq!(
        server.letter(letters[0].1).await.status(),
        LetterStatus::Resolved
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_and_components_are_reached_by_clicking_without_scripts() {
    let server = Server::open().await;
    let (root, _) = server.parked().await;
    let page = page_without_scripts(&server, "/").await;
    page.click("nav a[href='/streams']").await.unwrap();
    page.type_text("#find", &format!("tab/{}", &root.to_string()[..13]))
        .await
        .unwrap();
    page.click("#show").await.unwrap();
    page.click("a.stream").await.unwrap();
    shows(&page, "#shown", "theirs").await;
    page.click("a.at").await.unwrap();
    shows(&page, "#state", "State at 0").await;
    shows(&page, "#shown", "\"note\": \"\"").await;
    page.click("#shown a[href*='field=owner']").await.unwrap();
    shows(&page, "#value", "\"Ann\"").await;
    shows(&page, "#events", "Opened").await;
    page.click("a.stream").await.unwrap();
    page.click("nav a[href='/components']").await.unwrap();
    let till = "[data-name='till']";
    page.type_text(&format!("{till} form[action$='/pause'] input"), "a jam")
        .await
        .unwrap();
    page.click(&format!("{till} .pause")).await.unwrap();
    shows(
        &page,
        &format!("{till} .paused"),
        "somebody has paused it: a jam",
    )
    .await;
    page.click(&format!("{till} .resume")).await.unwrap();
    let goes_on = format!(
        "document.querySelector(\"{till}\") && !document.querySelector(\"{till} .paused\")"
    );
    page.until(&goes_on).await.unwrap();
    no_errors(&page).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_operators_at_one_letter_are_told_of_each_other() {
    let server = Server::asking().await;
    let (_, letter) = server.parked().await;
    let mut pages = Vec::new();
    for name in ["ann", "bob"] {
        let token = server.token(name, &EVERYTHING, "tab");
        let page = page(&server, "/").await;
        page.type_text("#token", &token).await.unwrap();
        page.click("#sign-in").await.unwrap();
        shows(&page, "header", name).await;
        page.goto(&server.url(&format!("/letters/{letter}")))
            .await
            .unwrap();
        no_errors(&page).await;
        pages.push(page);
    }
    // No script reads the token.
    let cookies = pages[0].execute("return document.cookie", []).await;
    assert_eq!(cookies.unwrap(), json!(""));
    pages[0].click("#resubmit").await.unwrap();
    shows(&pages[0], "#status", "resolved").await;
    pages[1].click("#resubmit").await.unwrap();
    shows(&pages[1], "#alert", "by ann at").await;
    pages[1].click("#sign-out").await.unwrap();
    shows(&pages[1], "h1", "Sign in").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_payloads_are_only_texts_also_on_a_phone() {
    let server = Server::open().await;
    let hostile = "<img src=x onerror=\"window.hurt = 1\"><script>window.hurt = 1</script>\u{202e}desrever\u{1b}[31mred";
    // As large as a command can be.
    let large = "x".repeat((1 << 20) - 64);
    let mut letters = Vec::new();
    for note in [hostile, &large] {
        letters.push(server.parked_note(note).await.1);
    }
    let not_even_text = Payload::json("Note", vec![0xff, 0xfe, b'{']);
    letters.push(server.kept(not_even_text, ParkReason::Manual).await);
    letters.push(server.given_up().await);
    let page = page(&server, "/letters?status=").await;
    page.set_size(360, 640).await.unwrap();
    let mut paths: Vec<_> = letters
        .iter()
        .map(|letter| format!("/letters/{letter}"))
        .collect();
    let stream = server.letter(letters[0]).await.stream().clone();
    let tab = server.app.of::<Tab>(stream.root);
    let note = format!("{hostile}{}", "y".repeat(10_000));
    tab.send(Do::Note { note }).await.unwrap();
    paths.push(format!("/streams/{stream}"));
    paths.extend(["/", "/letters", "/streams?find=tab", "/components"].map(str::to_owned));
    paths.push(format!("/letters/{}/edit", letters[0]));
    paths.push(format!("/letters/{}/edit", letters[1]));
    paths.push(format!("/letters/{}/fact", letters[0]));
    for path in &paths {
        page.goto(&server.url(path)).await.unwrap();
        let wide = page
            .execute("return document.documentElement.scrollWidth", [])
            .await
            .unwrap();
        assert!(wide.as_u64().unwrap() <= 360, "{path} is {wide} wide");
        let hurt = page.execute("return [window.hurt ?? null, document.querySelectorAll('main script, img').length, /[\\u202e\\u001b]/.test(document.documentElement.textContent)]", []);
        assert_eq!(hurt.await.unwrap(), json!([null, 0, false]), "{path}");
    }
    page.goto(&server.url(&paths[0])).await.unwrap();
    shows(
        &page,
        ".command",
        "<script>window.hurt = 1</script>\\u202edesrever\\u001b[31mred",
    )
    .await;
    // What is edited is the whole, and the same.
    page.goto(&server.url(&format!("{}/edit", paths[1])))
        .await
        .unwrap();
    let length = page.execute(
        "return JSON.parse(document.querySelector('#commands').value).data.note.length",
        [],
    );
    assert_eq!(length.await.unwrap(), json!((1 << 20) - 64));
    page.goto(&server.url(&format!("{}/edit", paths[0])))
        .await
        .unwrap();
    let note = page.execute(
        "return JSON.parse(document.querySelector('#commands').value).data.note",
        [],
    );
    assert_eq!(note.await.unwrap(), json!(hostile));
    page.click("#send").await.unwrap();
    shows(&page, "#status", "resolved").await;
    no_errors(&page).await;
}
