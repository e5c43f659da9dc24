//! Two browsers on two gateways, with bad lines, while the gateways are killed.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use seriatim_browser::{Browser, Page};

use crate::service::{Service, Stored};

/// The messages of each user.
const MESSAGES: u32 = 250;
/// How often a gateway is killed while they talk.
const KILLS: usize = 6;

/// Says something again and again, and stops waiting only when it has said everything.
const TALK: &str = "
    const [user, messages] = arguments;
    const pane = window.chat.panes[user];
    window.said = [];
    for (let number = 0; number < messages; number += 1) {
        window.said.push([pane.say(`${user} says ${number}`), `${user} says ${number}`]);
        if (number % 10 === 9) await new Promise((go) => setTimeout(go, 100));
    }
";

#[tokio::test(flavor = "multi_thread")]
async fn two_browsers_on_killed_gateways_show_what_the_stream_has() {
    let service = Service::start(2);
    let browser = Browser::start().await.unwrap();
    let [ann, bob] = [("ann", 0), ("bob", 1)].map(|(user, gateway)| {
        let (browser, url) = (browser.clone(), service.urls[gateway].clone());
        async move { open(&browser, &url, user).await }
    });
    let (ann, bob) = tokio::join!(ann, bob);
    for (page, user) in [(&ann, "ann"), (&bob, "bob")] {
        let chaos = "window.chat.chaos({drop: 5, duplicate: 10, reorder: 20, delay: 30})";
        page.execute(chaos, []).await.unwrap();
        page.execute(TALK, [json!(user), json!(MESSAGES)])
            .await
            .unwrap();
    }
    for kill in 0..KILLS {
        tokio::time::sleep(Duration::from_secs(2)).await;
        service.kill_gateway(kill);
    }
    let mut transcripts = Vec::new();
    for (page, user) in [(&ann, "ann"), (&bob, "bob")] {
        let quiet = format!("window.chat.panes.{user}.pending() === 0");
        until(page, &quiet).await;
        page.execute(
            "window.chat.chaos({drop: 0, duplicate: 0, reorder: 0, delay: 0})",
            [],
        )
        .await
        .unwrap();
    }
    let stored = service.stored().await;
    let last = stored.last().unwrap().sequence;
    for (page, user) in [(&ann, "ann"), (&bob, "bob")] {
        until(
            page,
            &format!("window.chat.panes.{user}.state().last >= {last}"),
        )
        .await;
        load_all(page, user).await;
        transcripts.push(transcript(page, user).await);
        let failed = format!("return window.chat.panes.{user}.state().failed");
        let failed = page.execute(&failed, []).await.unwrap();
        assert_eq!(failed, json!(0), "a message of {user} was given up");
    }
    assert_eq!(
        transcripts[0], transcripts[1],
        "the two do not show the same"
    );
    assert_eq!(
        transcripts[0], stored,
        "they do not show what the stream has"
    );
    for (page, user) in [(&ann, "ann"), (&bob, "bob")] {
        let said = page.execute("return window.said", []).await.unwrap();
        let said: Vec<(String, String)> = serde_json::from_value(said).unwrap();
        assert_eq!(said.len(), MESSAGES as usize);
        // In the order in which they were said, each once.
        let of_user = stored
            .iter()
            .filter(|message| message.by == user && message.text.contains(" says "));
        let of_user: Vec<_> = of_user
            .map(|message| (message.id.clone(), message.text.clone()))
            .collect();
        assert_eq!(of_user, said);
        let ids: BTreeSet<_> = of_user.iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), said.len());
    }
}

async fn open(browser: &Browser, url: &str, user: &str) -> Page {
    let page = browser.open(&format!("{url}/?user={user}")).await.unwrap();
    page.until(&format!(
        "window.chat.panes.{user}.state().room === 'joined'"
    ))
    .await
    .unwrap();
    page
}

/// Waits longer than the page's own patience: lines are bad.
async fn until(page: &Page, expression: &str) {
    for _ in 0..5 {
        if page.until(expression).await.is_ok() {
            return;
        }
    }
    let state = page.execute(
        "return Object.values(window.chat.panes).map((pane) => pane.state())",
        [],
    );
    panic!("`{expression}` does not come true: {:?}", state.await);
}

/// Loads the history back to the first message.
async fn load_all(page: &Page, user: &str) {
    let load = format!(
        "for (let turn = 0; turn < 200 && window.chat.panes.{user}.state().first > 0; turn += 1) {{
             await window.chat.panes.{user}.older();
         }}
         return window.chat.panes.{user}.state().first"
    );
    assert_eq!(page.execute(&load, []).await.unwrap(), json!(0));
}

async fn transcript(page: &Page, user: &str) -> Vec<Stored> {
    let lines = format!("return window.chat.panes.{user}.transcript()");
    let lines = page.execute(&lines, []).await.unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let messages = lines.as_array().unwrap().iter().map(|line| Stored {
        sequence: line["sequence"].as_u64().unwrap().try_into().unwrap(),
        id: text(&line["id"]),
        by: text(&line["by"]),
        text: text(&line["text"]),
    });
    messages.collect()
}
