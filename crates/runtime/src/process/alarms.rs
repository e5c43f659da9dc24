//! Runs all alarms of a process, each on a task of its own.

use std::sync::{Arc, Mutex, PoisonError};

use seriatim_core::StoreError;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Alarm;
use crate::ReactionSettings;

/// The alarms that ring in this process. Dropping it ends them; see [`Alarms::shutdown`].
#[derive(Debug)]
pub struct Alarms {
    alarms: Vec<Arc<Alarm>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

impl Alarms {
    /// Begins to ring. It must be called on a Tokio runtime.
    pub fn start(alarms: impl IntoIterator<Item = Alarm>, settings: &ReactionSettings) -> Self {
        let (stop, stopping) = watch::channel(false);
        let silence = settings.bounded_lease();
        let alarms = (alarms.into_iter()).map(|alarm| Arc::new(alarm.silent_for(silence)));
        let alarms: Vec<_> = alarms.collect();
        let tasks = alarms
            .iter()
            .map(|alarm| tokio::spawn(Arc::clone(alarm).run(stopping.clone())));
        Self {
            tasks: Mutex::new(tasks.collect()),
            stop,
            alarms,
        }
    }

    /// Updates the metrics that are measured rather than counted: the number of overdue timers. Call it before the
    /// metrics are read.
    pub async fn observe(&self) -> Result<(), StoreError> {
        for alarm in &self.alarms {
            alarm.observe().await?;
        }
        Ok(())
    }

    /// Lets every alarm finish its current page, and returns. It may be called more than once.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            // This fails only if the runtime ends first.
            let _ = task.await;
        }
    }
}
