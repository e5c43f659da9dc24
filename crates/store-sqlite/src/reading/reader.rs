//! Threads that read on their own connections. They read what was committed last, and the writer does not disturb them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use rusqlite::{Connection, Error, ErrorCode};
use seriatim_core::{StoreError, StoreErrorKind};
use tokio::sync::oneshot;

use crate::OpenError;
use crate::append::writer::StillReading;
use crate::opening::damage::Damage;
use crate::opening::driver_error;
use crate::opening::migrations;

/// A query with the way to its caller. It runs inside of a transaction.
type Job = Box<dyn FnOnce(&Connection) + Send>;

/// What the threads of a reader share.
#[derive(Clone)]
struct Queue {
    jobs: Arc<Mutex<Receiver<Job>>>,
    /// The number of queries that may share a transaction. Its only purpose is to limit how long the first one delays
    /// the last one.
    together: usize,
}

/// The handle on the threads, which end with it after finishing what was queued.
pub(crate) struct Reader {
    jobs: Sender<Job>,
    damage: Damage,
}

impl Reader {
    /// Starts a thread for each connection. At most `together` queries share a transaction.
    pub(crate) fn start(
        connections: impl IntoIterator<Item = Connection>,
        name: &str,
        together: usize,
        damage: Damage,
        still_reading: &StillReading,
    ) -> Result<Self, OpenError> {
        let (jobs, queue) = mpsc::channel();
        let queue = Queue {
            jobs: Arc::new(Mutex::new(queue)),
            together,
        };
        for connection in connections {
            queue
                .work_on(connection, name, still_reading.clone())
                .map_err(|source| OpenError::NoThread { source })?;
        }
        Ok(Self { jobs, damage })
    }

    /// Runs a query. All its statements see one state of the database, which is not older than this call. `action` is
    /// what it does, as a verb phrase.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        action: &'static str,
        query: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // A caller that has gone away needs no answer.
            if !reply.is_closed() {
                let result = query(connection).map_err(|error| {
                    match driver_error::failure(&error).map(|failure| failure.code) {
                        // A statement does not fit the tables.
                        Some(ErrorCode::Unknown) => {
                            let changed = migrations::check_unchanged(connection);
                            changed.err().unwrap_or(error)
                        }
                        _ => error,
                    }
                });
                let _ = reply.send(result);
            }
        });
        let no_answer = || {
            let why = "the query has panicked; please report this";
            StoreError::new(action, StoreErrorKind::Refused, why)
        };
        self.jobs.send(job).map_err(|_| no_answer())?;
        let result = answer.await.map_err(|_| no_answer())?;
        result.map_err(|error| self.damage.store_error(action, error))
    }
}

impl Queue {
    /// Starts a thread.
    fn work_on(
        &self,
        connection: Connection,
        name: &str,
        still_reading: StillReading,
    ) -> io::Result<()> {
        let queue = self.clone();
        let thread = thread::Builder::new().name(name.into()).spawn(move || {
            while let Ok(jobs) = queue.next() {
                run(&connection, jobs);
            }
            drop(connection);
            drop(still_reading);
        });
        thread.map(drop)
    }

    /// Waits for queries. They are collected before their transaction begins: a caller that asks later may know of a
    /// commit that the transaction does not show.
    fn next(&self) -> Result<Vec<Job>, RecvError> {
        let queue = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut jobs = vec![queue.recv()?];
        jobs.extend(queue.try_iter().take(self.together - 1));
        Ok(jobs)
    }
}

/// Runs queries in one transaction, because the largest part of the cost of a small query is to take SQLite's lock and
/// to find out what has changed.
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
