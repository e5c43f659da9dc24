//! The end of one partition of the log, read once for all who have caught up with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seriatim_core::{Log, LogPartition, Position, StoreError};
use tokio::sync::watch;

use crate::page_size::PageSize;
use crate::recent::{Page, Recent};

/// How soon a store is asked again that did not answer; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Follows one partition for as long as somebody listens.
#[derive(Debug)]
pub(crate) struct Tail {
    log: Log,
    partition: LogPartition,
    follower: Mutex<Follower>,
    news: watch::Sender<News>,
}

#[derive(Debug, Default)]
struct Follower {
    /// Whether a task reads. It begins and ends under the lock, so there is never more than one.
    running: bool,
    recent: Recent,
}

/// What those who listen are told.
#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    /// The last position that was read.
    last: Position,
    /// Why the last try failed, if it did.
    fault: Option<StoreError>,
}

/// What is known without asking the store.
pub(crate) enum Known {
    /// These events follow.
    Page(Page),
    /// Nothing follows yet, as far as the task that reads has come.
    Nothing,
    /// The store must be asked.
    TooOld,
}

impl Tail {
    pub(crate) fn new(log: Log, partition: LogPartition) -> Self {
        Self {
            log,
            partition,
            follower: Mutex::default(),
            news: watch::Sender::default(),
        }
    }

    /// What follows `after`, if it is kept in memory.
    pub(crate) fn after(&self, after: Position) -> Known {
        let follower = self.follower();
        if !follower.running || after > self.last() {
            return Known::TooOld;
        }
        if after == self.last() {
            return Known::Nothing;
        }
        (follower.recent.after(after)).map_or(Known::TooOld, Known::Page)
    }

    /// The last position that was read.
    pub(crate) fn last(&self) -> Position {
        self.news.borrow().last
    }

    /// Keeps the task reading for as long as what is returned lives.
    pub(crate) fn listen(&self) -> watch::Receiver<News> {
        self.news.subscribe()
    }

    /// Waits until something after `after` was read. A fault is told once to each listener, and again only if the
    /// next try fails too.
    pub(crate) async fn past(
        self: &Arc<Self>,
        after: Position,
        listener: &mut watch::Receiver<News>,
    ) -> Result<(), StoreError> {
        self.start(after);
        loop {
            if listener.borrow().last > after {
                return Ok(());
            }
            // The sender is in `self`, so it is there.
            let _ = listener.changed().await;
            let news = listener.borrow_and_update();
            if news.last <= after
                && let Some(fault) = &news.fault
            {
                return Err(fault.clone());
            }
        }
    }

    /// Must be called by one who listens: the task ends as soon as nobody does.
    fn start(self: &Arc<Self>, after: Position) {
        let mut follower = self.follower();
        if follower.running {
            return;
        }
        follower.running = true;
        self.news.send_replace(News {
            last: after,
            fault: None,
        });
        tokio::spawn(Arc::clone(self).follow(after));
    }

    async fn follow(self: Arc<Self>, mut after: Position) {
        let (mut size, mut pause) = (PageSize::default(), FIRST_PAUSE);
        loop {
            let read = tokio::select! {
                read = self.read(after, &mut size) => read,
                () = self.news.closed() => match self.stop_if_unheard() {
                    true => return,
                    false => continue,
                },
            };
            match read {
                Ok(last) => (after, pause) = (last, FIRST_PAUSE),
                Err(error) => {
                    tracing::warn!(partition = %self.partition, %error, "the log cannot be read");
                    self.news.send_modify(|news| news.fault = Some(error));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Waits for the next events and tells of them. Dropped half-way it has done nothing.
    async fn read(&self, after: Position, size: &mut PageSize) -> Result<Position, StoreError> {
        let page = loop {
            let events = self.log.read(self.partition, after, size.limit());
            let events = events.await?;
            size.learn(&events);
            if let Some(page) = Page::new(events) {
                break page;
            }
            self.log.stored().wait_past(self.partition, after).await;
        };
        let last = page.last().unwrap_or(after);
        let mut follower = self.follower();
        // Whether anything is missing is for each reader to see.
        follower.recent.push(page);
        self.news.send_replace(News { last, fault: None });
        Ok(last)
    }

    /// Who listens does so before asking for a start, and that needs the lock: nobody is left without a task.
    fn stop_if_unheard(&self) -> bool {
        let mut follower = self.follower();
        if self.news.receiver_count() > 0 {
            return false;
        }
        *follower = Follower::default();
        true
    }

    /// Nothing panics while the lock is held.
    fn follower(&self) -> MutexGuard<'_, Follower> {
        self.follower.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
