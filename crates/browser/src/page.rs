//! A page, as a person with a mouse, a keyboard and the developer tools has it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::waiting::{self, PATIENCE};
use crate::webdriver::{Element, Session};
use crate::{Browser, BrowserError, WebDriverError};

/// What the browser shows instead of a page that it could not load. ChromeDriver itself returns only some of these
/// errors, and only sometimes.
const ERROR_PAGE: &str =
    "return document.URL.startsWith('chrome-error:') ? document.body.innerText : null";

/// A page in a Chromium of its own, which is closed when this is dropped. The drop waits until it is closed.
///
/// `css` is a selector, and means the first element that matches. What needs an element waits until it is there and can
/// be used, for a minute unless [`Page::set_patience`] says otherwise.
pub struct Page {
    // In this order they are dropped: the browser is closed before its profile is deleted, and the driver ends last.
    session: Session,
    _profile: Profile,
    _browser: Browser,
    patience: Duration,
}

impl Page {
    pub(crate) fn new(session: Session, profile: Profile, browser: Browser) -> Self {
        Self {
            session,
            _profile: profile,
            _browser: browser,
            patience: PATIENCE,
        }
    }

    /// Goes to `url`, and returns when that page has loaded. Fails if it cannot be loaded.
    pub async fn goto(&self, url: &str) -> Result<(), BrowserError> {
        let load = |reason| BrowserError::Load {
            url: url.to_owned(),
            reason,
        };
        if let Err(source) = self.session.go_to(url).await {
            let reason = source.to_string();
            return Err(match reason.contains("net::ERR_") {
                true => load(reason),
                false => BrowserError::command(format!("go to {url}"))(source),
            });
        }
        match self.execute(ERROR_PAGE, []).await? {
            Value::String(reason) => Err(load(reason)),
            _ => Ok(()),
        }
    }

    /// Clicks an element in its middle. Fails if there is none, or if it is hidden or covered, until the patience ends.
    pub async fn click(&self, css: &str) -> Result<(), BrowserError> {
        let click = move |element: Element| async move { self.session.click(&element).await };
        self.on(css, "click", click).await
    }

    /// Types text into an element, after the text that it holds. A line feed is the Enter key. Fails if there is no
    /// such element, or if it takes no text, until the patience ends.
    pub async fn type_text(&self, css: &str, text: &str) -> Result<(), BrowserError> {
        let send =
            move |element: Element| async move { self.session.send_keys(&element, text).await };
        self.on(css, "type into", send).await
    }

    /// Returns the text of an element, as it is seen. Fails if there is no such element until the patience ends.
    pub async fn text(&self, css: &str) -> Result<String, BrowserError> {
        let text = move |element: Element| async move { self.session.text(&element).await };
        self.on(css, "text of", text).await
    }

    /// Runs the body of an asynchronous function in the page, and returns the value that it returns. The body may
    /// `await`, and it finds `arguments`. Fails if it throws, or if it takes longer than a minute.
    pub async fn execute<const N: usize>(
        &self,
        body: &str,
        arguments: [Value; N],
    ) -> Result<Value, BrowserError> {
        let value = self.run(body, arguments).await;
        value.map_err(BrowserError::command(format!("execute {body}")))
    }

    /// Waits until an expression of JavaScript is truthy; the expression may fail meanwhile. Fails when the patience
    /// ends, with the last value of the expression.
    pub async fn until(&self, expression: &str) -> Result<(), BrowserError> {
        let body =
            format!("const value = await ({expression}); return value ? true : String(value)");
        let look = || self.run(&body, []);
        waiting::until(expression, self.patience, look).await
    }

    /// Waits until there is an element that matches. Fails when the patience ends.
    pub async fn until_element(&self, css: &str) -> Result<(), BrowserError> {
        let there = |_| async { Ok(()) };
        self.on(css, "find", there).await
    }

    /// Returns the errors that the browser has logged since the last call, oldest first: exceptions that nobody caught,
    /// calls of `console.error`, and resources that could not be loaded. A page that names no icon has the error that
    /// there is no `/favicon.ico`, unless the server has one.
    pub async fn console_errors(&self) -> Result<Vec<String>, BrowserError> {
        let log = self.session.console().await;
        let log = log.map_err(BrowserError::command("read the console".to_owned()))?;
        let errors = log.into_iter().filter(|entry| entry.level == "SEVERE");
        Ok(errors.map(|entry| entry.message).collect())
    }

    /// Writes what is seen of the page to a file, as PNG.
    pub async fn screenshot(&self, file: &Path) -> Result<(), BrowserError> {
        let picture = self.session.screenshot().await;
        let picture = picture.map_err(BrowserError::command("take a screenshot".to_owned()))?;
        fs::write(file, picture).map_err(|source| BrowserError::File {
            path: file.to_owned(),
            source,
        })
    }

    /// Sets the size of the page in pixels: of what the window shows, without its frame. It is 1280 x 800 at first.
    pub async fn set_size(&self, width: u32, height: u32) -> Result<(), BrowserError> {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.tools("Emulation.setDeviceMetricsOverride", size).await
    }

    /// Lets the page find that the reader prefers dark colours.
    pub async fn prefer_dark(&self) -> Result<(), BrowserError> {
        let feature = json!({ "name": "prefers-color-scheme", "value": "dark" });
        let features = json!({ "features": [feature] });
        self.tools("Emulation.setEmulatedMedia", features).await
    }

    /// Lets the scripts of pages not run any more, from the next page on. What a test executes still runs.
    pub async fn scripts_off(&self) -> Result<(), BrowserError> {
        let off = json!({ "value": true });
        self.tools("Emulation.setScriptExecutionDisabled", off)
            .await
    }

    /// Sets how long the page is waited for.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    async fn run<const N: usize>(
        &self,
        body: &str,
        arguments: [Value; N],
    ) -> Result<Value, WebDriverError> {
        // The arrow function has the `arguments` of the function around it.
        let script = format!("return (async () => {{ {body}\n }})()");
        self.session.execute(&script, &arguments).await
    }

    async fn on<T, F>(
        &self,
        css: &str,
        verb: &str,
        act: impl Fn(Element) -> F,
    ) -> Result<T, BrowserError>
    where
        F: Future<Output = Result<T, WebDriverError>>,
    {
        let find_and_act = || async { act(self.session.find(css).await?).await };
        let done = waiting::retry(self.patience, find_and_act).await;
        done.map_err(BrowserError::command(format!("{verb} {css}")))
    }

    /// A command to the developer tools.
    async fn tools(&self, method: &str, parameters: Value) -> Result<(), BrowserError> {
        let done = self.session.tools(method, parameters).await;
        done.map_err(BrowserError::command(method.to_owned()))
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Page").field(&self.session.id()).finish()
    }
}

/// The folder of what a browser remembers; deleted when this is dropped.
pub(crate) struct Profile(PathBuf);

impl Profile {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        // The folder around it is deleted at the end, with what is left here.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use hyper::Method;

    use crate::client::Client;

    use super::*;

    /// What ChromeDriver answers about a session.
    async fn answer(browser: &Browser, path: &str) -> Value {
        let client = Client::new(browser.driver.port());
        let answer = client.send(Method::GET, path, String::new()).await.unwrap();
        serde_json::from_slice::<Value>(answer.body()).unwrap()["value"].take()
    }

    #[tokio::test]
    async fn a_load_and_a_script_may_take_a_minute_until_the_page_is_dropped_and_closed() {
        let browser = Browser::start().await.unwrap();
        let page = browser.open("about:blank").await.unwrap();
        let path = format!("/session/{}/timeouts", page.session.id());
        let limits = json!({ "implicit": 0, "pageLoad": 60_000, "script": 60_000 });
        assert_eq!(answer(&browser, &path).await, limits);
        drop(page);
        let error = &answer(&browser, &path).await["error"];
        assert_eq!(error, "invalid session id");
    }

    #[tokio::test]
    async fn an_element_that_is_replaced_after_it_was_found_is_found_again() {
        let browser = Browser::start().await.unwrap();
        let page = browser.open("about:blank").await.unwrap();
        let replace =
            "document.body.innerHTML = '<button onclick=\"this.textContent = 1\">0</button>'";
        page.execute(replace, []).await.unwrap();
        let attempts = Cell::new(0);
        let (page, attempts) = (&page, &attempts);
        let click = move |element: Element| async move {
            attempts.set(attempts.get() + 1);
            if attempts.get() == 1 {
                page.run(replace, []).await?;
            }
            page.session.click(&element).await
        };
        page.on("button", "click", click).await.unwrap();
        assert_eq!(attempts.get(), 2);
        assert_eq!(page.text("button").await.unwrap(), "1");
    }
}
