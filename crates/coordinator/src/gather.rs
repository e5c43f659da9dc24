//! Batches without a timer: before taking what waits, let everybody have a turn who is ready to add to it.

/// A woken sender needs one turn to send again, and its stream's driver one to pass that on.
const TURNS: usize = 2;

/// Lets the tasks that are ready run.
///
/// The answers of one commit wake a crowd of senders. Without this the first of them to send again would begin a
/// commit of its own, with all others waiting for a disk sync that carries one command; measured with 64 senders
/// on a disk of 0.4 ms a sync, that is every second one. A lone sender loses about a microsecond.
pub(crate) async fn others_first() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}
