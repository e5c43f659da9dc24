//! What people see and do on the page.

use std::path::Path;

use serde_json::json;
use seriatim_browser::{Browser, Page};

use crate::service::Service;

/// Names a folder in which pictures of the page are kept, for the documentation.
const PICTURES: &str = "SERIATIM_PICTURES";

const ANN: &str = ".pane[data-user=ann]";
const BOB: &str = ".pane[data-user=bob]";

async fn both(service: &Service) -> Page {
    let browser = Browser::start().await.unwrap();
    let page = browser.open(&service.urls[0]).await.unwrap();
    for user in ["ann", "bob"] {
        let joined = format!("window.chat.panes.{user}.state().room === 'joined'");
        page.until(&joined).await.unwrap();
    }
    page
}

/// Returns an expression that is true once a pane shows a text, once.
fn shows(pane: &str, text: &str) -> String {
    let (pane, text) = (json!(format!("{pane} .messages")), json!(text));
    format!("document.querySelector({pane}).innerText.split({text}).length === 2")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_types_the_other_sees_and_the_hashes_are_equal() {
    let service = Service::start(2);
    let page = both(&service).await;
    page.type_text(&format!("{ANN} .composer textarea"), "are you there?\n")
        .await
        .unwrap();
    page.until(&shows(BOB, "are you there?")).await.unwrap();
    page.until(&shows(ANN, "are you there?")).await.unwrap();
    page.type_text(&format!("{BOB} .composer textarea"), "yes")
        .await
        .unwrap();
    // Bob has not said it yet, and is typing.
    page.until(&format!(
        "document.querySelector('{ANN} .present').textContent.includes('is typing')"
    ))
    .await
    .unwrap();
    page.click(&format!("{BOB} .composer button"))
        .await
        .unwrap();
    page.until(&shows(ANN, "yes")).await.unwrap();
    page.until("document.getElementById('agreement').dataset.state === 'equal'")
        .await
        .unwrap();
    let hashes = "return [...document.querySelectorAll('.hash')].map((hash) => hash.dataset.hash)";
    let hashes = page.execute(hashes, []).await.unwrap();
    assert_eq!(hashes[0].as_str().unwrap().len(), 64);
    assert_eq!(hashes[0], hashes[1]);
    // Sequences and the times of the senders' clocks are shown as the specification has them.
    let marks = format!("document.querySelector('{BOB} .messages').textContent");
    page.until(&format!(
        "/seq 3\\b/.test({marks}) && /\\d:\\d\\d/.test({marks})"
    ))
    .await
    .unwrap();
    assert_eq!(page.console_errors().await.unwrap(), Vec::<String>::new());
    if let Ok(folder) = std::env::var(PICTURES) {
        page.set_size(1120, 640).await.unwrap();
        page.screenshot(&Path::new(&folder).join("chat.png"))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_are_only_texts() {
    let service = Service::start(1);
    let page = both(&service).await;
    let texts = [
        "<img src=x onerror=\"window.hurt = 1\"><script>window.hurt = 1</script>",
        "\u{202e}desrever\u{1b}[31mred",
        &"x".repeat(4000),
    ];
    for text in texts {
        page.execute("window.chat.panes.ann.say(arguments[0])", [json!(text)])
            .await
            .unwrap();
    }
    page.until("window.chat.panes.bob.transcript().length === 6")
        .await
        .unwrap();
    let shown = page.execute(
        "return window.chat.panes.bob.transcript().slice(3).map(({ text }) => text)",
        [],
    );
    assert_eq!(shown.await.unwrap(), json!(texts));
    page.until(&format!(
        "document.querySelector('{BOB} .messages').innerText.includes('<script>')"
    ))
    .await
    .unwrap();
    let hurt = page.execute("return [window.hurt ?? null, document.querySelectorAll('.messages img, .messages script').length]", []);
    assert_eq!(hurt.await.unwrap(), json!([null, 0]));
    // A long word does not make the page wider than a phone.
    page.set_size(360, 640).await.unwrap();
    page.until("document.documentElement.scrollWidth <= 360")
        .await
        .unwrap();
    assert_eq!(page.console_errors().await.unwrap(), Vec::<String>::new());
}

/// The clock of the page is a day behind from now on.
const YESTERDAY: &str = "
    const Real = Date;
    globalThis.Date = class extends Real {
        constructor(...when) { if (when.length > 0) super(...when); else super(Real.now() - 86_400_000); }
        static now() { return Real.now() - 86_400_000; }
    };
    return new Date().toISOString().slice(0, 10);
";

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_a_day_off_changes_what_is_shown_and_not_the_order() {
    let service = Service::start(2);
    let browser = Browser::start().await.unwrap();
    let mut pages = Vec::new();
    for (user, url) in [("ann", &service.urls[0]), ("bob", &service.urls[1])] {
        let page = browser.open(&format!("{url}/?user={user}")).await.unwrap();
        let joined = format!("window.chat.panes.{user}.state().room === 'joined'");
        page.until(&joined).await.unwrap();
        pages.push(page);
    }
    let [ann, bob] = &pages[..] else {
        panic!("two pages were opened")
    };
    let say = |page, user: &str, text: &str| {
        let say = format!("window.chat.panes.{user}.say('{text}')");
        async move { Page::execute(page, &say, []).await.unwrap() }
    };
    say(bob, "bob", "first").await;
    ann.until(&shows(ANN, "first")).await.unwrap();
    let yesterday = ann.execute(YESTERDAY, []).await.unwrap();
    say(ann, "ann", "second").await;
    bob.until(&shows(BOB, "second")).await.unwrap();
    say(bob, "bob", "third").await;
    for (page, user) in [(ann, "ann"), (bob, "bob")] {
        let all = format!("window.chat.panes.{user}.transcript().length === 6");
        page.until(&all).await.unwrap();
        let texts = format!(
            "return window.chat.panes.{user}.transcript().slice(3).map(({{ text }}) => text)"
        );
        let texts = page.execute(&texts, []).await.unwrap();
        assert_eq!(texts, json!(["first", "second", "third"]));
    }
    // The time is stored as it came.
    let app = seriatim::App::open(&format!("sqlite://{}", service.file.display()))
        .await
        .unwrap();
    let app = app.aggregate::<chat::Conversation>().start().await.unwrap();
    let conversation = app.of::<chat::Conversation>(chat::direct_root("ann", "bob"));
    let events = conversation
        .events(seriatim::core::Sequence(0), 100)
        .await
        .unwrap();
    let times = events.iter().filter_map(|event| event.payload.to_json());
    let times: Vec<_> = times.map(|data| data["client_time"].to_string()).collect();
    let yesterday = yesterday.as_str().unwrap();
    assert_eq!(
        times.iter().filter(|time| time.contains(yesterday)).count(),
        1,
        "{times:?}"
    );
    app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_finds_its_way_back_after_the_server_was_killed() {
    let service = Service::start(1);
    let page = both(&service).await;
    page.execute(
        "await fetch('/chaos/kill', {method: 'POST'}).catch(() => {})",
        [],
    )
    .await
    .unwrap();
    page.until("window.chat.panes.ann.state().name !== 'open'")
        .await
        .unwrap();
    page.execute("window.chat.panes.ann.say('written while it was down')", [])
        .await
        .unwrap();
    page.until(&shows(BOB, "written while it was down"))
        .await
        .unwrap();
    page.until("document.getElementById('agreement').dataset.state === 'equal'")
        .await
        .unwrap();
    let stored = service.stored().await;
    assert_eq!(stored.len(), 4, "{stored:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_the_page_says_what_it_needs() {
    let service = Service::start(1);
    let browser = Browser::start().await.unwrap();
    let page = browser.open("about:blank").await.unwrap();
    page.scripts_off().await.unwrap();
    page.goto(&service.urls[0]).await.unwrap();
    assert!(
        page.text("body")
            .await
            .unwrap()
            .contains("needs JavaScript")
    );
}
