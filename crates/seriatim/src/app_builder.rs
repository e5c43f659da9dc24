//! Puts an application together, and starts it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZero;
use std::pin::Pin;
use std::sync::Arc;

use seriatim_coordinator::{Coordinator, CoordinatorBuilder, Settings, StartError};
use seriatim_core::{
    Aggregate, Begin, CommandGateway, Component, Domain, EventFilter, InvalidComponent, Log,
    Prepare, Process, ProcessManager, ReadModel, ReadModelStore, RegisterError, Saga, Shapes,
    Store, SubscribeError,
};
use seriatim_runtime::{
    Alarms, AtLeastOnce, AuditJob, AuditSettings, Enrolled, ExactlyOnce, FailurePolicy, Feed,
    Managed, Projector, ReactionSettings, Reactions, SagaReaction, Waiter, Widened,
};
use seriatim_schema::{Descriptors, InvalidDescriptors};
#[cfg(feature = "server")]
use seriatim_security::{UnknownDomains, tls::TlsError};
#[cfg(feature = "server")]
use seriatim_server::InstallError;

use crate::App;
use crate::beginnings::Beginnings;
#[cfg(feature = "server")]
use crate::listen::OpenDoor;

/// Makes a component once there is a coordinator, through which sagas send their effects.
type MakeComponent = Box<dyn FnOnce(&Coordinator) -> Result<Enrolled, StartAppError> + Send>;

/// Makes the components and the alarm of a process manager.
type Manage = Box<dyn FnOnce(&Coordinator) -> Managed + Send>;

/// An application that is being put together.
pub struct AppBuilder {
    store: Arc<dyn Store>,
    coordinator: CoordinatorBuilder,
    descriptors: Result<Descriptors, InvalidDescriptors>,
    components: Vec<MakeComponent>,
    policies: BTreeMap<String, FailurePolicy>,
    shares: BTreeMap<String, NonZero<u16>>,
    beginnings: Beginnings,
    read_models: Vec<Registering>,
    process_managers: Vec<Manage>,
    reaction_settings: ReactionSettings,
    audit: Option<AuditSettings>,
    works_for_jobs: bool,
    #[cfg(feature = "server")]
    pub(crate) doors: crate::doors::DoorsBuilder,
}

/// Makes the tables of a read model when the application starts.
type Registering = Pin<Box<dyn Future<Output = Result<Enrolled, RegisterError>> + Send>>;

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
            descriptors: Ok(Descriptors::default()),
            components: Vec::new(),
            policies: BTreeMap::new(),
            shares: BTreeMap::new(),
            beginnings: Beginnings::default(),
            read_models: Vec::new(),
            process_managers: Vec::new(),
            reaction_settings: ReactionSettings::default(),
            audit: None,
            works_for_jobs: true,
            #[cfg(feature = "server")]
            doors: crate::doors::DoorsBuilder::default(),
        }
    }

    /// Registers an aggregate. It can then be reached in process, and over gRPC if there is a server.
    #[must_use]
    pub fn aggregate<A: Aggregate>(mut self) -> Self {
        self.coordinator = self.coordinator.aggregate::<A>();
        self
    }

    /// Registers an aggregate whose commands need answers from outside before they are decided.
    #[must_use]
    pub fn aggregate_with<A: Aggregate>(mut self, prepare: impl Prepare<A>) -> Self {
        self.coordinator = self.coordinator.aggregate_with::<A>(prepare);
        self
    }

    /// Registers the descriptors of protobuf messages: an encoded `google.protobuf.FileDescriptorSet` with the files that
    /// it imports, as prost-build's `file_descriptor_set_path` or `protoc --include_imports --descriptor_set_out` write it.
    /// It may be called more than once.
    ///
    /// The command line, the console and other readers then show these messages as JSON, they may be sent as
    /// JSON, and gRPC reflection describes them.
    #[must_use]
    pub fn descriptors(mut self, file_descriptor_set: &[u8]) -> Self {
        self.descriptors = self.descriptors.and_then(|mut descriptors| {
            descriptors.add(file_descriptor_set)?;
            Ok(descriptors)
        });
        self
    }

    /// Brings the events of an aggregate into today's shape ([`Aggregate::upcast`], and the aliases of its event type)
    /// for all readers in this application, without accepting commands for it. It is for processes that only react to
    /// what others decide. An aggregate that is registered does not need it.
    #[must_use]
    pub fn reads<A: Aggregate>(mut self) -> Self {
        self.coordinator = self.coordinator.reads::<A>();
        self
    }

    /// Registers a projector under a name. It gets the events that pass the filter at least once, and those of a stream
    /// in order. Its progress is kept in the store of the events, under that name.
    ///
    /// Several processes may register it: they [share](Self::shares) the work.
    #[must_use]
    pub fn projector(self, name: &str, filter: EventFilter, projector: impl Projector) -> Self {
        let checkpoints = Arc::clone(&self.store);
        let name = name.parse();
        self.make(move |_| {
            let reaction = AtLeastOnce::new(name?, filter, checkpoints as _, projector);
            Ok(Enrolled::new(Arc::new(reaction)))
        })
    }

    /// Registers a saga. It gets the events of its source, those of a stream in order, and its effects take effect
    /// exactly once. Its progress is kept in the store of the events, under its name.
    ///
    /// Several processes may register it: they [share](Self::shares) the work.
    #[must_use]
    pub fn saga<S: Saga>(self, saga: S) -> Self {
        let checkpoints = Arc::clone(&self.store);
        self.make(move |coordinator| {
            let source = Domain::of::<S::Source>();
            if !(coordinator.domains().iter()).any(|info| info.domain == source) {
                return Err(StartAppError::NoSource {
                    saga: S::NAME,
                    domain: source,
                });
            }
            let gateway = Arc::new(coordinator.for_reactions());
            let reaction = SagaReaction::new(saga, gateway, checkpoints as _);
            Ok(Enrolled::new(Arc::new(reaction)))
        })
    }

    /// Registers a read model in SQL, in the database of this store, which may be that of the events or another. Its
    /// tables are made when the application starts, and show every event exactly once.
    ///
    /// Several versions of it can be registered beside one another, each a component of its own.
    #[must_use]
    pub fn read_model<S: ReadModelStore, M: ReadModel<S::Connection>>(
        mut self,
        store: &S,
        model: M,
    ) -> Self {
        let registered = ExactlyOnce::register(store.clone(), model);
        self.read_models.push(Box::pin(async {
            let reaction = registered.await?;
            Ok(Enrolled::new(Arc::new(reaction)))
        }));
        self
    }

    /// Registers a process manager. Its instances are aggregates ([`Process`] of it), and its components are
    /// `NAME.inputs`, `NAME` for its effects, and `NAME.timers`. Its inputs, its effects and its timers each take
    /// effect exactly once.
    ///
    /// Several processes may register it: they [share](Self::shares) the work; timers ring in any of them.
    #[must_use]
    pub fn process_manager<P: ProcessManager>(mut self) -> Self {
        let manage = |coordinator: &Coordinator| {
            let gateway: Arc<dyn CommandGateway> = Arc::new(coordinator.for_reactions());
            Managed::of::<P>(coordinator.store(), &gateway)
        };
        self.process_managers.push(Box::new(manage));
        self.beginnings.process_manager(P::NAME);
        self.aggregate::<Process<P>>()
    }

    /// Registers a component that defines by itself what it reacts to and how it runs.
    #[must_use]
    pub fn component(self, component: Enrolled) -> Self {
        self.make(move |_| Ok(component))
    }

    fn make(
        mut self,
        make: impl FnOnce(&Coordinator) -> Result<Enrolled, StartAppError> + Send + 'static,
    ) -> Self {
        self.components.push(Box::new(make));
        self
    }

    /// Sets what to do with events that a component fails on. By default [their streams are
    /// parked](FailurePolicy::park).
    #[must_use]
    pub fn failure_policy(mut self, component: &str, policy: FailurePolicy) -> Self {
        self.policies.insert(component.into(), policy);
        self
    }

    /// Sets into how many shares the work of a component is cut, in each partition of the log. Default 1. All events of
    /// a stream are in one share and are handled in order; there is no order between shares.
    ///
    /// The processes that run the component share the pieces fairly. Processes without a piece stand by. If a process
    /// ends or stops responding, the others take over its pieces. Choose the number once, and the same in all
    /// processes: with another number the component begins anew.
    #[must_use]
    pub fn shares(mut self, component: &str, shares: NonZero<u16>) -> Self {
        self.shares.insert(component.into(), shares);
        self
    }

    /// Sets where a component begins that no process has run yet. By default it begins at the first event. Name a
    /// process manager by its `NAME`: its inputs begin there. Read models begin at the first event.
    ///
    /// The place is decided when a process takes the first of the component's work, for all of its work in all
    /// processes. It is then kept: neither a restart nor a later setting changes it. A person can make a component
    /// begin anew elsewhere, by `seriatim reactions begin`.
    ///
    /// No process does what the component would have done because of events before that place, and [`App::audit`] does
    /// not report it as missing.
    #[must_use]
    pub fn begin(mut self, component: &str, begin: Begin) -> Self {
        self.beginnings.say(component, begin);
        self
    }

    /// Names the filter that a component had before, if its filter was widened on purpose. Events that the former
    /// filter passed over stay left out, in all processes, and [`App::audit`] does not report them as missing. Without
    /// this an application does not [start](StartAppError::Widened) if today's filter lets through an event that was
    /// passed over.
    ///
    /// It matters only while a checkpoint still stands for that filter, so it does no harm to leave it in. Name a
    /// process manager by its `NAME`; the filter of a saga is its source's domain. Build a read model anew as another
    /// version instead.
    #[must_use]
    pub fn widened_from(mut self, component: &str, former: EventFilter) -> Self {
        self.beginnings.widened_from(component, former);
        self
    }

    /// Sets how components run in this process.
    #[must_use]
    pub fn reaction_settings(mut self, settings: ReactionSettings) -> Self {
        self.reaction_settings = settings;
        self
    }

    /// Audits the log and all progress in the background, repeatedly: see [`App::audits`]. One of the processes on a
    /// store is enough.
    #[must_use]
    pub fn audit(mut self, settings: AuditSettings) -> Self {
        self.audit = Some(settings);
        self
    }

    /// Sets whether this process works for [bulk jobs](App::jobs) on dead letters; by default it does. It works for those
    /// about letters of its own aggregates and components. Jobs can be started and watched here in any case.
    #[must_use]
    pub fn works_for_jobs(mut self, works: bool) -> Self {
        self.works_for_jobs = works;
        self
    }

    /// Sets the settings of the coordinator.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.coordinator = self.coordinator.settings(settings);
        self
    }

    /// Starts the application.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(self) -> Result<App, StartAppError> {
        // This comes before anything can be counted.
        #[cfg(feature = "server")]
        let doors = self.doors.prepare().await?;
        let coordinator = self.coordinator.descriptors(self.descriptors?);
        let coordinator = coordinator.start()?;
        let components = self.components.into_iter().map(|make| make(&coordinator));
        let mut components = components.collect::<Result<Vec<_>, _>>()?;
        for read_model in self.read_models {
            components.push(read_model.await?);
        }
        let mut alarms = Vec::new();
        for manage in self.process_managers {
            let managed = manage(&coordinator);
            components.extend(managed.components);
            alarms.push(managed.alarm);
        }
        check_names(&components)?;
        apply(self.policies, &mut components)?;
        cut(self.shares, &mut components)?;
        self.beginnings
            .apply(&mut components, coordinator.log())
            .await?;
        check_filters(&components, coordinator.log().shapes())?;
        check_scopes(&components, coordinator.log()).await?;
        let feed = Feed::new(coordinator.log().clone());
        // The address is bound before anything runs, so that nothing needs to be ended again if the address is taken.
        #[cfg(feature = "server")]
        let doors = doors.bind(&coordinator).await?;
        let reactions = Reactions::start(&feed, components, &self.reaction_settings);
        let reactions = Arc::new(reactions);
        let store = coordinator.store();
        let waiter = Waiter::new(&reactions, Arc::clone(store) as _);
        let alarms = Arc::new(Alarms::start(alarms, &self.reaction_settings));
        let job_desk = crate::jobs::job_desk(&coordinator, reactions.desk(coordinator.clone()));
        let settings = &self.reaction_settings;
        let jobs = (self.works_for_jobs)
            .then(|| crate::jobs::run(job_desk.clone(), &coordinator, &reactions, settings));
        #[cfg(feature = "server")]
        let doors = doors.open(&coordinator, &feed, &reactions, &alarms);
        let audits = self.audit.map(|settings| {
            let auditor = crate::app::auditor(&coordinator, &reactions);
            Arc::new(AuditJob::start(auditor, settings))
        });
        let app = App {
            coordinator,
            feed,
            reactions,
            waiter,
            audits,
            alarms,
            job_desk,
            jobs: jobs.map(Arc::new),
            #[cfg(feature = "server")]
            doors,
        };
        app.say_that_it_runs();
        Ok(app)
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

/// A former name lets nothing through, which nobody would notice.
fn check_filters(components: &[Enrolled], shapes: &Shapes) -> Result<(), StartAppError> {
    for Enrolled { reaction, .. } in components {
        if let Some((former, today)) = shapes.former_name(reaction.filter()) {
            return Err(StartAppError::FormerName {
                component: reaction.component().clone(),
                former: former.into(),
                today,
            });
        }
    }
    Ok(())
}

/// If a store does not answer now, it is asked again when the work is taken.
async fn check_scopes(components: &[Enrolled], log: &Log) -> Result<(), StartAppError> {
    for enrolled in components {
        if let Ok(Some(widened)) = enrolled.widened(log).await {
            return Err(widened.into());
        }
    }
    Ok(())
}

fn apply(
    policies: BTreeMap<String, FailurePolicy>,
    components: &mut [Enrolled],
) -> Result<(), StartAppError> {
    for (name, policy) in policies {
        match named(&name, components) {
            Some(enrolled) => enrolled.policy = policy,
            None => return Err(StartAppError::PolicyForNobody { name }),
        }
    }
    Ok(())
}

fn cut(
    shares: BTreeMap<String, NonZero<u16>>,
    components: &mut [Enrolled],
) -> Result<(), StartAppError> {
    for (name, shares) in shares {
        match named(&name, components) {
            Some(enrolled) => enrolled.shares = shares,
            None => return Err(StartAppError::SharesForNobody { name }),
        }
    }
    Ok(())
}

pub(crate) fn named<'all>(
    name: &str,
    components: &'all mut [Enrolled],
) -> Option<&'all mut Enrolled> {
    let mut all = components.iter_mut();
    all.find(|enrolled| enrolled.reaction.component().as_str() == name)
}

/// The reason why an application does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartAppError {
    /// The aggregates do not fit together.
    #[error(transparent)]
    Coordinator(#[from] StartError),
    /// The descriptors of protobuf messages cannot be used.
    #[error(transparent)]
    Descriptors(#[from] InvalidDescriptors),
    /// A component has an invalid name.
    #[error(transparent)]
    Component(#[from] InvalidComponent),
    /// A read model cannot be fed.
    #[error(transparent)]
    ReadModel(#[from] RegisterError),
    /// Two components have the same name, and would move the same checkpoint.
    #[error("there are two components named `{name}`; give each a name of its own")]
    ComponentTwice {
        /// The name.
        name: Component,
    },
    /// The filter of a component uses a name that the events do not have any more.
    #[error(
        "the filter of `{component}` names `{former}`, which is called `{today}` now; give it today's name"
    )]
    FormerName {
        /// The component.
        component: Component,
        /// The name in its filter, an alias of the event type.
        former: String,
        /// The name that the type has now.
        today: &'static str,
    },
    /// A failure policy is for a component that does not exist.
    #[error(
        "`{name}` has a failure policy and is not a component; register it, or correct the name"
    )]
    PolicyForNobody {
        /// The name.
        name: String,
    },
    /// Shares are for a component that does not exist.
    #[error("`{name}` has shares and is not a component; register it, or correct the name")]
    SharesForNobody {
        /// The name.
        name: String,
    },
    /// A beginning is for a component that does not exist.
    #[error("`{name}` has a beginning and is not a component; register it, or correct the name")]
    BeginForNobody {
        /// The name.
        name: String,
    },
    /// A read model was to begin elsewhere than at the first event.
    #[error(
        "`{name}` is a read model, which shows all events from the first on; do not set where it begins"
    )]
    BeginOfReadModel {
        /// The name of its component.
        name: String,
    },
    /// A component was to begin at a place that is not in this log.
    #[error("`{component}` cannot begin: {source}")]
    Begin {
        /// The component.
        component: Component,
        /// The reason why it cannot begin there.
        source: SubscribeError,
    },
    /// The filter of a component was widened, and lets through events that were passed over.
    #[error(transparent)]
    Widened(#[from] Widened),
    /// A former filter is for a component that does not exist.
    #[error(
        "`{name}` has a former filter and is not a component; register it, or correct the name"
    )]
    WidenedForNobody {
        /// The name.
        name: String,
    },
    /// A read model was to leave out the events that its former filter passed over.
    #[error(
        "`{name}` is a read model, which shows all events that pass its filter; build it anew as another version"
    )]
    WidenedReadModel {
        /// The name of its component.
        name: String,
    },
    /// A saga reacts to an aggregate that is not registered. It must be registered, because rejected effects come back
    /// to it.
    #[error(
        "the saga `{saga}` reacts to `{domain}`, which is not an aggregate of this application; register it"
    )]
    NoSource {
        /// The saga.
        saga: &'static str,
        /// The domain of its source.
        domain: Domain,
    },
    /// The metrics cannot be served, because the program has a recorder of its own.
    #[cfg(feature = "server")]
    #[error(transparent)]
    Metrics(#[from] InstallError),
    /// Other machines reach an address that is not safe for that.
    #[cfg(feature = "server")]
    #[error(transparent)]
    OpenDoor(#[from] OpenDoor),
    /// The configuration grants something for domains that no aggregate of the application has.
    #[cfg(feature = "server")]
    #[error("{0}; correct the configuration, or register the aggregate")]
    Grants(#[from] UnknownDomains),
    /// The files for TLS cannot be used.
    #[cfg(feature = "server")]
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error(
        "cannot listen on `{address}`: {source}; give another address, or end what listens there"
    )]
    Listen {
        /// The address.
        address: String,
        /// The reason.
        source: std::io::Error,
    },
}
