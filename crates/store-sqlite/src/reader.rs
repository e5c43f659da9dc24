//! The threads that read, each on its own connection: undisturbed by the writer, on what was committed last.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use rusqlite::{Connection, Error};
use seriatim_core::{StoreError, StoreErrorKind};
use tokio::sync::oneshot;

use crate::writer::StillReading;
use crate::{OpenError, connection, refused};

const THREADS: usize = 2;
/// How many queries may share a transaction. Only bounds how long the first of them keeps the last waiting.
const QUERIES_IN_ONE: usize = 32;

/// A query with the way to its caller. It runs inside of a transaction.
type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The handle on the threads, which end with it after finishing what was queued.
pub(crate) struct Readers {
    queue: Arc<Queue>,
}

impl Readers {
    pub(crate) fn start(path: &Path, still_reading: &StillReading) -> Result<Self, OpenError> {
        let readers = Self {
            queue: Arc::default(),
        };
        for _ in 0..THREADS {
            let connection =
                connection::open_reader(path).map_err(|error| refused::open_error(path, error))?;
            let (queue, still_reading) = (readers.queue.clone(), still_reading.clone());
            thread::Builder::new()
                .name("seriatim-read".into())
                .spawn(move || {
                    while let Some(jobs) = queue.next() {
                        run(&connection, jobs);
                    }
                    drop(connection);
                    drop(still_reading);
                })
                .map_err(|source| OpenError::NoThread { source })?;
        }
        Ok(readers)
    }

    /// Runs a query, whose statements all see one state of the database: one that was committed after this call
    /// began. `action` is what it does, as a verb phrase.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        action: &'static str,
        query: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.push(Box::new(move |connection| {
            // A caller that has gone away needs no answer.
            if !reply.is_closed() {
                let _ = reply.send(query(connection));
            }
        }));
        let answer = answer.await;
        answer
            .map_err(|_| {
                let why = "the query has panicked; please report this";
                StoreError::new(action, StoreErrorKind::Unavailable, why)
            })?
            .map_err(|error| refused::store_error(action, error))
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Runs queries in one transaction: most of what a small one costs is to take SQLite's lock and to find out what
/// has changed.
fn run(connection: &Connection, jobs: Vec<Job>) {
    let execute = |sql| connection.prepare_cached(sql)?.execute([]).map(drop);
    let begun: Result<(), Error> = execute("BEGIN");
    for job in jobs {
        // A query that panics drops its reply, and harms nothing else.
        let _ = catch_unwind(AssertUnwindSafe(|| job(connection)));
    }
    if begun.and_then(|()| execute("COMMIT")).is_err() && !connection.is_autocommit() {
        let _ = execute("ROLLBACK");
    }
}

/// What waits to be read. Each job wakes one thread; a channel behind a lock would wake two.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    fn push(&self, job: Job) {
        self.lock().jobs.push_back(job);
        self.changed.notify_one();
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// The next jobs, when there are any; `None` when there will be no more.
    fn next(&self) -> Option<Vec<Job>> {
        let mut waiting = self.lock();
        loop {
            // The other threads get their share.
            let share = waiting.jobs.len().div_ceil(THREADS).min(QUERIES_IN_ONE);
            if share > 0 {
                return Some(waiting.jobs.drain(..share).collect());
            }
            if waiting.closed {
                return None;
            }
            let changed = self.changed.wait(waiting);
            waiting = changed.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// No job runs while the lock is held, so nothing panics then.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
