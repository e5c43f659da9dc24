//! Puts the pieces together: a store, aggregates, and the gRPC and metrics servers.

use std::future::{Ready, ready};
use std::sync::Arc;

use seriatim_coordinator::Coordinator;
use seriatim_core::{
    Aggregate, Begin, Desk, EventFilter, ReadModelProgress, ReadModelStore, ReadModelVersion,
    Receipt, Store, StoreError, SubmitError, SubscribeError, VersionError, VersionStatus,
};
use seriatim_jobs::{JobDesk, JobRunner};
use seriatim_runtime::{
    Alarms, Audit, AuditJob, AuditStatus, Auditor, Feed, Reactions, Subscription, Waiter,
};
use tokio::sync::watch;
use uuid::Uuid;

use crate::aggregate_ref::AggregateRef;
use crate::app_builder::AppBuilder;
#[cfg(feature = "server")]
use crate::doors::Doors;
#[cfg(feature = "server")]
use crate::listen::Door;
use crate::open::{OpenStoreError, open_store};
use crate::waiting::Waiting;

/// A running application: its aggregates, on a store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) coordinator: Coordinator,
    pub(crate) feed: Feed,
    pub(crate) reactions: Arc<Reactions>,
    pub(crate) waiter: Waiter,
    pub(crate) audits: Option<Arc<AuditJob>>,
    pub(crate) alarms: Arc<Alarms>,
    pub(crate) job_desk: JobDesk,
    pub(crate) jobs: Option<Arc<JobRunner>>,
    #[cfg(feature = "server")]
    pub(crate) doors: Arc<Doors>,
}

impl App {
    /// Opens the store that `url` names (see [`open_store`]) and begins an application on it.
    pub async fn open(url: &str) -> Result<AppBuilder, OpenStoreError> {
        Ok(Self::on(open_store(url).await?))
    }

    /// Begins an application on an open store.
    pub fn on(store: Arc<dyn Store>) -> AppBuilder {
        AppBuilder::on(store)
    }

    /// Returns the handle of one aggregate, which sends commands and facts to it, and reads its state and events.
    ///
    /// Nothing is looked up: the aggregate may have no events yet. Its type must be [registered](AppBuilder::aggregate); if
    /// it is not, commands and facts are refused with [`SubmitError::UnknownDomain`].
    pub fn of<A: Aggregate>(&self, root: Uuid) -> AggregateRef<'_, A> {
        AggregateRef::new(self, root)
    }

    /// Waits until a component has handled the events of a receipt. Use it to keep waiting after a timeout
    /// ([`WaitError::NotHandled`](crate::WaitError::NotHandled) has the receipt), or to do something else before you
    /// wait.
    pub fn wait_for(
        &self,
        receipt: Receipt,
        component: &str,
    ) -> Waiting<Ready<Result<Receipt, SubmitError>>> {
        Waiting::new(ready(Ok(receipt)), self.waiter.clone(), component)
    }

    /// Follows the log: returns a subscription to the events of all streams that pass the filter. It begins at the
    /// given place, reads to the end of the log, and goes on as more events are recorded, whichever process records
    /// them.
    ///
    /// ```
    /// # use seriatim::prelude::*;
    /// # use seriatim::{Begin, core::EventFilter};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    /// # enum Noted { Noted { text: String } }
    /// # #[derive(Command, Serialize, Deserialize, Clone, Debug)]
    /// # enum Note { Note { text: String } }
    /// # #[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
    /// # struct Book;
    /// # impl Aggregate for Book {
    /// #     const DOMAIN: &'static str = "book";
    /// #     type Command = Note;
    /// #     type Event = Noted;
    /// #     type Rejection = Never;
    /// #     fn decide(&self, Note::Note { text }: &Note) -> Result<Vec<Noted>, Never> {
    /// #         Ok(vec![Noted::Noted { text: text.clone() }])
    /// #     }
    /// #     fn evolve(&mut self, _: &Noted) {}
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), AnyError> {
    /// # let app = App::open("memory:").await?.aggregate::<Book>().start().await?;
    /// let mut events = app.subscribe(Begin::AtTheFirst, EventFilter::default()).await?;
    /// app.of::<Book>(Uuid::now_v7()).send(Note::Note { text: "hello".into() }).await?;
    ///
    /// let batch = events.next().await?;
    /// for event in batch.events() {
    ///     println!("{} {} of {}: {:?}", event.position, event.sequence, event.stream, event.payload);
    /// }
    /// // Kept with what was made of the events, this is where to go on after a restart: `Begin::After`.
    /// assert_eq!(batch.cursor().positions().next(), Some(seriatim::core::Position(1)));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn subscribe(
        &self,
        begin: Begin,
        filter: EventFilter,
    ) -> Result<Subscription, SubscribeError> {
        self.feed.subscribe(begin, filter).await
    }

    /// Returns the components of this process, with the state of each.
    pub fn reactions(&self) -> &Reactions {
        &self.reactions
    }

    /// Returns the dead letters: commands that were parked, and events that components of this process gave up, with
    /// what became of them.
    pub fn desk(&self) -> Desk {
        self.reactions.desk(self.coordinator.clone())
    }

    /// Returns the bulk jobs: one decision about many dead letters, which a process of the application carries out.
    pub fn jobs(&self) -> &JobDesk {
        &self.job_desk
    }

    /// Checks that the whole log is complete and that no progress contradicts it. It takes as long as reading the log,
    /// and 16 MB for each partition of the log.
    pub async fn audit(&self) -> Result<Audit, StoreError> {
        auditor(&self.coordinator, &self.reactions)
            .audit(|_| {})
            .await
    }

    /// Returns the state of the audit in the background, if there is one: see
    /// [`AppBuilder::audit`](crate::AppBuilder::audit).
    pub fn audits(&self) -> Option<watch::Receiver<AuditStatus>> {
        self.audits.as_ref().map(|job| job.status())
    }

    /// Returns how far a version of a read model has come, whichever process feeds it.
    pub async fn progress<S: ReadModelStore>(
        &self,
        store: &S,
        version: &ReadModelVersion,
    ) -> Result<ReadModelProgress, VersionError> {
        let versions = store.versions(Some(version.name())).await?;
        let mut status = VersionStatus::find(&versions, version)?.clone();
        let heads = self.feed.heads().await?;
        self.feed.confront(&mut status.checkpoints).await?;
        Ok(status.progress(&heads))
    }

    /// Updates the metrics that are measured rather than counted: how full queues and caches are, and how far
    /// components have come. A program with a recorder of its own calls it before each reading;
    /// [`AppBuilder::metrics`](crate::AppBuilder::metrics) calls it by itself.
    pub async fn observe(&self) -> Result<(), StoreError> {
        let (reactions, alarms) = (Arc::clone(&self.reactions), Arc::clone(&self.alarms));
        observe(self.coordinator.clone(), reactions, alarms).await
    }

    /// Returns the coordinator, for commands that are already encoded, and for what has no shortcut here.
    pub fn coordinator(&self) -> &Coordinator {
        &self.coordinator
    }

    /// Returns the address of the gRPC server, if there is one.
    #[cfg(feature = "server")]
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        self.doors.grpc.as_ref().map(Door::address)
    }

    /// Reads the file of the configuration now. Returns whether what it has is in force; `false` too if there is no file.
    #[cfg(feature = "server")]
    pub async fn reload_config(&self) -> bool {
        match &self.doors.config_file {
            Some(file) => file.reload().await,
            None => false,
        }
    }

    /// Returns the address of the metrics, if they are served.
    #[cfg(feature = "server")]
    pub fn metrics_address(&self) -> Option<std::net::SocketAddr> {
        self.doors.metrics.as_ref().map(Door::address)
    }

    /// Serves until the process is told to end (Ctrl-C, SIGTERM), then finishes what was admitted.
    #[cfg(feature = "server")]
    pub async fn run(self) -> Result<(), RunError> {
        crate::listen::told_to_end()
            .await
            .map_err(RunError::Signal)?;
        self.shutdown().await
    }

    /// Closes the gRPC server, which answers the calls that are open, lets components finish their current step, and
    /// finishes what was admitted. Then it flushes the store, so that an SQLite file is complete without its write-ahead
    /// log. It may be called again.
    #[cfg(feature = "server")]
    pub async fn shutdown(&self) -> Result<(), RunError> {
        self.say_that_it_ends();
        #[cfg(feature = "pages")]
        let pages = self.doors.close_pages().await;
        #[cfg(not(feature = "pages"))]
        let pages = Ok(());
        let closed = match &self.doors.grpc {
            Some(door) => door.close().await,
            None => Ok(Ok(())),
        };
        self.end().await;
        // The metrics close last, so that they show everything that happens.
        let unseen = match &self.doors.metrics {
            Some(door) => door.close().await,
            None => Ok(Ok(())),
        };
        let closed = pages.and(closed);
        match closed.and_then(|closed| unseen.map(|unseen| closed.and(unseen))) {
            Ok(served) => served.map_err(RunError::Serve),
            // A server that has panicked is no clean end.
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Accepts nothing more, finishes and answers what was admitted, and lets components finish their current step.
    /// Then it flushes the store, so that an SQLite file is complete without its write-ahead log. It may be called
    /// again.
    #[cfg(not(feature = "server"))]
    pub async fn shutdown(&self) {
        self.say_that_it_ends();
        self.end().await;
    }

    pub(crate) fn say_that_it_runs(&self) {
        let domains = self.coordinator.domains().into_iter();
        let domains: Vec<_> = domains.map(|info| info.domain.to_string()).collect();
        let pieces = self.reactions.status().len();
        #[cfg(feature = "server")]
        let address = self.address().map(|address| address.to_string());
        #[cfg(not(feature = "server"))]
        let address: Option<String> = None;
        tracing::info!(domains = domains.join(","), pieces, address, "started");
    }

    /// Logs it once, however often the application is ended.
    fn say_that_it_ends(&self) {
        if self.coordinator.is_open() {
            tracing::info!("ending: what was admitted is finished, and nothing more is admitted");
        }
    }

    async fn end_jobs(&self) {
        if let Some(jobs) = &self.jobs {
            jobs.shutdown().await;
        }
    }

    async fn end(&self) {
        tokio::join!(
            self.reactions.shutdown(),
            self.alarms.shutdown(),
            self.end_jobs()
        );
        self.coordinator.shutdown().await;
        match self.coordinator.store().flush().await {
            // Another process has the file open, and flushes it when it ends. Nothing is lost meanwhile.
            Err(error) if error.kind.is_transient() => {
                tracing::info!(error = error.to_string(), "the store was not flushed");
            }
            Err(error) => tracing::warn!(error = error.to_string(), "the store was not flushed"),
            Ok(()) => {}
        }
    }
}

/// The reason why an application ended with an error.
#[cfg(feature = "server")]
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It cannot listen for signals.
    #[error("cannot listen for signals: {0}")]
    Signal(#[source] std::io::Error),
    /// The gRPC server failed.
    #[error(transparent)]
    Serve(seriatim_server::ServeError),
}

pub(crate) fn auditor(coordinator: &Coordinator, reactions: &Reactions) -> Auditor {
    let store = coordinator.store();
    Auditor::new(Arc::clone(store)).reactions(reactions)
}

pub(crate) async fn observe(
    coordinator: Coordinator,
    reactions: Arc<Reactions>,
    alarms: Arc<Alarms>,
) -> Result<(), StoreError> {
    coordinator.observe().await?;
    reactions.observe().await?;
    alarms.observe().await
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use std::sync::Arc;

    use super::App;
    use crate::listen::{Closed, Listener};

    /// The app finishes what was admitted and flushes the store, and only then lets the panic go on.
    #[tokio::test]
    async fn a_server_that_has_panicked_ends_with_all_else() {
        let mut app = App::open("memory:").await.unwrap().start().await.unwrap();
        let listener = Listener::bind("127.0.0.1:0").await.unwrap();
        let panics = |_, closed: Closed| async {
            closed.await;
            panic!("the server is broken")
        };
        Arc::get_mut(&mut app.doors).unwrap().grpc = Some(listener.serve(panics));
        let ending = app.clone();
        let ended = tokio::spawn(async move { ending.shutdown().await });
        assert!(ended.await.unwrap_err().is_panic());
        assert!(!app.coordinator.is_open());
    }
}
