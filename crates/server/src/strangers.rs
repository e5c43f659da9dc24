//! Finds the connection that makes room for a new one when as many are open as are allowed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::task::AbortHandle;

/// Whether a connection has ever shown who it is. Clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing(Arc<AtomicBool>);

impl Standing {
    /// Notes that one of its calls has shown who it is, or need not.
    pub(crate) fn is_known_now(&self) {
        self.0.store(true, Relaxed);
    }

    fn is_known(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// The connections that have begun and have not shown who they are. Those that have are never closed for others.
#[derive(Debug, Default)]
pub(crate) struct Strangers(VecDeque<(AbortHandle, Standing)>);

impl Strangers {
    pub(crate) fn add(&mut self, connection: AbortHandle, standing: Standing) {
        self.0.retain(is_stranger);
        self.0.push_back((connection, standing));
    }

    /// Returns whether one of them can make room.
    pub(crate) fn any(&self) -> bool {
        self.0.iter().any(is_stranger)
    }

    /// Closes the one that has been open the longest. Returns `false` if there is none.
    pub(crate) fn make_room(&mut self) -> bool {
        while let Some(oldest) = self.0.pop_front() {
            if is_stranger(&oldest) {
                oldest.0.abort();
                return true;
            }
        }
        false
    }
}

fn is_stranger((connection, standing): &(AbortHandle, Standing)) -> bool {
    !connection.is_finished() && !standing.is_known()
}
