//! The checkpoints of one component, read again and again for as long as somebody waits for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use seriatim_core::{
    Checkpoint, CheckpointStore, Component, LogPartition, Position, Reaction, StreamId,
    WhyNotHandled,
};
use tokio::sync::watch;
use tokio::time::Instant;

/// How long a store is left alone between two looks: what waiting for another process costs on average, twice.
const EVERY: Duration = Duration::from_millis(20);

/// Where checkpoints are kept.
pub(super) enum Source {
    /// Where the component of this process keeps them.
    Reaction(Arc<dyn Reaction>),
    /// Where those of others do.
    Store(Arc<dyn CheckpointStore>),
}

/// Reads one component's checkpoints, once for all who wait.
pub(super) struct Poll {
    component: Component,
    source: Source,
    /// Whether a task reads. It begins and ends under the lock, so there is never more than one.
    running: Mutex<bool>,
    seen: watch::Sender<Seen>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    /// When the look began; what was written before it shows in it.
    begun: Option<Instant>,
    checkpoints: Vec<Checkpoint>,
}

impl Poll {
    pub(super) fn new(component: Component, source: Source) -> Self {
        Self {
            component,
            source,
            running: Mutex::new(false),
            seen: watch::Sender::default(),
        }
    }

    /// Waits until what was written up to `last` is handled. Cancel safe.
    pub(super) async fn handled(
        self: &Arc<Self>,
        partition: LogPartition,
        stream: &StreamId,
        last: Position,
    ) -> Result<(), WhyNotHandled> {
        let asked = Instant::now();
        let mut seen = self.seen.subscribe();
        self.start();
        loop {
            {
                let seen = seen.borrow_and_update();
                if seen.begun >= Some(asked) && seen.position(partition, stream) >= last {
                    return Ok(());
                }
            }
            // The sender is in `self`, so it is there.
            let _ = seen.changed().await;
        }
    }

    /// Where the component stood when it was looked at last.
    pub(super) fn last_seen(&self, partition: LogPartition, stream: &StreamId) -> Position {
        self.seen.borrow().position(partition, stream)
    }

    /// Must be called by one who listens: the task ends as soon as nobody does.
    fn start(self: &Arc<Self>) {
        let mut running = self.running();
        if !*running {
            *running = true;
            tokio::spawn(Arc::clone(self).follow());
        }
    }

    async fn follow(self: Arc<Self>) {
        loop {
            let begun = Instant::now();
            match self.checkpoints().checkpoints(Some(&self.component)).await {
                Ok(checkpoints) => {
                    self.seen.send_replace(Seen {
                        begun: Some(begun),
                        checkpoints,
                    });
                }
                // Who waits goes on waiting, until the store answers or the time is over.
                Err(error) => {
                    tracing::debug!(component = %self.component, %error, "no checkpoints");
                }
            }
            tokio::time::sleep(EVERY).await;
            let mut running = self.running();
            if self.seen.receiver_count() == 0 {
                *running = false;
                return;
            }
        }
    }

    fn checkpoints(&self) -> &dyn CheckpointStore {
        match &self.source {
            Source::Reaction(reaction) => reaction.checkpoints(),
            Source::Store(store) => store.as_ref(),
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, bool> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Where the component is with a stream. If its work was once cut into another number of shares, those checkpoints
    /// are still there; but none of them has passed an event that it has not handled.
    fn position(&self, partition: LogPartition, stream: &StreamId) -> Position {
        let ours = self.checkpoints.iter().filter(|checkpoint| {
            checkpoint.work.partition == partition && checkpoint.work.share.has(stream)
        });
        ours.map(|checkpoint| checkpoint.position)
            .max()
            .unwrap_or_default()
    }
}
