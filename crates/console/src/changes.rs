//! Tells open pages that something has changed, by server-sent events. What it is they find out by loading themselves again,
//! so that nobody is told what they may not see.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use seriatim_security::{Credentials, Unauthenticated};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::console::Shared;
use crate::door::identify;
use crate::pulse::{BEAT, Beat};
use crate::visitor::Visitor;

/// The most requests that wait for changes at once.
const MOST: usize = 128;
/// The most of one visitor who is known. A browser keeps few connections to one server.
const MOST_OF_ONE: usize = 8;
/// The time after which a page loads itself again in any case: letters that are decided elsewhere are not in the log.
const AT_LEAST: Duration = Duration::from_secs(10);

/// The requests that wait for changes.
#[derive(Debug)]
pub(crate) struct Streams {
    open: Mutex<HashMap<Option<String>, usize>>,
    closing: watch::Sender<bool>,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            closing: watch::Sender::new(false),
        }
    }
}

/// A place among the requests that wait.
struct Place {
    of: Option<String>,
    streams: Arc<Streams>,
}

impl Streams {
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    fn take(self: &Arc<Self>, of: Option<String>) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let most = if of.is_some() { MOST_OF_ONE } else { MOST };
        let is_full = open.values().sum::<usize>() >= MOST;
        let mine = open.entry(of.clone()).or_default();
        if is_full || *mine >= most {
            return None;
        }
        *mine += 1;
        let streams = Arc::clone(self);
        Some(Place { of, streams })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let open = self.streams.open.lock();
        let mut open = open.unwrap_or_else(PoisonError::into_inner);
        if let Some(mine) = open.get_mut(&self.of) {
            *mine -= 1;
            if *mine == 0 {
                open.remove(&self.of);
            }
        }
    }
}

/// Answers with an event at once, and with one after each change; at most one in a second.
pub(crate) async fn follow(
    State(shared): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    connection: Option<Extension<Credentials>>,
    headers: HeaderMap,
) -> Response {
    let Some(place) = shared.streams.take(visitor.name()) else {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    let follower = Follower {
        closing: shared.streams.closing.subscribe(),
        shared,
        headers,
        connection: connection.map(|Extension(shown)| shown),
        seen: None,
        told: None,
        is_ended: false,
        _place: place,
    };
    let events = unfold(follower, |mut follower| async {
        let event = follower.next().await?;
        let event = Bytes::from_static(event.as_bytes());
        Some((Ok::<_, Infallible>(event), follower))
    });
    let kind = [(CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(events)).into_response()
}

const CHANGED: &str = "event: changed\ndata:\n\n";
const ENDED: &str = "event: ended\ndata:\n\n";

/// What one page waits with.
struct Follower {
    shared: Shared,
    closing: watch::Receiver<bool>,
    headers: HeaderMap,
    connection: Option<Credentials>,
    seen: Option<Beat>,
    /// The time of the last event, and whether the one after it is due: components handle a change a little later.
    told: Option<(Instant, bool)>,
    is_ended: bool,
    _place: Place,
}

impl Follower {
    /// Returns the next event; `None` when there is no more.
    async fn next(&mut self) -> Option<&'static str> {
        while !self.is_ended && !*self.closing.borrow() {
            if let Some((at, is_settling)) = self.told {
                tokio::select! {
                    () = sleep(BEAT) => {}
                    _ = self.closing.changed() => return None,
                }
                let has_changed = self.has_changed().await;
                if !has_changed && !is_settling && at.elapsed() < AT_LEAST {
                    continue;
                }
                self.told = Some((Instant::now(), has_changed));
            } else {
                self.has_changed().await;
                self.told = Some((Instant::now(), false));
            }
            self.is_ended = !self.is_known().await;
            return Some(if self.is_ended { ENDED } else { CHANGED });
        }
        None
    }

    /// Returns whether something has happened since it was asked last. A store that does not answer tells of nothing.
    async fn has_changed(&mut self) -> bool {
        let store = self.shared.coordinator.store();
        let Ok(beat) = self.shared.pulse.beat(&**store).await else {
            return false;
        };
        let has_changed = self.seen.as_ref() != Some(&beat);
        self.seen = Some(beat);
        has_changed
    }

    /// Returns whether the visitor is still known. It stays known while nobody can find out.
    async fn is_known(&self) -> bool {
        let known = identify(&self.shared.access, &self.headers, self.connection.as_ref());
        !matches!(known.await, Err(error) if error != Unauthenticated::Unavailable)
    }
}
