//! The commands of WebDriver that a page needs. Three of them are ChromeDriver's own: the log, the developer tools, and
//! what the capabilities say about Chromium.
//!
//! The standard is <https://www.w3.org/TR/webdriver2/>.

use std::io;
use std::thread::{self, JoinHandle};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::body::Bytes;
use hyper::{Method, Response};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tokio::runtime;

use crate::WebDriverError;
use crate::client::Client;

/// A browser that ChromeDriver has started. It is closed when this is dropped, and the drop waits until it is closed.
pub(crate) struct Session {
    client: Client,
    id: String,
}

/// An element of the page that a session shows.
#[derive(Deserialize)]
pub(crate) struct Element {
    /// The standard names an element so in JSON.
    #[serde(rename = "element-6066-11e4-a52e-4f735466cecf")]
    id: String,
}

/// What the browser has logged about a page.
#[derive(Deserialize)]
pub(crate) struct Entry {
    pub(crate) level: String,
    pub(crate) message: String,
}

impl Session {
    /// Starts a browser that has all these capabilities.
    pub(crate) async fn start(client: Client, capabilities: Value) -> Result<Self, WebDriverError> {
        #[derive(Deserialize)]
        struct Started {
            #[serde(rename = "sessionId")]
            id: String,
        }
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let started = command(client, Method::POST, "/session", Some(body)).await;
        started.map(|Started { id }| Self { client, id })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Goes to a page, and returns when it has loaded.
    pub(crate) async fn go_to(&self, url: &str) -> Result<(), WebDriverError> {
        self.post("url", json!({ "url": url })).await
    }

    /// Returns the first element that matches a selector. Fails with `no such element` if there is none.
    pub(crate) async fn find(&self, css: &str) -> Result<Element, WebDriverError> {
        let selector = json!({ "using": "css selector", "value": css });
        self.post("element", selector).await
    }

    pub(crate) async fn click(&self, element: &Element) -> Result<(), WebDriverError> {
        let path = format!("element/{}/click", element.id);
        self.post(&path, json!({})).await
    }

    pub(crate) async fn send_keys(
        &self,
        element: &Element,
        text: &str,
    ) -> Result<(), WebDriverError> {
        let path = format!("element/{}/value", element.id);
        self.post(&path, json!({ "text": text })).await
    }

    /// Returns the text of an element, as it is seen.
    pub(crate) async fn text(&self, element: &Element) -> Result<String, WebDriverError> {
        self.get(&format!("element/{}/text", element.id)).await
    }

    /// Runs the body of a function, and returns what it returns; if that is a promise, what it is resolved to.
    pub(crate) async fn execute(
        &self,
        body: &str,
        arguments: &[Value],
    ) -> Result<Value, WebDriverError> {
        let script = json!({ "script": body, "args": arguments });
        self.post("execute/sync", script).await
    }

    /// Returns what is seen of the page, as PNG.
    pub(crate) async fn screenshot(&self) -> Result<Vec<u8>, WebDriverError> {
        let picture: String = self.get("screenshot").await?;
        let picture = BASE64_STANDARD.decode(picture);
        picture.map_err(|error| WebDriverError::Unreadable {
            reason: format!("the screenshot is not base64: {error}"),
        })
    }

    /// Returns what the browser has logged since the last call, oldest first.
    pub(crate) async fn console(&self) -> Result<Vec<Entry>, WebDriverError> {
        self.post("se/log", json!({ "type": "browser" })).await
    }

    /// Sends a command to the developer tools.
    pub(crate) async fn tools(
        &self,
        method: &str,
        parameters: Value,
    ) -> Result<(), WebDriverError> {
        let body = json!({ "cmd": method, "params": parameters });
        let IgnoredAny = self.post("goog/cdp/execute", body).await?;
        Ok(())
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, WebDriverError> {
        let path = format!("/session/{}/{path}", self.id);
        command(self.client, Method::GET, &path, None).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: Value,
    ) -> Result<T, WebDriverError> {
        let path = format!("/session/{}/{path}", self.id);
        command(self.client, Method::POST, &path, Some(parameters)).await
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let client = self.client.closing();
        let path = format!("/session/{}", self.id);
        let close = move || -> io::Result<()> {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let closed = runtime.block_on(command(client, Method::DELETE, &path, None));
            closed.map_err(io::Error::other)
        };
        // The runtime of the test may be the one that waits here, or may have ended: the thread has one of its own.
        // A browser that cannot be closed is killed when the driver ends.
        let thread = thread::Builder::new().spawn(close);
        let _ = thread.map(JoinHandle::join);
    }
}

async fn command<T: DeserializeOwned>(
    client: Client,
    method: Method,
    path: &str,
    parameters: Option<Value>,
) -> Result<T, WebDriverError> {
    let json = parameters.map_or_else(String::new, |parameters| parameters.to_string());
    read(&client.send(method, path, json).await?)
}

/// Every answer is an object with this field.
#[derive(Deserialize)]
struct Answer<T> {
    value: T,
}

/// The value of an answer that has an error status.
#[derive(Deserialize)]
struct Refusal {
    error: String,
    message: String,
}

fn read<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<T, WebDriverError> {
    if answer.status().is_success() {
        return value(answer);
    }
    let Refusal { error, message } = value(answer)?;
    let name = error;
    Err(WebDriverError::Refused { name, message })
}

fn value<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<T, WebDriverError> {
    let read = serde_json::from_slice(answer.body());
    let read = read.map_err(|error| {
        let (status, body) = (answer.status(), String::from_utf8_lossy(answer.body()));
        WebDriverError::Unreadable {
            reason: format!("{error} in {status} {body}"),
        }
    });
    read.map(|Answer { value }| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &'static str) -> Response<Bytes> {
        let answer = Response::builder().status(status);
        answer.body(Bytes::from(body)).unwrap()
    }

    #[test]
    fn an_answer_is_its_value() {
        let text: String = read(&answer(200, r#"{ "value": "hello" }"#)).unwrap();
        assert_eq!(text, "hello");
        read::<()>(&answer(200, r#"{ "value": null }"#)).unwrap();
    }

    #[test]
    fn a_refusal_has_the_name_of_the_standard_and_the_words_of_the_driver() {
        let stale = r##"{ "value": {
            "error": "stale element reference",
            "message": "stale element reference: it is gone",
            "stacktrace": "#0 0x55"
        } }"##;
        let error = read::<String>(&answer(404, stale)).unwrap_err();
        assert_eq!(error.name(), Some("stale element reference"));
        assert_eq!(error.to_string(), "stale element reference: it is gone");
    }

    #[test]
    fn an_answer_that_is_not_in_the_standard_is_quoted() {
        for (status, body) in [
            (200, "hello"),
            (200, r#"{ "value": 1 }"#),
            (200, "{}"),
            (404, "hello"),
            (500, r#"{ "value": null }"#),
        ] {
            let error = read::<String>(&answer(status, body)).unwrap_err();
            assert_eq!(error.name(), None);
            let said = error.to_string();
            assert!(said.contains(body), "{said}");
            assert!(said.contains(&status.to_string()), "{said}");
        }
    }
}
