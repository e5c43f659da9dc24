//! The thread that writes: it puts all waiting jobs into one transaction, and answers when the transaction is durable.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error};
use seriatim_core::{AppendError, Position, StoreError, StoreErrorKind};
use seriatim_store_sql::{APPEND, CommitMeter, Failures, fill, may_be_of_one_call};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::append::answering::Answering;
use crate::append::job::{Answer, Job, Request};
use crate::append::memory::Memory;
use crate::append::transaction::Transaction;
use crate::opening::connection;
use crate::opening::damage::{self, Damage};
use crate::opening::driver_error;
use crate::opening::files::Files;
use crate::reading::waiting;

pub(super) const FLUSH: &str = "copy the write-ahead log into the file";

/// The time for which a flush waits for other processes that read or write: an application that ends must not hang on
/// them.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct Thread {
    connection: Connection,
    files: Files,
    damage: Damage,
    checksums: bool,
    memory: Memory,
    head: watch::Sender<Position>,
    answering: Answering,
    meter: CommitMeter,
}

impl Thread {
    pub(super) fn new(
        connection: Connection,
        files: Files,
        damage: Damage,
        checksums: bool,
        head: watch::Sender<Position>,
        runtime: Option<Handle>,
    ) -> Self {
        Self {
            connection,
            files,
            damage,
            checksums,
            memory: Memory::default(),
            head,
            answering: Answering::new(runtime),
            meter: CommitMeter::default(),
        }
    }

    pub(super) fn run(&mut self, queue: &Receiver<Request>) {
        let mut held = None;
        while let Some(first) = held.take().or_else(|| queue.recv().ok()) {
            let (waiting, rest) = fill(first, || queue.try_recv().ok(), Request::size);
            held = rest;
            let mut jobs = Vec::with_capacity(waiting.len());
            let mut flushes = Vec::new();
            for request in waiting {
                match request {
                    Request::Job(job) => jobs.push(job),
                    Request::Flush(reply) => flushes.push(reply),
                }
            }
            if !jobs.is_empty() {
                self.work(jobs);
            }
            for reply in flushes {
                let _ = reply.send(self.flush());
            }
            self.answering.wait();
        }
    }

    /// Copies what is newest into the file, unless something is wrong with it.
    pub(super) fn end(&mut self) {
        let Err(error) = self.flush() else { return };
        let reason = error.to_string();
        if self.damage.found().is_some() {
            // Closing would copy it too, and the log may be all that is left to a person who saves what can be saved.
            let keep = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
            if let Err(error) = self.connection.set_db_config(keep, true) {
                let error = error.to_string();
                tracing::warn!(
                    error,
                    "the write-ahead log may be copied into a damaged file"
                );
            }
        }
        match error.kind {
            StoreErrorKind::Unavailable => {
                tracing::info!(reason, "what is newest stays in the write-ahead log");
            }
            _ => tracing::warn!(reason, "what is newest stays in the write-ahead log"),
        }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        // The log may hold all that is left.
        self.look_at_files(FLUSH)?;
        let flushed = self.connection.busy_timeout(FLUSH_PATIENCE).and_then(|()| {
            let pragma = "PRAGMA wal_checkpoint(TRUNCATE)";
            self.connection.query_row(pragma, [], |row| row.get("busy"))
        });
        let waits_again = connection::wait_for_others(&self.connection);
        self.files.accept();
        let in_the_way = "another process reads or writes the file";
        match flushed.and_then(|busy: bool| waits_again.map(|()| busy)) {
            Ok(false) => Ok(()),
            Ok(true) => Err(StoreError::new(
                FLUSH,
                StoreErrorKind::Unavailable,
                in_the_way,
            )),
            Err(error) => Err(self.damage.store_error(FLUSH, error)),
        }
    }

    /// Does all of `jobs` in one transaction. If that fails, their halves are tried, so that no job fails because of the
    /// size or the content of another.
    fn work(&mut self, jobs: Vec<Job>) {
        let mut failures = Failures::default();
        let mut left = vec![jobs];
        while let Some(mut jobs) = left.pop() {
            match self.transact(&mut jobs) {
                Ok(answers) => {
                    self.meter
                        .committed(answers.iter().map(Answer::appends).sum());
                    self.answering
                        .answer(jobs.into_iter().zip(answers).collect());
                }
                Err(AppendError::NotWritten(error))
                    if jobs.len() > 1 && self.may_be_of_one_job(&error) =>
                {
                    left.push(jobs.split_off(jobs.len() / 2));
                    left.push(jobs);
                }
                Err(error) => {
                    failures.add(jobs.len(), &error);
                    jobs.into_iter().for_each(|job| job.fail(&error));
                }
            }
        }
        failures.log();
    }

    fn may_be_of_one_job(&self, error: &StoreError) -> bool {
        // A store that was stopped refuses all.
        self.damage.found().is_none()
            && (may_be_of_one_call(error) || driver_error::is_out_of_memory(error))
    }

    fn transact(&mut self, jobs: &mut [Job]) -> Result<Vec<Answer>, AppendError> {
        self.look_at_files(APPEND)
            .map_err(AppendError::NotWritten)?;
        let answers = self.begin().and_then(|()| self.write(jobs));
        let done = match answers {
            Ok(answers) => self.commit().map(|()| answers),
            Err(error) => {
                let error = self.damage.store_error(APPEND, error);
                Err(AppendError::NotWritten(error))
            }
        };
        self.files.remember();
        if done.is_err() {
            self.memory.forget();
            self.roll_back();
        } else if let Some(head) = self.memory.head() {
            waiting::tell(&self.head, head.position);
        }
        done
    }

    /// Fails if anything is wrong with the files, or was before.
    fn look_at_files(&mut self, action: &'static str) -> Result<(), StoreError> {
        if let Some(damage) = self.damage.found() {
            return Err(damage.clone());
        }
        if self.files.are_as_before() {
            return Ok(());
        }
        match self.files.examine(&self.connection) {
            Ok(None) => {
                self.files.accept();
                Ok(())
            }
            Ok(Some(wrong)) => Err(self.damage.stop(action, &wrong)),
            Err(error) => Err(self.damage.store_error(action, error)),
        }
    }

    /// SQLite takes the write lock with the first write, not with BEGIN: two writers that have both read would end
    /// in "database is locked". IMMEDIATE makes the second one wait and then see what the first has written.
    fn begin(&self) -> Result<(), Error> {
        let mut begin = self.connection.prepare_cached("BEGIN IMMEDIATE")?;
        begin.execute([]).map(drop)
    }

    fn write(&mut self, jobs: &mut [Job]) -> Result<Vec<Answer>, Error> {
        let mut transaction = Transaction::new(&self.connection, &mut self.memory, self.checksums)?;
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            answers.push(match job {
                Job::Append(call) => Answer::Appended(transaction.append_call(&call.appends)?),
                Job::Change(change) => {
                    change.make(&mut transaction)?;
                    Answer::Changed
                }
            });
        }
        transaction.finish()?;
        Ok(answers)
    }

    fn commit(&self) -> Result<(), AppendError> {
        let commit = self.connection.prepare_cached("COMMIT");
        match commit.and_then(|mut commit| commit.execute([])) {
            Ok(_) => Ok(()),
            Err(error) if damage::is_damage(&error) => {
                let error = self.damage.store_error(APPEND, error);
                Err(AppendError::Unknown(error))
            }
            Err(error) => Err(driver_error::commit_error(APPEND, error)),
        }
    }

    /// SQLite has already rolled back after some errors.
    fn roll_back(&self) {
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.connection.execute_batch("ROLLBACK") {
            tracing::error!(
                error = error.to_string(),
                "a failed transaction could not be rolled back"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};
    use std::thread;

    use futures::FutureExt;
    use seriatim_core::{Append, EventStore, LogPartition, Write};
    use seriatim_store_sql::Call;
    use seriatim_testkit::conformance::{append, events, new_stream};
    use seriatim_testkit::until;

    use super::*;
    use crate::SqliteStore;
    use crate::append::writer::Writer;

    fn one_event() -> Vec<Append> {
        vec![append(&new_stream(), None, events(1))]
    }

    #[tokio::test]
    async fn a_lock_that_is_not_released_is_an_error_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locked.db");
        let store = SqliteStore::open_file(&path).await.unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let (one, two) = tokio::join!(store.append(one_event()), store.append(one_event()));
        for outcome in [one, two] {
            let Err(AppendError::NotWritten(error)) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(error.kind, StoreErrorKind::Unavailable);
        }
        assert_eq!(
            store.head(LogPartition::FIRST).await.unwrap(),
            Position::START
        );
        other.execute_batch("ROLLBACK").unwrap();
        store.append(one_event()).await.unwrap();
        assert_eq!(store.head(LogPartition::FIRST).await.unwrap(), Position(1));
    }

    /// As an opening that fails half-way leaves them.
    #[test]
    fn a_writer_that_nobody_came_to_use_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shared.db");
        let (ended, is_over) = mpsc::channel();
        thread::spawn(move || {
            let (connection, ..) = connection::open(&path).unwrap();
            let (files, damage) = (Files::of(&path), Damage::none_yet(path));
            let started = Writer::start(connection, files, damage, true, watch::Sender::default());
            let (writer, still_reading) = started.unwrap();
            drop((still_reading, writer));
            ended.send(()).unwrap();
        });
        is_over.recv_timeout(Duration::from_secs(60)).unwrap();
    }

    /// A call that never reached the thread has certainly written nothing.
    #[tokio::test]
    async fn nothing_is_unknown_of_a_call_that_finds_no_thread() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open_file(&folder.path().join("ended.db")).await;
        let store = store.unwrap();
        let broken = store.writer().change("break", |_| -> Result<(), Error> {
            panic!("the thread ends by this")
        });
        broken.await.unwrap_err();
        // The panic ends the thread a moment after the answer.
        let unsent = async || {
            matches!(
                store.append(one_event()).await,
                Err(AppendError::NotWritten(error)) if error.kind == StoreErrorKind::Unavailable
            )
        };
        until("the thread has ended", unsent).await;
    }

    #[test]
    fn a_call_that_fails_takes_none_down_that_shared_its_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shared.db");
        let (connection, ..) = connection::open(&path).unwrap();
        // Stands for anything that only one of the calls runs into.
        connection
            .execute_batch(
                "CREATE TRIGGER refuse BEFORE INSERT ON seriatim_events WHEN new.type = 'Refused'
                 BEGIN SELECT raise(ABORT, 'not this one'); END",
            )
            .unwrap();
        let (files, damage) = (Files::of(&path), Damage::none_yet(path));
        let mut thread = Thread::new(
            connection,
            files,
            damage,
            true,
            watch::Sender::default(),
            None,
        );
        let refused = || {
            let mut batch = one_event();
            batch.extend(one_event());
            let Write::Events { events, .. } = &mut batch[1].write else {
                unreachable!("it is made of events");
            };
            Arc::get_mut(events).unwrap()[0].payload.type_name = "Refused".into();
            batch
        };
        // The refused one stands in each place once.
        for place in [0, 31, 63] {
            let calls = (0..64).map(|n| match n == place {
                true => refused(),
                false => one_event(),
            });
            let (calls, answers): (Vec<_>, Vec<_>) = calls.map(Call::new).unzip();
            thread.work(calls.into_iter().map(Job::Append).collect());
            for (n, answer) in answers.into_iter().enumerate() {
                let answer = answer.get().now_or_never().unwrap();
                assert_eq!(answer.is_ok(), n != place, "{answer:?}");
            }
        }
        let head = "SELECT position, (SELECT count(*) FROM seriatim_events),
                    (SELECT count(*) FROM seriatim_events WHERE sequence = 0) FROM seriatim_log_head";
        let counts = thread
            .connection
            .query_row(head, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        assert_eq!(
            counts,
            Ok((189, 189, 189)),
            "nothing of the refused one is there"
        );
    }
}
