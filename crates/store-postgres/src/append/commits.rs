//! The end of the log as far as this process knows it: what waiters watch, and what other processes are told.

use std::num::NonZero;
use std::sync::Arc;

use seriatim_core::{LogPartition, Position};
use tokio::sync::watch;

/// The last known position of each partition. Clones share it.
#[derive(Clone)]
pub(crate) struct Commits {
    heads: Arc<[watch::Sender<Position>]>,
    own: watch::Sender<Own>,
}

/// The last position of each partition that this process has written.
pub(crate) type Own = Box<[Position]>;

impl Commits {
    pub(crate) fn new(count: NonZero<u16>) -> Self {
        let partitions = LogPartition::all(count);
        Self {
            heads: partitions
                .clone()
                .map(|_| watch::Sender::default())
                .collect(),
            own: watch::Sender::new(partitions.map(|_| Position::START).collect()),
        }
    }

    /// Must be called after every commit of this process.
    pub(crate) fn committed(&self, partition: LogPartition, position: Position) {
        self.learn(partition, position);
        self.own.send_if_modified(|own| {
            let own = &mut own[partition.index()];
            std::mem::replace(own, position) != position
        });
    }

    /// Returns what this process has committed since; ends with the last writer.
    pub(crate) fn own(&self) -> watch::Receiver<Own> {
        self.own.subscribe()
    }

    /// Notes that some process has written up to `position`.
    pub(crate) fn learn(&self, partition: LogPartition, position: Position) {
        if let Some(head) = self.heads.get(partition.index()) {
            head.send_if_modified(|head| {
                let is_news = *head < position;
                *head = position.max(*head);
                is_news
            });
        }
    }

    /// Forgets what is known: it may belong to a log that a backup has replaced with a shorter one.
    pub(crate) fn begin_again(&self) {
        for head in self.heads.iter() {
            head.send_replace(Position::START);
        }
    }

    /// Returns when a partition is known to have gone past `position`.
    pub(crate) async fn past(&self, partition: LogPartition, position: Position) {
        let mut head = self.heads[partition.index()].subscribe();
        let moved = head.wait_for(|head| *head > position).await;
        moved.expect("the sender is here");
    }
}
