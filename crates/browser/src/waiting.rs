//! Waits that end.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{BrowserError, WebDriverError};

/// How long a page, a script and a wait may take: longer than any machine needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Does `act` again and again until it succeeds, or fails for another reason than that the page is not ready for it.
/// After the limit the last error is returned.
pub(crate) async fn retry<T, F>(limit: Duration, act: impl Fn() -> F) -> Result<T, WebDriverError>
where
    F: Future<Output = Result<T, WebDriverError>>,
{
    let begun = Instant::now();
    loop {
        match act().await {
            Err(error) if may_pass(&error) && begun.elapsed() < limit => {}
            done => return done,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks again and again until the value is `true`. A script may fail for a while, because an element that it names is
/// not there yet.
pub(crate) async fn until<F>(
    condition: &str,
    limit: Duration,
    look: impl Fn() -> F,
) -> Result<(), BrowserError>
where
    F: Future<Output = Result<Value, WebDriverError>>,
{
    let begun = Instant::now();
    loop {
        let last = match look().await {
            Ok(Value::Bool(true)) => return Ok(()),
            Ok(Value::String(value)) => value,
            Ok(value) => value.to_string(),
            Err(error) if error.name() == Some("javascript error") => error.to_string(),
            Err(error) => return Err(BrowserError::command(condition.to_owned())(error)),
        };
        if begun.elapsed() >= limit {
            return Err(BrowserError::Waited {
                condition: condition.to_owned(),
                limit,
                last,
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The element is not there yet, is covered or hidden, or was replaced meanwhile.
fn may_pass(error: &WebDriverError) -> bool {
    matches!(
        error.name(),
        Some(
            "no such element"
                | "stale element reference"
                | "element click intercepted"
                | "element not interactable"
        )
    )
}
