//! All alarms of a process, each on a task of its own.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Alarm;

/// The alarms that ring in this process. Dropped, they end by themselves; see [`Alarms::shutdown`].
#[derive(Debug)]
pub struct Alarms {
    tasks: Mutex<Vec<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

impl Alarms {
    /// Begins to ring. Must be called on a Tokio runtime.
    pub fn start(alarms: impl IntoIterator<Item = Alarm>) -> Self {
        let (stop, stopping) = watch::channel(false);
        let tasks = alarms
            .into_iter()
            .map(|alarm| tokio::spawn(alarm.run(stopping.clone())));
        Self {
            tasks: Mutex::new(tasks.collect()),
            stop,
        }
    }

    /// Lets every alarm finish the page it is at, and returns. May be called more than once.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            // It fails only if the runtime ends first.
            let _ = task.await;
        }
    }
}
