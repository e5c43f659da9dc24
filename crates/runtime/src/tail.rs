//! The end of one partition of the log, read once for all subscribers that have caught up with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seriatim_core::{Bookmark, Log, LogPartition, Position, StoreError, SubscribeError};
use tokio::sync::watch;

use crate::page_size::PageSize;
use crate::recent::{Page, Recent};

/// How soon a store is asked again that did not answer; the pause doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long the log may say nothing before it is checked whether it is still the same one.
const SILENCE: Duration = Duration::from_secs(2);

/// How soon the log is read again after a wait that brought nothing; the pause doubles each time. A store that has seen
/// the end of a log which was replaced by a shorter one does not wait any more.
const FIRST_REST: Duration = Duration::from_micros(500);
const LONGEST_REST: Duration = Duration::from_millis(100);

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

/// What listeners are told.
#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    /// The last event that was read.
    last: Bookmark,
    /// Why the last try failed; `None` if it did not.
    fault: Option<StoreError>,
    /// How often reading has begun, and ended because the log was replaced.
    era: u64,
}

/// What is known without asking the store.
pub(crate) enum Known {
    /// These events follow.
    Page(Page),
    /// Nothing follows yet, as far as the reading task has come.
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

    /// Returns what follows `after`, if it is kept in memory and the event there is the one that was read.
    pub(crate) fn after(&self, after: &Bookmark) -> Known {
        let follower = self.follower();
        let last = self.news.borrow().last;
        if !follower.running || after.position > last.position {
            return Known::TooOld;
        }
        if after.position == last.position {
            let may_be = after.event.is_none() || last.event.is_none() || after.event == last.event;
            return if may_be {
                Known::Nothing
            } else {
                Known::TooOld
            };
        }
        (follower.recent.after(after)).map_or(Known::TooOld, Known::Page)
    }

    /// Returns the last position that was read.
    pub(crate) fn last(&self) -> Position {
        self.news.borrow().last.position
    }

    /// Keeps the task reading for as long as the returned receiver lives.
    pub(crate) fn listen(&self) -> watch::Receiver<News> {
        self.news.subscribe()
    }

    /// Waits until something after `after` was read, or the log is seen to be replaced; each listener then checks its
    /// own place. A fault is reported once to each listener, and again only if the next try fails too.
    pub(crate) async fn past(
        self: &Arc<Self>,
        after: &Bookmark,
        listener: &mut watch::Receiver<News>,
    ) -> Result<(), StoreError> {
        let era = self.start(after);
        loop {
            {
                let news = listener.borrow();
                if news.era != era || news.last.position > after.position {
                    return Ok(());
                }
            }
            // The sender is in `self`, so it is there.
            let _ = listener.changed().await;
            let news = listener.borrow_and_update();
            if news.era == era
                && news.last.position <= after.position
                && let Some(fault) = &news.fault
            {
                return Err(fault.clone());
            }
        }
    }

    /// It must be called by a listener: the task ends as soon as nobody listens.
    fn start(self: &Arc<Self>, after: &Bookmark) -> u64 {
        let mut follower = self.follower();
        if !follower.running {
            *follower = Follower {
                running: true,
                recent: Recent::following(*after),
            };
            self.news.send_modify(|news| {
                *news = News {
                    last: *after,
                    fault: None,
                    era: news.era + 1,
                };
            });
            tokio::spawn(Arc::clone(self).follow(*after));
        }
        self.news.borrow().era
    }

    async fn follow(self: Arc<Self>, mut after: Bookmark) {
        let (mut size, mut pause) = (PageSize::default(), FIRST_PAUSE);
        loop {
            let read = tokio::select! {
                read = self.read(&after, &mut size) => read,
                () = self.news.closed() => match self.stop_if_unheard() {
                    true => return,
                    false => continue,
                },
            };
            match read {
                Ok(last) => {
                    if pause != FIRST_PAUSE {
                        tracing::warn!(partition = %self.partition, "the log can be read again");
                    }
                    (after, pause) = (last, FIRST_PAUSE);
                }
                Err(SubscribeError::Store(error)) => {
                    if pause == FIRST_PAUSE {
                        tracing::warn!(partition = %self.partition, error = error.to_string(), "the log cannot be read");
                    }
                    self.news.send_modify(|news| news.fault = Some(error));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(fault) => {
                    tracing::warn!(partition = %self.partition, %fault, "the end of the log is read anew");
                    return self.stop();
                }
            }
        }
    }

    /// Waits for the next events and reports them. If it is dropped half-way, it has done nothing.
    async fn read(
        &self,
        after: &Bookmark,
        size: &mut PageSize,
    ) -> Result<Bookmark, SubscribeError> {
        let (mut rest, mut is_told) = (Duration::ZERO, true);
        let page = loop {
            let events = (self.log).read_after(self.partition, after, size.limit());
            let events = match events.await {
                // Nobody has said that there are more events, so nobody misses anything.
                Err(SubscribeError::Store(_)) if !is_told => Vec::new(),
                events => events?,
            };
            size.learn(&events);
            if let Some(page) = Page::new(events) {
                break page;
            }
            if !rest.is_zero() {
                tokio::time::sleep(rest).await;
            }
            is_told = self.wait(after.position).await;
            rest = match is_told {
                true => (rest * 2).clamp(FIRST_REST, LONGEST_REST),
                false => Duration::ZERO,
            };
        };
        let last = page.last().map(|last| Bookmark::of(self.log.id(), last));
        let last = last.expect("a page has an event");
        let mut follower = self.follower();
        // Each reader checks for itself whether anything is missing.
        follower.recent.push(page);
        self.news
            .send_modify(|news| (news.last, news.fault) = (last, None));
        Ok(last)
    }

    /// Waits until the log says that there is more, or has been silent for long. Returns whether it has said so.
    async fn wait(&self, after: Position) -> bool {
        let more = self.log.stored().wait_past(self.partition, after);
        tokio::time::timeout(SILENCE, more).await.is_ok()
    }

    fn stop(&self) {
        let mut follower = self.follower();
        *follower = Follower::default();
        self.news.send_modify(|news| news.era += 1);
    }

    /// A listener listens before it asks for a start, and that needs the lock: so nobody is left without a task.
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
