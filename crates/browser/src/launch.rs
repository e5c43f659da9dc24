//! How Chromium is started.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::client::Client;
use crate::page::Profile;
use crate::programs::CHROMIUM;
use crate::waiting::PATIENCE;
use crate::webdriver::Session;
use crate::{Browser, BrowserError, Page};

/// The size of a page, unless a test sets another one.
const SIZE: (u32, u32) = (1280, 800);

/// No window, no graphics card, and nothing that is sent without a page asking for it.
const FLAGS: [&str; 9] = [
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Reports of crashes are collected by processes that outlive the browser.
    "--disable-breakpad",
    // Containers have little shared memory.
    "--disable-dev-shm-usage",
];

/// Starts a browser, which shows an empty page.
pub(crate) async fn page(browser: &Browser) -> Result<Page, BrowserError> {
    let chromium = CHROMIUM.find()?;
    let profile = Profile::new(browser.driver.new_profile());
    let client = Client::new(browser.driver.port());
    let session = Session::start(client, capabilities(&chromium, profile.path())).await;
    let session = session.map_err(|error| {
        let words = match error.name() {
            // The driver knows that the browser has ended, but not why.
            Some("session not created") => browser.driver.last_words(),
            _ => String::new(),
        };
        BrowserError::Start {
            program: CHROMIUM.name,
            reason: format!("{error}\n{words}"),
        }
    })?;
    let page = Page::new(session, profile, browser.clone());
    page.set_size(SIZE.0, SIZE.1).await?;
    Ok(page)
}

fn capabilities(chromium: &Path, profile: &Path) -> Value {
    let (width, height) = SIZE;
    let mut arguments: Vec<_> = FLAGS.iter().map(|&flag| flag.to_owned()).collect();
    arguments.push(format!("--window-size={width},{height}"));
    arguments.push(format!("--user-data-dir={}", profile.display()));
    if !has_sandbox() {
        arguments.push("--no-sandbox".to_owned());
    }
    let limit = PATIENCE.as_millis() as u64;
    json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "binary": chromium, "args": arguments },
        "goog:loggingPrefs": { "browser": "ALL" },
        "timeouts": { "pageLoad": limit, "script": limit },
    })
}

/// Chromium refuses to be root in its sandbox, and its sandbox is made of namespaces, which some containers forbid. The
/// pages are those of the tests.
fn has_sandbox() -> bool {
    let id = Command::new("id").arg("-u").output();
    let is_root = id.is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    // A system without this program is not Linux, and its sandbox is another one.
    let namespaces = Command::new("unshare").args(["-U", "-r", "true"]).output();
    !is_root && namespaces.map_or(true, |output| output.status.success())
}
