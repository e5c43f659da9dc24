//! Runs long work on threads of its own, not on the runtime's workers, so that others need not wait.

use std::num::NonZero;
use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;

use seriatim_core::Fault;
use tokio::sync::Semaphore;

/// The permits to run: as many as there are cores, because more threads would only take turns.
static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let cores = available_parallelism().map_or(1, NonZero::get);
    Arc::new(Semaphore::new(cores))
});

/// Runs `work` on a thread of its own. It runs to its end even if the future is dropped, and holds its permit until
/// then.
pub(crate) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    in_turn(&TURNS, work).await
}

async fn in_turn<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    let turn = Arc::clone(turns).acquire_owned().await;
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    // User code in there is guarded, so a panic is ours; it ends this command and nothing else.
    done.await.map_err(|error| Fault::Panicked {
        function: "aggregate",
        message: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_has_its_turn_until_it_ends() {
        let turns = Arc::new(Semaphore::new(1));
        let (end, ended) = mpsc::channel::<()>();
        let mut work = Box::pin(in_turn(&turns, move || ended.recv()));
        assert!(poll!(&mut work).is_pending());
        drop(work);
        assert_eq!(turns.available_permits(), 0);
        drop(end);
        in_turn(&turns, || ()).await.unwrap();
    }
}
