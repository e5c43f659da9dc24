//! The servers of an application: how they are set, and how they start with it.

use std::sync::Arc;
#[cfg(feature = "pages")]
use std::sync::{Mutex, PoisonError};

use seriatim_coordinator::Coordinator;
use seriatim_runtime::{Alarms, Feed, Reactions};
use seriatim_security::tls::ServerTls;
use seriatim_security::{Access, Config, ConfigFile};
use seriatim_server::{Metrics, Server, ServerSettings, follow_tokens};
use tokio::task::AbortHandle;

use crate::app::observe;
use crate::app_builder::{AppBuilder, StartAppError};
use crate::listen::{Door, Listener, Safety};

/// The connections that may be open at once to the pages at one address, besides WebSockets.
#[cfg(feature = "pages")]
const PAGES: usize = 512;

/// What an application was told about its servers.
#[derive(Default)]
pub(crate) struct DoorsBuilder {
    listen: Option<String>,
    metrics: Option<String>,
    server_settings: ServerSettings,
    access: Option<Access>,
    config: Config,
    tls: Option<ServerTls>,
    is_behind_proxy: bool,
    is_insecure: bool,
}

impl AppBuilder {
    /// Opens a gRPC server, for example at `127.0.0.1:50051`; port 0 takes any free port. An address that other machines
    /// reach needs [`tls`](Self::tls) and [`access`](Self::access), or the application does not
    /// [start](StartAppError::OpenDoor).
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.doors.listen = Some(address.into());
        self
    }

    /// Asks callers who they are, over gRPC and for the metrics, and allows only what their rights allow. Without this
    /// nobody is asked, and any client may do everything.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.doors.access = Some(access);
        self
    }

    /// Sets the limits of the gRPC server.
    #[must_use]
    pub fn server_settings(mut self, settings: ServerSettings) -> Self {
        self.doors.server_settings = settings;
        self
    }

    /// Takes the addresses, TLS, the principals and the limits from a configuration. What this builder sets by itself wins
    /// over it. If it was read from a file, the file is read again when it changes and on SIGHUP: see
    /// [`ConfigFile`].
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.doors.config = config;
        self
    }

    /// Serves Prometheus at an address, for example at `127.0.0.1:9464`, under `/metrics`; port 0 takes any free port.
    /// What is said of [`listen`](Self::listen) holds for this address too.
    ///
    /// `docs/operating.md` lists the metrics. A program that has its own recorder of the crate `metrics` leaves this
    /// out, installs the recorder before it starts the application, and calls
    /// [`App::observe`](crate::App::observe) before it reads.
    #[must_use]
    pub fn metrics(mut self, address: impl Into<String>) -> Self {
        self.doors.metrics = Some(address.into());
        self
    }

    /// Speaks only TLS, over gRPC and for the metrics.
    #[must_use]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.doors.tls = Some(tls);
        self
    }

    /// Says that a proxy in front of this application speaks TLS with the clients, and that only the proxy reaches the
    /// addresses of this application. They need no TLS then.
    #[must_use]
    pub fn behind_proxy(mut self) -> Self {
        self.doors.is_behind_proxy = true;
        self
    }

    /// Lets other machines reach the addresses of this application although callers are not asked who they are.
    /// Everybody who reaches them may do everything.
    #[must_use]
    pub fn insecure(mut self) -> Self {
        self.doors.is_insecure = true;
        self
    }
}

impl DoorsBuilder {
    /// Joins what the builder sets with the configuration, and binds the address of the metrics, which count from here
    /// on.
    pub(crate) async fn prepare(self) -> Result<PreparedDoors, StartAppError> {
        let server = &self.config.server;
        let tls = match (self.tls, &self.config.tls) {
            (None, Some(options)) => Some(ServerTls::new(options.clone())?),
            (given, _) => given,
        };
        let safety = Safety {
            has_tls: tls.is_some() || self.is_behind_proxy || server.behind_proxy,
            asks: (self.access.as_ref()).map_or(self.config.asks(), Access::asks),
            is_insecure: self.is_insecure || server.insecure,
        };
        let metrics = match self.metrics.or_else(|| server.metrics.clone()) {
            Some(address) => Some((bind(&address, safety).await?, Metrics::install()?)),
            None => None,
        };
        Ok(PreparedDoors {
            listen: self.listen.or_else(|| server.listen.clone()),
            metrics,
            settings: ServerSettings {
                open_health: self.server_settings.open_health || server.open_health,
                open_reflection: self.server_settings.open_reflection || server.open_reflection,
                ..self.server_settings
            },
            access: self.access,
            config: self.config,
            tls,
            safety,
        })
    }
}

async fn bind(address: &str, safety: Safety) -> Result<Listener, StartAppError> {
    Ok(Listener::bind(address).await?.safe(safety)?)
}

/// The servers before the application is put together.
pub(crate) struct PreparedDoors {
    listen: Option<String>,
    metrics: Option<(Listener, Metrics)>,
    settings: ServerSettings,
    access: Option<Access>,
    config: Config,
    tls: Option<ServerTls>,
    safety: Safety,
}

impl PreparedDoors {
    /// Finds out how callers are asked, and binds the address of gRPC.
    pub(crate) async fn bind(self, coordinator: &Coordinator) -> Result<BoundDoors, StartAppError> {
        let (access, config_file) = match self.access {
            Some(access) => (access, None),
            None => watched(&self.config, coordinator)?,
        };
        let grpc = match &self.listen {
            Some(address) => Some(bind(address, self.safety).await?),
            None => None,
        };
        Ok(BoundDoors {
            grpc,
            metrics: self.metrics,
            settings: self.settings,
            access,
            config_file,
            tls: self.tls,
            safety: self.safety,
        })
    }
}

/// Returns how the configuration asks callers, and the file that may change that.
fn watched(
    config: &Config,
    coordinator: &Coordinator,
) -> Result<(Access, Option<ConfigFile>), StartAppError> {
    let domains = coordinator.domains().into_iter();
    let domains: Vec<_> = domains.map(|info| info.domain).collect();
    config.policy().check_domains(&domains)?;
    let access = Access::of(config);
    let file = ConfigFile::watch(config, &access, domains);
    Ok((access, file))
}

/// The servers with their addresses bound. Nothing can fail any more.
pub(crate) struct BoundDoors {
    grpc: Option<Listener>,
    metrics: Option<(Listener, Metrics)>,
    settings: ServerSettings,
    access: Access,
    config_file: Option<ConfigFile>,
    tls: Option<ServerTls>,
    safety: Safety,
}

impl BoundDoors {
    pub(crate) fn open(
        self,
        coordinator: &Coordinator,
        feed: &Feed,
        reactions: &Arc<Reactions>,
        alarms: &Arc<Alarms>,
    ) -> Arc<Doors> {
        let Self { access, tls, .. } = self;
        if self.grpc.is_some() || self.metrics.is_some() {
            self.safety.say();
        }
        // A gRPC server follows them by itself.
        let follows = self.grpc.is_none() && access.asks();
        let tokens = follows.then(|| {
            let store = Arc::clone(coordinator.store());
            let follow = follow_tokens(store, feed.clone(), access.clone());
            EndedWithThis(tokio::spawn(follow).abort_handle())
        });
        let grpc = self.grpc.map(|listener| {
            let server = Server::builder(coordinator.clone(), feed.clone())
                .reactions(Arc::clone(reactions))
                .access(access.clone())
                .settings(self.settings);
            let server = match &tls {
                Some(tls) => server.tls(tls.clone()),
                None => server,
            };
            listener.serve(|listener, closed| server.serve(listener, closed))
        });
        let metrics = self.metrics.map(|(listener, metrics)| {
            let (tls, access) = (tls.clone(), access.clone());
            let observed = (
                coordinator.clone(),
                Arc::clone(reactions),
                Arc::clone(alarms),
            );
            let observe = move || {
                let (coordinator, reactions, alarms) = observed.clone();
                observe(coordinator, reactions, alarms)
            };
            listener.serve(|listener, closed| metrics.serve(listener, tls, access, observe, closed))
        });
        Arc::new(Doors {
            grpc,
            metrics,
            #[cfg(feature = "pages")]
            pages: Mutex::default(),
            #[cfg(feature = "live")]
            lives: Mutex::default(),
            #[cfg(feature = "console")]
            consoles: Mutex::default(),
            config_file: self.config_file,
            #[cfg(any(feature = "console", feature = "live"))]
            access,
            #[cfg(feature = "pages")]
            tls,
            #[cfg(feature = "pages")]
            safety: self.safety,
            _tokens: tokens,
        })
    }
}

/// A task that ends with this.
#[derive(Debug)]
struct EndedWithThis(AbortHandle);

impl Drop for EndedWithThis {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The servers of a running application.
#[derive(Debug)]
pub(crate) struct Doors {
    pub(crate) grpc: Option<Door>,
    pub(crate) metrics: Option<Door>,
    #[cfg(feature = "pages")]
    pages: Mutex<Vec<Door>>,
    #[cfg(feature = "live")]
    lives: Mutex<Vec<seriatim_live::Live>>,
    #[cfg(feature = "console")]
    consoles: Mutex<Vec<seriatim_console::Console>>,
    /// It is watched as long as there is a handle of the application.
    pub(crate) config_file: Option<ConfigFile>,
    #[cfg(any(feature = "console", feature = "live"))]
    pub(crate) access: Access,
    #[cfg(feature = "pages")]
    tls: Option<ServerTls>,
    #[cfg(feature = "pages")]
    safety: Safety,
    _tokens: Option<EndedWithThis>,
}

impl Doors {
    /// Serves pages until [`Doors::close_pages`].
    #[cfg(feature = "pages")]
    pub(crate) async fn open_pages(
        &self,
        address: &str,
        router: axum::Router,
    ) -> Result<std::net::SocketAddr, StartAppError> {
        let listener = bind(address, self.safety).await?;
        let tls = self.tls.clone();
        let door = listener.serve(|listener, closed| async move {
            seriatim_server::serve_pages(listener, tls, router, PAGES, closed).await;
            Ok(())
        });
        let address = door.address();
        self.pages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(door);
        Ok(address)
    }

    /// Returns whether browsers reach the pages over TLS, here or through a proxy in front.
    #[cfg(feature = "console")]
    pub(crate) fn speaks_tls(&self) -> bool {
        self.safety.has_tls
    }

    #[cfg(feature = "console")]
    pub(crate) fn keep_console(&self, console: seriatim_console::Console) {
        self.consoles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(console);
    }

    #[cfg(feature = "live")]
    pub(crate) fn keep(&self, live: seriatim_live::Live) {
        self.lives
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(live);
    }

    /// Ends the connections of gateways and the pages' wait for changes, and lets the requests for pages that are open end.
    #[cfg(feature = "pages")]
    pub(crate) async fn close_pages(&self) -> std::thread::Result<()> {
        fn take<T>(all: &Mutex<Vec<T>>) -> Vec<T> {
            std::mem::take(&mut *all.lock().unwrap_or_else(PoisonError::into_inner))
        }
        #[cfg(feature = "live")]
        for live in take(&self.lives) {
            live.close().await;
        }
        #[cfg(feature = "console")]
        for console in take(&self.consoles) {
            console.close();
        }
        for door in take(&self.pages) {
            // Serving pages has no error.
            let _ = door.close().await?;
        }
        Ok(())
    }
}
