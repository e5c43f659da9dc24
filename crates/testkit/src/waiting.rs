//! Waits of tests, which fail instead of hanging.

use std::time::Duration;

/// The time for which a test waits: longer than any machine needs.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits for a future, and fails after two minutes.
///
/// # Panics
/// If it is not ready by then.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, what).await;
    waited.expect("it did not come in two minutes")
}

/// Asks again and again until `is_so`, and fails after two minutes. `what` says what has not come about.
///
/// # Panics
/// If it is not so by then.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(
        waited.is_ok(),
        "two minutes have passed, and it has not come about that {what}"
    );
}
