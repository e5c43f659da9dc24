//! Reads the end of one partition of the log once for all subscribers that have caught up with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seriatim_core::{Bookmark, Log, LogPartition, Position, StoreError, SubscribeError};
use tokio::sync::watch;

use crate::page_size::PageSize;
use crate::recent::{Page, Recent};

/// The time after which a store that did not answer is asked again. It doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The time without news after which it is checked whether the log is still the same one.
const SILENCE: Duration = Duration::from_secs(2);

/// The time after which the log is read again if a wait brought nothing. It doubles each time. A store that has seen
/// the end of a log stops waiting if that log is replaced by a shorter one.
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
    /// True if a task reads. The task begins and ends under the lock, so there is never more than one.
    running: bool,
    recent: Recent,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    /// The last event that was read.
    last: Bookmark,
    /// The error of the last try; `None` if it succeeded.
    fault: Option<StoreError>,
    /// The number of times that reading has begun, or has ended because the log was replaced.
    era: u64,
}

/// The knowledge that needs no call of the store.
pub(crate) enum Known {
    /// These events follow.
    Page(Page),
    /// Nothing follows yet, as far as the reading task has come.
    Nothing,
    /// The place is too old, so the store must be asked.
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

    /// Returns what follows `after`, if it is kept in memory and the event at that place is the one that was read.
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

    /// Waits until something after `after` was read, or the log seems to be replaced; each listener then checks its own
    /// place. A fault is reported once to each listener, and again only if the next try fails too.
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
            // This cannot fail, because `self` holds the sender.
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

    /// Starts the task if it is not running. Only a listener may call this: the task ends as soon as nobody listens.
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

    /// Waits for the next events and reports them. Dropping it half-way changes nothing.
    async fn read(
        &self,
        after: &Bookmark,
        size: &mut PageSize,
    ) -> Result<Bookmark, SubscribeError> {
        let (mut rest, mut is_told) = (Duration::ZERO, true);
        let page = loop {
            let events = (self.log).read_after(self.partition, after, size.limit());
            let events = match events.await {
                // No listener was told that there are more events, so none misses anything.
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

    /// Waits until the log reports more events, or has been silent for long. Returns true if it has reported them.
    async fn wait(&self, after: Position) -> bool {
        let more = self.log.stored().wait_past(self.partition, after);
        tokio::time::timeout(SILENCE, more).await.is_ok()
    }

    fn stop(&self) {
        let mut follower = self.follower();
        *follower = Follower::default();
        self.news.send_modify(|news| news.era += 1);
    }

    /// Ends the task if nobody listens. A listener listens before it asks for a start, which needs the lock, so none is
    /// left without a task.
    fn stop_if_unheard(&self) -> bool {
        let mut follower = self.follower();
        if self.news.receiver_count() > 0 {
            return false;
        }
        *follower = Follower::default();
        true
    }

    /// Locks the state. Nothing panics while the lock is held.
    fn follower(&self) -> MutexGuard<'_, Follower> {
        self.follower.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
