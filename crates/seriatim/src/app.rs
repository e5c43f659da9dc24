//! Puts the pieces together: a store, aggregates, and the doors to them.

use std::future::{Ready, ready};
use std::sync::Arc;

use seriatim_coordinator::Coordinator;
use seriatim_core::{
    Aggregate, Begin, Desk, EventFilter, ReadModelProgress, ReadModelStore, ReadModelVersion,
    Receipt, Store, StoreError, SubmitError, SubscribeError, VersionError, VersionStatus,
};
use seriatim_runtime::{
    Alarms, Audit, AuditJob, AuditStatus, Auditor, Feed, Reactions, Subscription, Waiter,
};
use tokio::sync::watch;
use uuid::Uuid;

use crate::aggregate_ref::AggregateRef;
use crate::app_builder::AppBuilder;
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
    #[cfg(feature = "server")]
    pub(crate) door: Option<Arc<crate::listen::Door>>,
    #[cfg(feature = "server")]
    pub(crate) metrics: Option<Arc<crate::listen::Door>>,
}

impl App {
    /// Opens the store that `url` names (see [`open_store`]) and begins an application on it.
    pub async fn open(url: &str) -> Result<AppBuilder, OpenStoreError> {
        Ok(Self::on(open_store(url).await?))
    }

    /// Begins an application on a store that is open already.
    pub fn on(store: Arc<dyn Store>) -> AppBuilder {
        AppBuilder::on(store)
    }

    /// Returns the handle of one aggregate, through which commands and facts reach it and its state and events are read.
    ///
    /// Nothing is looked up: there may be no events of it yet. The type must be [registered](AppBuilder::aggregate); where
    /// it is not, what is sent is refused with [`SubmitError::UnknownDomain`].
    pub fn of<A: Aggregate>(&self, root: Uuid) -> AggregateRef<'_, A> {
        AggregateRef::new(self, root)
    }

    /// Waits until a component has handled what a receipt tells of: for those whose patience has ended once
    /// ([`WaitError::NotHandled`](crate::WaitError::NotHandled) has the receipt), and those who want to do something else
    /// first.
    pub fn wait_for(
        &self,
        receipt: Receipt,
        component: &str,
    ) -> Waiting<Ready<Result<Receipt, SubmitError>>> {
        Waiting::new(ready(Ok(receipt)), self.waiter.clone(), component)
    }

    /// Follows the log: the events of all streams that pass the filter, from some place on, to the end and beyond it
    /// as more are recorded, whichever process records them.
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

    /// The components of this process, and how each is getting on.
    pub fn reactions(&self) -> &Reactions {
        &self.reactions
    }

    /// What waits for a person: commands that were parked, and events that components of this process gave up; and what
    /// became of them.
    pub fn desk(&self) -> Desk {
        Desk::new(vec![
            Arc::new(self.coordinator.clone()),
            Arc::clone(&self.reactions) as _,
        ])
    }

    /// Proves that the log is whole and that no progress contradicts it, all of it, now. Takes as long as reading the
    /// log does, and 16 MB for each of its partitions.
    pub async fn audit(&self) -> Result<Audit, StoreError> {
        auditor(&self.coordinator, &self.reactions)
            .audit(|_| {})
            .await
    }

    /// How the audit in the background is getting on, if there is one: see
    /// [`AppBuilder::audit`](crate::AppBuilder::audit).
    pub fn audits(&self) -> Option<watch::Receiver<AuditStatus>> {
        self.audits.as_ref().map(|job| job.status())
    }

    /// How far a version of a read model has come, whichever process feeds it.
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

    /// Tells the metrics what is not counted but looked at: how full queues and caches are, how far components have come.
    /// For programs with a recorder of their own, before it is read; [`AppBuilder::metrics`](crate::AppBuilder::metrics)
    /// does it by itself.
    pub async fn observe(&self) -> Result<(), StoreError> {
        self.coordinator.observe().await?;
        self.reactions.observe().await?;
        self.alarms.observe().await
    }

    /// The coordinator behind it, for commands that are already encoded, and for what has no shortcut here.
    pub fn coordinator(&self) -> &Coordinator {
        &self.coordinator
    }

    /// Where the gRPC door is, if there is one.
    #[cfg(feature = "server")]
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        self.door.as_ref().map(|door| door.address())
    }

    /// Where the metrics are, if they are served.
    #[cfg(feature = "server")]
    pub fn metrics_address(&self) -> Option<std::net::SocketAddr> {
        self.metrics.as_ref().map(|door| door.address())
    }

    /// Serves until the process is told to end (Ctrl-C, SIGTERM), then finishes what was admitted.
    #[cfg(feature = "server")]
    pub async fn run(self) -> Result<(), RunError> {
        crate::listen::told_to_end()
            .await
            .map_err(RunError::Signal)?;
        self.shutdown().await
    }

    /// Admits nothing more, finishes and answers what was admitted, lets components finish the step they are at, flushes
    /// the store, so that an SQLite file is complete without its write-ahead log, and closes the door. May be called again.
    #[cfg(feature = "server")]
    pub async fn shutdown(&self) -> Result<(), RunError> {
        self.say_that_it_ends();
        let closed = match &self.door {
            Some(door) => door.close().await,
            None => Ok(()),
        };
        self.end().await;
        // To the last, what happens can be seen.
        let unseen = match &self.metrics {
            Some(door) => door.close().await,
            None => Ok(()),
        };
        closed.and(unseen).map_err(RunError::Serve)
    }

    /// Admits nothing more, finishes and answers what was admitted, lets components finish the step they are at, and
    /// flushes the store, so that an SQLite file is complete without its write-ahead log. May be called again.
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

    /// Once, however often it is ended.
    fn say_that_it_ends(&self) {
        if self.coordinator.is_open() {
            tracing::info!("ending: what was admitted is finished, and nothing more is admitted");
        }
    }

    async fn end(&self) {
        tokio::join!(self.reactions.shutdown(), self.alarms.shutdown());
        self.coordinator.shutdown().await;
        if let Err(error) = self.coordinator.store().flush().await {
            tracing::warn!(error = error.to_string(), "the store was not flushed");
        }
    }
}

/// Why an application ended badly.
#[cfg(feature = "server")]
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It cannot be told to end.
    #[error("cannot listen for signals: {0}")]
    Signal(#[source] std::io::Error),
    /// The gRPC door failed.
    #[error(transparent)]
    Serve(seriatim_server::ServeError),
}

pub(crate) fn auditor(coordinator: &Coordinator, reactions: &Reactions) -> Auditor {
    let store = coordinator.store();
    Auditor::new(Arc::clone(store)).reactions(reactions)
}
