//! Loads that have to wait are combined into one statement.
//!
//! There is no timer: loads gather while as many statements are in progress as may be. Otherwise a load is sent at once
//! by its caller.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seriatim_core::{Load, Sequence, StoreError};
use sqlx::Row;
use sqlx::postgres::PgRow;
use tokio::sync::{Semaphore, oneshot};

use crate::opening::connections::Connections;
use crate::opening::driver_error::{self, Meaning};
use crate::reading::load::Page;
use crate::reading::load_sql::Texts;

pub(crate) const ACTION: &str = "load a stream";

/// The number of statements that may begin to load streams at once. Further loads gather.
const STATEMENTS: usize = 2;

/// The number of streams that one statement begins to load.
const STREAMS: usize = 64;

/// The number of rows that one statement may return, divided evenly among its streams: with 64 of them each gets 256.
const ROWS: usize = 16_384;

/// The number of bytes that it is expected to return, if events are so large that this limit is reached first.
const BYTES: usize = 4 << 20;

/// Sends the loads of a store.
pub(crate) struct LoadBatcher {
    shared: Arc<Shared>,
}

struct Shared {
    connections: Arc<Connections>,
    texts: Texts,
    statements: Semaphore,
    /// If it is not empty, a task is about to take its loads.
    waiting: Mutex<Vec<Waiting>>,
    /// The average size of an event's data lately.
    event_bytes: AtomicUsize,
}

/// A load whose caller may be gone by now.
struct Waiting {
    wanted: Load,
    reply: oneshot::Sender<Result<Page, StoreError>>,
}

impl LoadBatcher {
    pub(crate) fn new(connections: Arc<Connections>) -> Self {
        Self {
            shared: Arc::new(Shared {
                texts: Texts::of(connections.schema()),
                connections,
                statements: Semaphore::new(STATEMENTS),
                waiting: Mutex::default(),
                event_bytes: AtomicUsize::new(256),
            }),
        }
    }

    /// Returns the first rows of a stream: its snapshot, if one is wanted, and events.
    pub(crate) async fn first_page(&self, wanted: &Load) -> Result<Page, StoreError> {
        let shared = &self.shared;
        if let Ok(_permit) = shared.statements.try_acquire() {
            return shared.one(wanted, None).await;
        }
        let (reply, answer) = oneshot::channel();
        let load = Waiting {
            wanted: wanted.clone(),
            reply,
        };
        if shared.add(load) {
            shared.spawn_batch();
        }
        match answer.await {
            Ok(answer) => answer,
            // The statement was refused, perhaps because of another stream.
            Err(_) => shared.one(wanted, None).await,
        }
    }

    /// Returns more of a long stream. It does not count among the statements that begin, so that it does not keep others from beginning.
    pub(crate) async fn page_after(
        &self,
        wanted: &Load,
        after: Sequence,
    ) -> Result<Page, StoreError> {
        self.shared.one(wanted, Some(after)).await
    }

    /// Learns from a load how many rows to ask for.
    pub(crate) fn note_size(&self, rows: usize, bytes: usize) {
        if let Some(now) = bytes.checked_div(rows) {
            let before = self.shared.event_bytes.load(Ordering::Relaxed);
            let mean = (before * 7 + now).div_ceil(8);
            self.shared.event_bytes.store(mean, Ordering::Relaxed);
        }
    }
}

impl Shared {
    /// Returns whether it is the first one, so that a task has to be started for it.
    fn add(&self, load: Waiting) -> bool {
        let mut waiting = self.waiting();
        waiting.push(load);
        waiting.len() == 1
    }

    fn spawn_batch(self: &Arc<Self>) {
        tokio::spawn(Arc::clone(self).send_batch());
    }

    /// Waits until a statement may begin, and combines all loads that are waiting then into one statement.
    async fn send_batch(self: Arc<Self>) {
        let Ok(_permit) = self.statements.acquire().await else {
            return;
        };
        let (taken, is_more) = self.take();
        if is_more {
            self.spawn_batch();
        }
        let (wanted, replies): (Vec<_>, Vec<_>) = taken
            .into_iter()
            .filter(|waiting| !waiting.reply.is_closed())
            .map(|waiting| (waiting.wanted, waiting.reply))
            .unzip();
        if wanted.is_empty() {
            return;
        }
        match self.many(&wanted).await {
            Ok(pages) => {
                for (reply, page) in replies.into_iter().zip(pages) {
                    // A caller that is gone is not an error.
                    let _ = reply.send(Ok(page));
                }
            }
            Err(error) if driver_error::meaning(&error) == Meaning::Lost => {
                let error = driver_error::store_error(ACTION, error);
                for reply in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
            // The server does not say which stream it was. Without an answer, each stream is loaded alone.
            Err(_) => drop(replies),
        }
    }

    fn take(&self) -> (Vec<Waiting>, bool) {
        let mut waiting = self.waiting();
        let count = waiting.len().min(STREAMS);
        let taken = waiting.drain(..count).collect();
        (taken, !waiting.is_empty())
    }

    async fn one(&self, wanted: &Load, after: Option<Sequence>) -> Result<Page, StoreError> {
        let limit = self.rows_for_each_of(1);
        let query = || self.texts.one(wanted, after, limit);
        let rows = self.connections.fetch(ACTION, query).await?;
        Ok(Page::of(rows, limit))
    }

    async fn many(&self, wanted: &[Load]) -> Result<Vec<Page>, sqlx::Error> {
        let limit = self.rows_for_each_of(wanted.len());
        let query = || self.texts.many(wanted, limit);
        let mut streams: Vec<Vec<PgRow>> = wanted.iter().map(|_| Vec::new()).collect();
        for row in self.connections.rows(query).await? {
            let number: i64 = row.try_get("number")?;
            let index = usize::try_from(number - 1).ok();
            let stream = index.and_then(|index| streams.get_mut(index));
            stream.ok_or(sqlx::Error::RowNotFound)?.push(row);
        }
        let pages = streams.into_iter().map(|rows| Page::of(rows, limit));
        Ok(pages.collect())
    }

    fn rows_for_each_of(&self, streams: usize) -> usize {
        let event_bytes = self.event_bytes.load(Ordering::Relaxed).max(1);
        let rows = ROWS.min(BYTES / event_bytes);
        (rows / streams).max(1)
    }

    /// Nothing panics while the lock is held.
    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    fn of(rows: Vec<PgRow>, limit: usize) -> Self {
        Self {
            is_full: rows.len() >= limit,
            rows,
        }
    }
}
