//! Tells those who have joined a stream of the signals on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use seriatim_core::StreamId;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::table::{LONGEST, Table};
use super::{HERE, Share};
use crate::frames::ServerFrame;
use crate::rooms::Rooms;

/// The time between two looks at what has changed: many changes become one frame.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// The time between two exchanges with other processes, which take no longer than [`EXCHANGE_WITHIN`].
const EXCHANGE_EVERY: Duration = Duration::from_secs(1);
const EXCHANGE_WITHIN: Duration = Duration::from_secs(3);
/// The bytes of a signal.
const SIGNAL_BYTES: usize = 32;

/// Keeps the signals of this process. Cheap to clone; clones are one.
#[derive(Clone)]
pub(crate) struct Keeper {
    table: Arc<Mutex<Table>>,
    share: Option<Arc<dyn Share>>,
}

impl Keeper {
    pub(crate) fn new(share: Option<Arc<dyn Share>>) -> Self {
        Self {
            table: Arc::default(),
            share,
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn enter(&self, stream: &StreamId, user: &str) {
        self.table().enter(stream, user);
    }

    pub(crate) fn leave(&self, stream: &StreamId, user: &str) {
        self.table().leave(stream, user);
    }

    /// Shows a signal of somebody who has joined. Fails with a sentence if it is not one.
    pub(crate) fn show(
        &self,
        stream: &StreamId,
        user: &str,
        signal: &str,
        lasts: Duration,
    ) -> Result<(), String> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if signal.is_empty() || signal.len() > SIGNAL_BYTES || !signal.bytes().all(is_plain) {
            return Err(format!(
                "a signal has 1 to {SIGNAL_BYTES} of the characters a-z, A-Z, 0-9, - and _"
            ));
        }
        if signal == HERE {
            return Err(format!("`{HERE}` is shown by joining"));
        }
        match lasts.is_zero() {
            true => self.table().hide(stream, user, signal),
            false => {
                let until = Instant::now() + lasts.min(LONGEST);
                self.table().show(stream, user, signal, until);
            }
        }
        Ok(())
    }

    /// Tells everybody what changes. It never ends.
    pub(crate) async fn run(self, rooms: Arc<Rooms>) {
        tokio::join!(self.tell(&rooms), self.exchange());
    }

    async fn tell(&self, rooms: &Rooms) {
        let mut ticks = interval(TELL_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let changed = {
                let mut table = self.table();
                table.expire(Instant::now());
                table.take_changed()
            };
            for stream in changed {
                if let Some(room) = rooms.get(&stream) {
                    let present = self.table().present(&stream);
                    let frame = ServerFrame::Present {
                        stream: room.name(),
                        users: &present.users,
                        more: present.more,
                    };
                    room.push(&frame.encode());
                }
            }
        }
    }

    async fn exchange(&self) {
        let Some(share) = &self.share else {
            return;
        };
        let mut ticks = interval(EXCHANGE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let ours = self.table().ours(Instant::now());
            match timeout(EXCHANGE_WITHIN, share.exchange(ours)).await {
                Ok(Ok(theirs)) => self.table().set_others(theirs, Instant::now()),
                Ok(Err(error)) => {
                    tracing::warn!(error = error.to_string(), "presence was not shared");
                }
                Err(_) => tracing::warn!("presence was not shared in time"),
            }
        }
    }
}
