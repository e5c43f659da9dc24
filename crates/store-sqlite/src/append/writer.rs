//! The handle on the thread that writes.

use std::convert::Infallible;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, Error};
use seriatim_core::{Append, AppendError, AppendOutcome, Position, StoreError, StoreErrorKind};
use seriatim_store_sql::{APPEND, Call};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::OpenError;
use crate::append::change;
use crate::append::job::{Job, Request};
use crate::append::session::{FLUSH, Session};
use crate::append::thread::Thread;
use crate::append::transaction::Transaction;
use crate::opening::damage::Damage;
use crate::opening::files::Files;

/// The handle on the thread. Its drop waits until the thread has ended: all queued work is done, every reading thread has
/// closed its connection, and the write-ahead log is copied into the file. Must be dropped after the readers.
pub(crate) struct Writer {
    /// `None`: it is being dropped.
    requests: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take() {
            // A panic in there was reported where it happened.
            let _ = thread.join();
        }
    }
}

/// Held by every reading thread. The last connection that is closed removes the write-ahead log; if two are closed at
/// the same moment, each leaves that to the other. So the writer waits for the readers.
#[derive(Clone)]
pub(crate) struct StillReading(#[expect(dead_code, reason = "only held")] Sender<Infallible>);

impl Writer {
    /// Starts the thread. `head` is told of every commit.
    pub(crate) fn start(
        connection: Connection,
        files: Files,
        damage: Damage,
        checksums: bool,
        head: watch::Sender<Position>,
    ) -> Result<(Self, StillReading), OpenError> {
        let (requests, queue) = mpsc::channel();
        let (still_reading, readers) = mpsc::channel();
        let runtime = Handle::try_current().ok();
        let thread = thread::Builder::new()
            .name("seriatim-write".into())
            .spawn(move || {
                let session = Session::new(connection, files, damage, checksums, head);
                let mut thread = Thread::new(session, runtime);
                thread.run(&queue);
                let _ = readers.recv();
                thread.end();
            })
            .map_err(|source| OpenError::NoThread { source })?;
        let writer = Self {
            requests: Some(requests),
            thread: Some(thread),
        };
        Ok((writer, StillReading(still_reading)))
    }

    /// Returns whether the thread will see to it.
    fn ask(&self, request: Request) -> bool {
        let requests = self.requests.as_ref();
        requests.is_some_and(|requests| requests.send(request).is_ok())
    }

    /// Copies the write-ahead log into the file, and empties it.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        if !self.ask(Request::Flush(reply)) {
            return Err(ended(FLUSH));
        }
        answer.await.unwrap_or_else(|_| Err(ended(FLUSH)))
    }

    pub(crate) async fn append(
        &self,
        appends: Vec<Append>,
    ) -> Result<Vec<AppendOutcome>, AppendError> {
        let (call, answer) = Call::new(appends);
        if !self.ask(Request::Job(Job::Append(call))) {
            return Err(AppendError::NotWritten(ended(APPEND)));
        }
        answer.get().await
    }

    /// Makes a change that is durable when this returns. `action` is what it does, as a verb phrase.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        action: &'static str,
        make: impl Fn(&mut Transaction<'_, '_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (change, answer) = change::change(action, make);
        if !self.ask(Request::Job(Job::Change(change))) {
            return Err(ended(action));
        }
        answer.await.unwrap_or_else(|_| Err(ended(action)))
    }
}

fn ended(action: &'static str) -> StoreError {
    let why = "its writing thread has ended; restart the program";
    StoreError::new(action, StoreErrorKind::Unavailable, why)
}
