//! Puts an application together, and starts it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use seriatim_coordinator::{Coordinator, CoordinatorBuilder, Settings, StartError};
use seriatim_core::{Aggregate, Component, EventFilter, InvalidComponent, Prepare, Store};
use seriatim_runtime::{AtLeastOnce, Enrolled, Feed, Projector, ReactionSettings, Reactions};

use crate::App;

/// An application that is being put together.
pub struct AppBuilder {
    store: Arc<dyn Store>,
    coordinator: CoordinatorBuilder,
    components: Result<Vec<Enrolled>, InvalidComponent>,
    reaction_settings: ReactionSettings,
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
    pub(crate) fn on(store: Arc<dyn Store>) -> Self {
        Self {
            coordinator: Coordinator::builder(Arc::clone(&store)),
            store,
            components: Ok(Vec::new()),
            reaction_settings: ReactionSettings::default(),
            #[cfg(feature = "server")]
            listen: None,
        }
    }

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

    /// Registers a projector under a name: it is given the events that pass the filter, each at least once, and those
    /// of a stream in order. Its progress is kept in the store of the events, under that name.
    ///
    /// Several processes may register it: one does the work, the others stand by.
    #[must_use]
    pub fn projector(self, name: &str, filter: EventFilter, projector: impl Projector) -> Self {
        let checkpoints = Arc::clone(&self.store);
        match name.parse() {
            Ok(name) => {
                let reaction = AtLeastOnce::new(name, filter, checkpoints as _, projector);
                self.component(Enrolled::new(Arc::new(reaction)))
            }
            Err(error) => Self {
                components: Err(error),
                ..self
            },
        }
    }

    /// Registers a component that says by itself what it reacts to and how it is to be run.
    #[must_use]
    pub fn component(mut self, component: Enrolled) -> Self {
        if let Ok(components) = &mut self.components {
            components.push(component);
        }
        self
    }

    /// How components are run in this process.
    #[must_use]
    pub fn reaction_settings(mut self, settings: ReactionSettings) -> Self {
        self.reaction_settings = settings;
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
        let components = self.components?;
        check_names(&components)?;
        let coordinator = self.coordinator.start()?;
        let feed = Feed::new(Arc::clone(coordinator.store()) as _);
        #[cfg(feature = "server")]
        let door = match self.listen {
            Some(address) => Some(Arc::new(
                crate::listen::Door::open(&address, coordinator.clone(), feed.clone()).await?,
            )),
            None => None,
        };
        let reactions = Reactions::start(&feed, components, &self.reaction_settings);
        Ok(App {
            coordinator,
            feed,
            reactions: Arc::new(reactions),
            #[cfg(feature = "server")]
            door,
        })
    }
}

fn check_names(components: &[Enrolled]) -> Result<(), StartAppError> {
    let mut names = BTreeSet::new();
    let mut all = components
        .iter()
        .map(|enrolled| enrolled.reaction.component());
    match all.find(|name| !names.insert(*name)) {
        Some(name) => Err(StartAppError::ComponentTwice { name: name.clone() }),
        None => Ok(()),
    }
}

/// Why an application does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartAppError {
    /// The aggregates do not fit together.
    #[error(transparent)]
    Coordinator(#[from] StartError),
    /// A component has a name that it cannot have.
    #[error(transparent)]
    Component(#[from] InvalidComponent),
    /// Two components have one name, and would move one checkpoint.
    #[error("there are two components named `{name}`; give each a name of its own")]
    ComponentTwice {
        /// The name.
        name: Component,
    },
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
