//! Puts the pieces together: a store, aggregates, and the doors to them.

use std::fmt;
use std::sync::Arc;

use seriatim_coordinator::{Coordinator, CoordinatorBuilder, Settings, StartError};
use seriatim_core::{
    Aggregate, At, Begin, Domain, EventFilter, Prepare, QueryError, RecordedEvent, Sequence, Store,
    StoreError, StreamId, SubscribeError,
};
use seriatim_runtime::{Feed, Subscription};
use uuid::Uuid;

use crate::open::{OpenStoreError, open_store};
use crate::send::{Record, Send};

/// A running application: its aggregates, on a store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    coordinator: Coordinator,
    feed: Feed,
    #[cfg(feature = "server")]
    door: Option<Arc<crate::listen::Door>>,
}

impl App {
    /// Opens the store that `url` names (see [`open_store`]) and begins an application on it.
    pub async fn open(url: &str) -> Result<AppBuilder, OpenStoreError> {
        Ok(Self::on(open_store(url).await?))
    }

    /// Begins an application on a store that is open already.
    pub fn on(store: Arc<dyn Store>) -> AppBuilder {
        AppBuilder {
            coordinator: Coordinator::builder(store),
            #[cfg(feature = "server")]
            listen: None,
        }
    }

    /// Sends a command; awaiting it gives the receipt, once the outcome is durable.
    pub fn send<A: Aggregate>(&self, root: Uuid, command: A::Command) -> Send<A> {
        Send::new(self.coordinator.clone(), stream::<A>(root), command)
    }

    /// Records a fact: something that happened at `source`, which knows it as `external_id`.
    pub fn record<A: Aggregate>(
        &self,
        root: Uuid,
        event: A::Event,
        source: &str,
        external_id: &str,
    ) -> Record<A> {
        Record::new(
            self.coordinator.clone(),
            stream::<A>(root),
            event,
            source,
            external_id,
        )
    }

    /// A state of now or then, and the sequence it stands for.
    pub async fn state<A: Aggregate>(&self, root: Uuid, at: At) -> Result<Standing<A>, QueryError> {
        let stream = stream::<A>(root);
        let view = self.coordinator.state(&stream, at).await?;
        let state = serde_json::from_value(view.state).map_err(|error| QueryError::Broken {
            stream,
            fault: seriatim_core::Fault::Unreadable {
                what: "state",
                why: error.to_string(),
            },
        })?;
        Ok(Standing {
            state,
            sequence: view.sequence,
        })
    }

    /// Events of an aggregate, from `from` on, at most `limit`.
    pub async fn events<A: Aggregate>(
        &self,
        root: Uuid,
        from: Sequence,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.coordinator
            .store()
            .read_stream(&stream::<A>(root), from, limit)
            .await
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
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let app = App::open("memory:").await?.aggregate::<Book>().start().await?;
    /// let mut events = app.subscribe(Begin::AtTheFirst, EventFilter::default()).await?;
    /// app.send::<Book>(Uuid::now_v7(), Note::Note { text: "hello".into() }).await?;
    ///
    /// let batch = events.next().await?;
    /// for event in batch.events() {
    ///     println!("{} {} of {}: {:?}", event.position, event.sequence, event.stream, event.payload);
    /// }
    /// // Kept with what was made of the events, this is where to go on after a restart: `Begin::After`.
    /// assert_eq!(batch.cursor().to_string(), "1");
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

    /// The coordinator behind it, for commands that are already encoded, and for what has no shortcut here.
    pub fn coordinator(&self) -> &Coordinator {
        &self.coordinator
    }

    /// Where the gRPC door is, if there is one.
    #[cfg(feature = "server")]
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        self.door.as_ref().map(|door| door.address())
    }

    /// Serves until the process is told to end (Ctrl-C, SIGTERM), then finishes what was admitted.
    #[cfg(feature = "server")]
    pub async fn run(self) -> Result<(), RunError> {
        crate::listen::told_to_end()
            .await
            .map_err(RunError::Signal)?;
        self.shutdown().await
    }

    /// Admits nothing more, finishes and answers what was admitted, and closes the door. May be called again.
    #[cfg(feature = "server")]
    pub async fn shutdown(&self) -> Result<(), RunError> {
        let closed = match &self.door {
            Some(door) => door.close().await,
            None => Ok(()),
        };
        self.coordinator.shutdown().await;
        closed.map_err(RunError::Serve)
    }

    /// Admits nothing more, and finishes and answers what was admitted. May be called again.
    #[cfg(not(feature = "server"))]
    pub async fn shutdown(&self) {
        self.coordinator.shutdown().await;
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

/// A state, and the last event it contains (`None`: there are no events yet).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing<A> {
    /// The state.
    pub state: A,
    /// The sequence of the last event in it.
    pub sequence: Option<Sequence>,
}

/// An application that is being put together.
pub struct AppBuilder {
    coordinator: CoordinatorBuilder,
    #[cfg(feature = "server")]
    listen: Option<String>,
}

impl fmt::Debug for AppBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppBuilder")
            .field("coordinator", &self.coordinator)
            .finish_non_exhaustive()
    }
}

impl AppBuilder {
    /// Registers an aggregate: from here on it can be reached in process, and over gRPC if there is a door.
    #[must_use]
    pub fn aggregate<A: Aggregate>(mut self) -> Self {
        self.coordinator = self.coordinator.aggregate::<A>();
        self
    }

    /// Registers an aggregate whose commands need outside answers before they are decided.
    #[must_use]
    pub fn aggregate_with<A: Aggregate>(mut self, prepare: impl Prepare<A>) -> Self {
        self.coordinator = self.coordinator.aggregate_with::<A>(prepare);
        self
    }

    /// Takes other settings than the default ones.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.coordinator = self.coordinator.settings(settings);
        self
    }

    /// Opens a gRPC door, for example at `127.0.0.1:50051`; port 0 takes any free one.
    #[cfg(feature = "server")]
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = Some(address.into());
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(self) -> Result<App, StartAppError> {
        let coordinator = self.coordinator.start()?;
        let feed = Feed::new(Arc::clone(coordinator.store()) as _);
        #[cfg(feature = "server")]
        let door = match self.listen {
            Some(address) => Some(Arc::new(
                crate::listen::Door::open(&address, coordinator.clone(), feed.clone()).await?,
            )),
            None => None,
        };
        Ok(App {
            coordinator,
            feed,
            #[cfg(feature = "server")]
            door,
        })
    }
}

/// Why an application does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartAppError {
    /// The aggregates do not fit together.
    #[error(transparent)]
    Coordinator(#[from] StartError),
    /// The address cannot be listened on.
    #[error(
        "cannot listen on `{address}`: {source}; give another address, or end what listens there"
    )]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: std::io::Error,
    },
}

fn stream<A: Aggregate>(root: Uuid) -> StreamId {
    StreamId::new(Domain::of::<A>(), root)
}
