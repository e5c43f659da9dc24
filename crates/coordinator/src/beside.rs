//! Runs long work on threads of its own, not on the runtime's workers, so that others need not wait.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use seriatim_core::Fault;
use tokio::sync::Semaphore;

/// As many run at a time as there are cores: more would only take turns.
static TURNS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZero::get)));

/// Runs `work` beside the workers. It runs to its end even if the future is dropped.
pub(crate) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    let turn = TURNS.acquire().await;
    let done = tokio::task::spawn_blocking(work).await;
    drop(turn);
    // User code is fenced in there, so a panic is ours; it ends this command and nothing else.
    done.map_err(|error| Fault::Panicked {
        function: "aggregate",
        message: error.to_string(),
    })
}
