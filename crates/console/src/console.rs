//! Puts the console together.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use seriatim_coordinator::Coordinator;
use seriatim_core::Desk;
use seriatim_jobs::JobDesk;
use seriatim_runtime::{AuditStatus, Reactions};
use seriatim_schema::Payloads;
use seriatim_security::Access;
use tokio::sync::watch;

use crate::changes::Streams;
use crate::pulse::Pulse;
use crate::recorder::Recorder;
use crate::{
    assets, bulk, changes, components, deciding, door, editing, fact, job, letter, letters, notes,
    operations, overview, read_model, read_models, session, stream, streams, why, workflow,
};

/// The most bytes of a form. A command of a megabyte is up to three when a browser has encoded it.
const FORM: usize = 8 * 1024 * 1024;
/// The most bytes of a form of somebody who is not known yet.
const STRANGERS_FORM: usize = 16 * 1024;

/// The console of an application. Cheap to clone.
#[derive(Clone)]
pub struct Console(Shared);

/// What all pages are made from.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) coordinator: Coordinator,
    pub(crate) reactions: Arc<Reactions>,
    pub(crate) desk: Desk,
    pub(crate) jobs: JobDesk,
    pub(crate) access: Access,
    pub(crate) audits: Option<watch::Receiver<AuditStatus>>,
    pub(crate) recorder: Recorder,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) streams: Arc<Streams>,
    /// True if the cookie is only for TLS.
    pub(crate) is_secure: bool,
}

impl Shared {
    /// Returns what is to be shown with JSON in the place of protobuf, as far as descriptors are registered.
    pub(crate) fn readable<P: Payloads>(&self, mut shown: P) -> P {
        shown.make_readable(self.coordinator.descriptors());
        shown
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { access, .. } = &self.0;
        let mut shown = f.debug_struct("Console");
        shown.field("asks", &access.asks()).finish_non_exhaustive()
    }
}

impl Console {
    /// Makes a console for the streams of a coordinator, the components of a process, and bulk jobs. `access` finds out who visitors
    /// are. If it asks, what they do is recorded as operations.
    pub fn new(
        coordinator: Coordinator,
        reactions: Arc<Reactions>,
        jobs: JobDesk,
        access: Access,
    ) -> Self {
        Self(Shared {
            desk: reactions.desk(coordinator.clone()),
            recorder: Recorder::new(coordinator.store(), &access),
            coordinator,
            reactions,
            jobs,
            access,
            audits: None,
            pulse: Arc::default(),
            streams: Arc::default(),
            is_secure: false,
        })
    }

    /// Shows the verdict of an audit in the background.
    #[must_use]
    pub fn audits(mut self, audits: watch::Receiver<AuditStatus>) -> Self {
        self.0.audits = Some(audits);
        self
    }

    /// Says whether browsers reach the console over TLS only. They then keep the token for TLS only.
    #[must_use]
    pub fn secure_cookies(mut self, are_secure: bool) -> Self {
        self.0.is_secure = are_secure;
        self
    }

    /// Ends the requests by which pages wait for changes. They would not end by themselves, so call it before what
    /// serves the console is closed.
    pub fn close(&self) {
        self.0.streams.close();
    }

    /// Returns what serves the console, for axum. Its pages link to one another from the root, so it needs an address of
    /// its own.
    pub fn router(&self) -> Router {
        let small = DefaultBodyLimit::max(STRANGERS_FORM);
        Router::new()
            .route("/", get(overview::show))
            .route("/streams", get(streams::list))
            .route("/streams/{domain}/{root}", get(stream::show))
            .route("/streams/{domain}/{root}/why", get(why::show))
            .route("/workflow", get(workflow::show))
            .route("/components", get(components::show))
            .route("/components/{name}/pause", post(components::pause))
            .route("/components/{name}/resume", post(components::resume))
            .route("/read-models", get(read_models::list))
            .route("/read-models/{name}", get(read_model::show))
            .route("/read-models/{name}/switch", post(read_model::switch))
            .route("/read-models/{name}/drop", post(read_model::drop_version))
            .route("/operations", get(operations::list))
            .route("/jobs", get(job::list).post(bulk::start))
            .route("/jobs/new", get(bulk::ask))
            .route("/jobs/{id}", get(job::show))
            .route("/jobs/{id}/pause", post(bulk::pause))
            .route("/jobs/{id}/resume", post(bulk::resume))
            .route("/jobs/{id}/cancel", post(bulk::cancel))
            .route("/letters", get(letters::list))
            .route("/letters/{id}", get(letter::show))
            .route("/letters/{id}/resubmit", post(deciding::resubmit))
            .route("/letters/{id}/discard", post(deciding::discard))
            .route("/letters/{id}/annotate", post(notes::annotate))
            .route("/letters/{id}/assign", post(notes::assign))
            .route("/letters/{id}/edit", get(editing::show).post(editing::send))
            .route("/letters/{id}/fact", get(fact::show).post(fact::record))
            .layer(DefaultBodyLimit::max(FORM))
            .route(
                session::SIGN_IN,
                get(session::show).post(session::sign_in).layer(small),
            )
            .route("/sign-out", post(session::sign_out))
            .route(assets::STYLE, get(assets::style))
            .route(assets::ICON, get(assets::icon))
            .route(assets::SCRIPT, get(assets::script))
            .route("/changes", get(changes::follow))
            .fallback(door::no_page)
            .layer(from_fn_with_state(self.0.clone(), door::enter))
            .with_state(self.0.clone())
    }
}
