//! Puts a gateway together, and starts it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use seriatim_coordinator::Coordinator;
use seriatim_core::{Domain, SubscribeError};
use seriatim_runtime::Feed;
use seriatim_security::Access;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{interval, timeout};

use crate::connections::Connections;
use crate::follower;
use crate::gateway::Gateway;
use crate::kind::{Kind, KindOf};
use crate::meter;
use crate::presence::{Keeper, Share, SharePresence};
use crate::room::Room;
use crate::rooms::Rooms;
use crate::settings::LiveSettings;
use crate::upgrade;

/// The time that connections have to end when the gateway is closed.
const FAREWELL: Duration = Duration::from_secs(5);
/// The time between two looks at how many rooms are open.
const LOOK: Duration = Duration::from_secs(5);

/// A gateway that is being put together.
pub struct LiveBuilder {
    coordinator: Coordinator,
    feed: Feed,
    access: Access,
    kinds: Vec<Arc<dyn Kind>>,
    settings: LiveSettings,
    origins: Vec<String>,
    share: Option<Arc<dyn Share>>,
}

impl fmt::Debug for LiveBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domains: Vec<_> = self.kinds.iter().map(|kind| kind.domain()).collect();
        f.debug_struct("LiveBuilder")
            .field("domains", &domains)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl LiveBuilder {
    /// Begins a gateway to the aggregates of a coordinator. `feed` follows the coordinator's log, and `access` finds
    /// out who users are: they need the rights to read and to subscribe to what they join, and to submit what they send.
    pub fn new(coordinator: Coordinator, feed: Feed, access: Access) -> Self {
        Self {
            coordinator,
            feed,
            access,
            kinds: Vec::new(),
            settings: LiveSettings::default(),
            origins: Vec::new(),
            share: None,
        }
    }

    /// Lets users follow the streams of an aggregate, and send to them. It must be registered with the application.
    #[must_use]
    pub fn room<R: Room>(mut self) -> Self {
        self.kinds.push(Arc::new(KindOf::<R>::new()));
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn settings(mut self, settings: LiveSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Lets pages of another origin connect, for example of `https://chat.example`. Pages of the server's own origin
    /// may; if users are not asked who they are, only if the server is reached by an address or as `localhost`.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Tells the gateways of other processes who is here. Without it each process knows only of its own users.
    #[must_use]
    pub fn share_presence(mut self, share: impl SharePresence) -> Self {
        self.share = Some(Arc::new(share));
        self
    }

    /// Starts to follow the log. Fails if the store does not answer, or if what was registered cannot be served.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub async fn start(self) -> Result<Live, StartLiveError> {
        let registered = self.coordinator.domains();
        let mut domains = BTreeSet::new();
        for kind in &self.kinds {
            let domain = kind.domain();
            if !registered.iter().any(|info| info.domain == domain) {
                return Err(StartLiveError::UnknownDomain { domain });
            }
            if !domains.insert(domain.clone()) {
                return Err(StartLiveError::Twice { domain });
            }
        }
        if domains.is_empty() {
            return Err(StartLiveError::NoRooms);
        }
        let rooms = Arc::new(Rooms::new(self.coordinator.clone(), self.kinds));
        let events = follower::subscribe(&self.feed, &rooms).await?;
        meter::describe_metrics();
        let presence = Keeper::new(self.share);
        let (closing, closed) = watch::channel(false);
        let settings = self.settings.workable();
        let gateway = Arc::new(Gateway {
            coordinator: self.coordinator,
            access: self.access,
            rooms: Arc::clone(&rooms),
            presence: presence.clone(),
            users: Arc::default(),
            connections: Connections::new(settings.connections),
            settings,
            origins: self.origins,
            closing: closed,
            tickets: AtomicU64::new(0),
        });
        let tasks = vec![
            tokio::spawn(follower::follow(self.feed, Arc::clone(&rooms), events)).abort_handle(),
            tokio::spawn(presence.run(Arc::clone(&rooms))).abort_handle(),
            tokio::spawn(observe(rooms)).abort_handle(),
        ];
        Ok(Live(Arc::new(Running {
            gateway,
            closing,
            tasks,
        })))
    }
}

async fn observe(rooms: Arc<Rooms>) {
    let mut ticks = interval(LOOK);
    loop {
        ticks.tick().await;
        meter::rooms(rooms.len());
    }
}

/// A running gateway. Cheap to clone; clones are one. It ends when it is closed, or with its last handle.
#[derive(Clone)]
pub struct Live(Arc<Running>);

struct Running {
    gateway: Arc<Gateway>,
    closing: watch::Sender<bool>,
    tasks: Vec<AbortHandle>,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("connections", &self.connections())
            .field("streams", &self.streams())
            .finish_non_exhaustive()
    }
}

impl Live {
    /// Returns what serves its clients, for axum: the WebSocket at its root, and the modules `live.js` and
    /// `resequencer.js` beside it. Nest it where you like, for example `Router::new().nest("/live", live.router())`.
    pub fn router(&self) -> Router {
        upgrade::router(Arc::clone(&self.0.gateway))
    }

    /// Returns how many connections are open.
    pub fn connections(&self) -> usize {
        self.0.gateway.connections.count()
    }

    /// Returns how many streams somebody has joined.
    pub fn streams(&self) -> usize {
        self.0.gateway.rooms.len()
    }

    /// Ends all connections; clients are told to connect again. Returns when they have ended, after 5 s at the latest.
    /// It may be called again.
    pub async fn close(&self) {
        self.0.closing.send_replace(true);
        let ended = self.0.gateway.connections.have_ended();
        if timeout(FAREWELL, ended).await.is_err() {
            tracing::warn!(open = self.connections(), "connections did not end in time");
        }
        self.0.end();
    }
}

impl Running {
    fn end(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.closing.send_replace(true);
        self.end();
    }
}

/// The reason why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartLiveError {
    /// Nothing was registered.
    #[error("the gateway has no rooms; add them with `room`")]
    NoRooms,
    /// An aggregate is not registered with the application.
    #[error(
        "the application has no aggregate `{domain}`; register it before the gateway is started"
    )]
    UnknownDomain {
        /// Its domain.
        domain: Domain,
    },
    /// An aggregate was registered twice.
    #[error("`{domain}` was registered twice with the gateway")]
    Twice {
        /// Its domain.
        domain: Domain,
    },
    /// The log cannot be followed.
    #[error(transparent)]
    Log(#[from] SubscribeError),
}
