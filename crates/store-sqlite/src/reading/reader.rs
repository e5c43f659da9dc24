//! A thread that reads on its own connection. It reads what was committed last, and the writer does not disturb it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Sender};
use std::thread;

use rusqlite::{Connection, Error, ErrorCode};
use seriatim_core::{StoreError, StoreErrorKind};
use tokio::sync::oneshot;

use crate::OpenError;
use crate::append::writer::StillReading;
use crate::opening::damage::Damage;
use crate::opening::driver_error;
use crate::opening::migrations;

/// The number of queries that may share a transaction. Its only purpose is to limit how long the first one delays the
/// last one.
const QUERIES_IN_ONE: usize = 64;

/// A query with the way to its caller. It runs inside of a transaction.
type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The handle on the thread, which ends with it after finishing what was queued.
pub(crate) struct Reader {
    jobs: Sender<Job>,
    damage: Damage,
}

impl Reader {
    pub(crate) fn start(
        connection: Connection,
        name: &str,
        damage: Damage,
        still_reading: StillReading,
    ) -> Result<Self, OpenError> {
        let (jobs, queue) = mpsc::channel();
        thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                while let Ok(first) = queue.recv() {
                    // Collected before the transaction begins: a caller that asks later may know of a commit that the
                    // transaction does not show.
                    let mut jobs = vec![first];
                    jobs.extend(queue.try_iter().take(QUERIES_IN_ONE - 1));
                    run(&connection, jobs);
                }
                drop(connection);
                drop(still_reading);
            })
            .map_err(|source| OpenError::NoThread { source })?;
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
