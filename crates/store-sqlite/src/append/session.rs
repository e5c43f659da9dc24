//! The connection that writes: one transaction for all jobs that it is given.

use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Error};
use seriatim_core::{AppendError, Position, StoreError, StoreErrorKind};
use seriatim_store_sql::{APPEND, may_be_of_one_call};
use tokio::sync::watch;

use crate::append::job::{Answer, Job};
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

/// The number of transactions that look up each stream after an expectation of no events was wrong. Where that happens
/// again and again, few transactions are tried twice.
const LOOKS: u8 = 64;

/// The connection, and what is known of its file.
pub(super) struct Session {
    pub(super) connection: Connection,
    files: Files,
    damage: Damage,
    checksums: bool,
    /// The number of transactions that look up each stream, because an expectation of no events was wrong before them.
    looks: u8,
    memory: Memory,
    head: watch::Sender<Position>,
}

impl Session {
    /// `head` is told of every commit.
    pub(super) fn new(
        connection: Connection,
        files: Files,
        damage: Damage,
        checksums: bool,
        head: watch::Sender<Position>,
    ) -> Self {
        Self {
            connection,
            files,
            damage,
            checksums,
            looks: 0,
            memory: Memory::default(),
            head,
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

    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
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

    /// Returns `true` if the error may be because of the size or the content of one of several jobs.
    pub(super) fn may_be_of_one_job(&self, error: &StoreError) -> bool {
        // A store that was stopped refuses all.
        self.damage.found().is_none()
            && (may_be_of_one_call(error) || driver_error::is_out_of_memory(error))
    }

    /// Does all of `jobs` in one transaction.
    pub(super) fn transact(&mut self, jobs: &mut [Job]) -> Result<Vec<Answer>, AppendError> {
        self.look_at_files(APPEND)
            .map_err(AppendError::NotWritten)?;
        let mut answers = self.begin().and_then(|()| self.write(jobs));
        if self.looks == 0 && answers.as_ref().is_err_and(driver_error::is_key_taken) {
            self.memory.forget();
            self.roll_back();
            self.looks = LOOKS;
            answers = self.begin().and_then(|()| self.write(jobs));
        }
        self.looks = self.looks.saturating_sub(1);
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
        let (memory, looks) = (&mut self.memory, self.looks > 0);
        let mut transaction = Transaction::new(&self.connection, memory, self.checksums, looks)?;
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
