//! The threads that read, each on its own connection: undisturbed by the writer, on what was committed last.

use std::fmt;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::{Connection, Error};
use seriatim_core::{StoreError, StoreErrorKind};
use tokio::sync::oneshot;

use crate::writer::StillReading;
use crate::{OpenError, connection, refused};

const THREADS: usize = 2;

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The handle on the threads, which end with it after finishing what was queued.
pub(crate) struct Readers {
    jobs: Sender<Job>,
}

impl Readers {
    pub(crate) fn start(path: &Path, still_reading: &StillReading) -> Result<Self, OpenError> {
        let (jobs, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..THREADS {
            let connection =
                connection::open_reader(path).map_err(|error| refused::open_error(path, error))?;
            let (queue, still_reading) = (queue.clone(), still_reading.clone());
            thread::Builder::new()
                .name("seriatim-read".into())
                .spawn(move || {
                    run(&connection, &queue);
                    drop(connection);
                    drop(still_reading);
                })
                .map_err(|source| OpenError::NoThread { source })?;
        }
        Ok(Self { jobs })
    }

    /// Runs a query. `action` is what it does, as a verb phrase.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        action: &'static str,
        query: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // A caller that has gone away needs no answer.
            if !reply.is_closed() {
                let _ = reply.send(query(connection));
            }
        });
        self.jobs.send(job).map_err(|_| ended(action))?;
        let result = answer.await.map_err(|_| ended(action))?;
        result.map_err(|error| refused::store_error(action, error))
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

fn run(connection: &Connection, queue: &Mutex<Receiver<Job>>) {
    loop {
        // One of the threads waits with the lock, the others for it.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(connection),
            Err(_) => return,
        }
    }
}

fn ended(action: &'static str) -> StoreError {
    let why = "its reading threads have ended; restart the program";
    StoreError::new(action, StoreErrorKind::Unavailable, why)
}
