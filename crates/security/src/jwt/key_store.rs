//! Keeps the keys of an issuer, and fetches them again when they change.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::fetch::fetch;
use super::keys::{InvalidKeys, Keys};
use crate::JwksSource;

/// The times of fetching.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The longest time that one fetch may take.
    pub(super) limit: Duration,
    /// The shortest time from the beginning of a fetch to that of the next, however many callers ask.
    pub(super) between: Duration,
    /// The time after which keys are fetched again although nobody asks, so that one that the issuer has withdrawn is
    /// not taken for ever.
    pub(super) refresh: Duration,
    /// The time from the end of a fetch to the next if there are no keys at all.
    pub(super) retry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            limit: Duration::from_secs(5),
            between: Duration::from_secs(60),
            refresh: Duration::from_secs(10 * 60),
            retry: Duration::from_secs(5),
        }
    }
}

/// The keys of an issuer, in memory. A task of its own fetches them; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct KeyStore {
    known: watch::Receiver<Known>,
    wanted: mpsc::Sender<()>,
    task: JoinHandle<()>,
    between: Duration,
}

/// What is known of the keys.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The keys that were fetched last; they stay in force if a later fetch fails.
    pub(super) keys: Option<Arc<Keys>>,
    /// True if the last fetch has failed.
    pub(super) failed: bool,
    /// True while a fetch is under way.
    fetching: bool,
    /// When the last fetch began.
    begun: Instant,
    /// The number of fetches that have ended.
    ended: u64,
}

impl KeyStore {
    /// Begins to fetch the keys. It must be called on a Tokio runtime.
    pub(super) fn start(source: JwksSource, ca: Option<PathBuf>, pace: Pace) -> Self {
        let (publish, known) = watch::channel(Known {
            keys: None,
            failed: false,
            fetching: true,
            begun: Instant::now(),
            ended: 0,
        });
        // One request is as good as many.
        let (wanted, requests) = mpsc::channel(1);
        Self {
            known,
            wanted,
            task: tokio::spawn(run(source, ca, pace, publish, requests)),
            between: pace.between,
        }
    }

    pub(super) fn known(&self) -> Known {
        self.known.borrow().clone()
    }

    /// Asks for a fetch, unless one was begun too short a time ago. Returns the end of the fetch; `None` if there is
    /// none to wait for.
    pub(super) fn fetched(&self) -> Option<impl Future<Output = Known> + Send + use<>> {
        let known = self.known();
        if !known.fetching {
            if known.begun.elapsed() < self.between {
                return None;
            }
            // If one is asked for already, that is enough.
            let _ = self.wanted.try_send(());
        }
        let mut changes = self.known.clone();
        Some(async move {
            // The next fetch may have begun again when this looks.
            match changes.wait_for(|now| now.ended > known.ended).await {
                Ok(known) => known.clone(),
                // The configuration has changed meanwhile.
                Err(_) => Known {
                    failed: true,
                    ..known
                },
            }
        })
    }
}

impl Drop for KeyStore {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    source: JwksSource,
    ca: Option<PathBuf>,
    pace: Pace,
    publish: watch::Sender<Known>,
    mut requests: mpsc::Receiver<()>,
) {
    loop {
        let begun = Instant::now();
        publish.send_modify(|known| {
            known.fetching = true;
            known.begun = begun;
        });
        let fetched = timeout(pace.limit, fetch(&source, ca.as_deref())).await;
        let keys = match fetched {
            Ok(Ok(text)) => {
                let has_keys = publish.borrow().keys.is_some();
                let keys = Keys::parse(&text).and_then(|keys| match keys.is_empty() && !has_keys {
                    // It may not have published any yet.
                    true => Err(InvalidKeys::None),
                    false => Ok(keys),
                });
                keys.map_err(|error| error.to_string())
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {} s", pace.limit.as_secs_f32())),
        };
        match &keys {
            Ok(keys) if keys.is_empty() => tracing::error!(
                "the issuer of JSON web tokens has withdrawn all its keys, so no token is accepted"
            ),
            Ok(_) => {}
            Err(error) => tracing::error!(error, "the keys for JSON web tokens cannot be fetched"),
        }
        publish.send_modify(|known| {
            known.fetching = false;
            known.ended += 1;
            known.failed = keys.is_err();
            if let Ok(keys) = keys {
                known.keys = Some(Arc::new(keys));
            }
        });
        // What was asked for during the fetch is answered by it.
        while requests.try_recv().is_ok() {}
        let has_keys = publish.borrow().keys.is_some();
        let next = match has_keys {
            true => begun + pace.refresh,
            false => Instant::now() + pace.retry,
        };
        tokio::select! {
            () = sleep_until(next) => {}
            request = requests.recv() => match request {
                Some(()) => {}
                None => return,
            },
        }
    }
}
