//! Contains the handle that applications and servers hold.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use seriatim_core::{
    Aggregate, At, Changes, ChangesQuery, CommandGateway, CommandRequest, Domain, EffectId,
    EventStore, FactRequest, FieldViolation, LetterFilter, LetterStatus, Limits, Log, OWN_DOMAINS,
    Payload, Prepare, QueryError, Receipt, RejectedEffect, Shapes, Simulation, StateView, Store,
    StoreError, StreamId, SubmitError, ThreeWay, UnknownFieldRule, WhyNotAccepted,
};
use seriatim_schema::{Descriptors, DomainSchema};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::Settings;
use crate::admission::{Admission, OfCaller, Place};
use crate::host::{DomainInfo, Host, HostOf};
use crate::lookups::Lookups;
use crate::meter::{self, Asked, CommitMeter};
use crate::preparation::Preparation;
use crate::shared::Shared;
use crate::states::States;
use crate::view;

/// The number of snapshots that may be on their way to the store at once.
const BACKGROUND: usize = 4;

/// Runs commands and facts against aggregates. Cheap to clone; all clones are one coordinator.
#[derive(Clone)]
pub struct Coordinator {
    inner: Arc<Inner>,
    /// `true` if the sources of effects are not checked.
    of_reactions: bool,
    of_caller: OfCaller,
}

struct Inner {
    shared: Arc<Shared>,
    admission: Admission,
    hosts: BTreeMap<Domain, Arc<dyn Host>>,
}

impl fmt::Debug for Coordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coordinator")
            .field("store", &self.inner.shared.store)
            .field("domains", &self.inner.hosts.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Coordinator {
    /// Begins a coordinator on a store.
    pub fn builder(store: Arc<dyn Store>) -> CoordinatorBuilder {
        CoordinatorBuilder {
            store,
            settings: Settings::default(),
            descriptors: Descriptors::default(),
            shapes: Shapes::default(),
            hosts: Vec::new(),
            is_own: false,
        }
    }

    /// Begins a coordinator of Seriatim's own aggregates, in the [domains](seriatim_core::OWN_DOMAINS) that
    /// applications cannot use. It stands beside the application's coordinator on the same store, so no command, fact
    /// or question for an application's domains reaches them.
    pub fn builder_of_own(store: Arc<dyn Store>) -> CoordinatorBuilder {
        CoordinatorBuilder {
            is_own: true,
            ..Self::builder(store)
        }
    }

    /// Returns the same coordinator for reactions. They make effects only of events that they have read, here or in
    /// another log, so it does not look for the source of each effect. A sender that reaches it can take the place of
    /// any reaction.
    #[must_use]
    pub fn for_reactions(&self) -> Self {
        Self {
            of_reactions: true,
            ..self.clone()
        }
    }

    /// Returns the same coordinator for one request of a caller that counts the requests in work. The permit is given
    /// back when the request is answered or not admitted and the returned handle is dropped. It is not given back
    /// earlier if nobody waits for the answer any more.
    #[must_use]
    pub fn holding(&self, permit: impl Any + Send + Sync) -> Self {
        Self {
            of_caller: Some(Arc::new(permit)),
            ..self.clone()
        }
    }

    /// Returns what `request` would do at the current or a past state. It writes nothing and spends no external id.
    pub async fn simulate(
        &self,
        request: CommandRequest,
        at: At,
    ) -> Result<Simulation, SubmitError> {
        check(self.limits().check_command(&request))?;
        self.host(&request.stream.domain)?
            .simulate(request, at)
            .await
    }

    /// Looks for fields in the JSON of a request's commands that their types do not have. Returns a warning for each, or
    /// fails if the rule is to refuse them, or if a command cannot be decoded: then such a field is the likely reason. Call
    /// it before the request is submitted, which passes over them.
    pub fn check_fields(
        &self,
        request: &CommandRequest,
        rule: UnknownFieldRule,
    ) -> Result<Vec<FieldViolation>, SubmitError> {
        let Some(host) = self.inner.hosts.get(&request.stream.domain) else {
            return Ok(Vec::new());
        };
        if rule == UnknownFieldRule::Ignore {
            return Ok(Vec::new());
        }
        let (found, all_fit) = host.unknown_fields(&request.commands);
        if found.is_empty() || (all_fit && rule == UnknownFieldRule::Warn) {
            return Ok(found);
        }
        let error = SubmitError::Invalid(found);
        host.meter().refused(Asked::Command(request.merge), &error);
        Err(error)
    }

    /// Returns a state of a stream, as the store has it.
    pub async fn state(&self, stream: &StreamId, at: At) -> Result<StateView, QueryError> {
        self.host_to_ask(&stream.domain)?.state(stream, at).await
    }

    /// Returns the events that changed a field of a stream's state, newest first, with what each has changed.
    ///
    /// One call looks at no more than 2,000 events, at fewer if the state is large, and its answer ends after a megabyte
    /// of content; [`Changes::next`] says where the next call goes on. A field that the current state does not have,
    /// and that no event ever changed, is an error that names the fields there are.
    pub async fn changes(
        &self,
        stream: &StreamId,
        query: ChangesQuery,
    ) -> Result<Changes, QueryError> {
        self.host_to_ask(&stream.domain)?
            .changes(stream, query)
            .await
    }

    /// Returns a dead letter from three sides, computed now.
    pub async fn examine(&self, letter: Uuid) -> Result<ThreeWay, QueryError> {
        let shared = &self.inner.shared;
        let found = shared.store.letter(letter).await;
        let found = found.map_err(|error| view::store_failed(shared, error))?;
        let letter = found.ok_or(QueryError::UnknownLetter { id: letter })?;
        self.host_to_ask(&letter.stream().domain)?
            .examine(letter)
            .await
    }

    /// Returns the store. Events that are read there are as they are stored: see [`Coordinator::log`].
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.shared.store
    }

    /// Returns the events of the store, in the shape that the registered aggregates give them.
    pub fn log(&self) -> &Log {
        &self.inner.shared.log
    }

    /// Returns the limits of one request.
    pub fn limits(&self) -> &Limits {
        &self.inner.shared.settings.limits
    }

    /// Returns the descriptors of protobuf messages, by which people read and write them as JSON.
    pub fn descriptors(&self) -> &Descriptors {
        &self.inner.shared.descriptors
    }

    /// Returns the registered domains, by name.
    pub fn domains(&self) -> Vec<DomainInfo> {
        self.inner.hosts.values().map(|host| host.info()).collect()
    }

    /// Returns what the commands and events of a domain look like. Returns `None` if it is not registered.
    pub fn schema(&self, domain: &Domain) -> Option<DomainSchema> {
        self.inner.hosts.get(domain).map(|host| host.schema())
    }

    /// Returns `true` if it admits requests.
    pub fn is_open(&self) -> bool {
        self.inner.admission.is_open()
    }

    /// Stops admitting requests, and waits until what was admitted is finished and answered. It may be called more than
    /// once.
    pub async fn shutdown(&self) {
        self.inner.admission.close().await;
        let all = u32::try_from(BACKGROUND).expect("a small number");
        // This fails only if the semaphore was closed, and nobody closes it.
        let _ = self.inner.shared.background.acquire_many(all).await;
    }

    /// Updates the metrics that are measured rather than counted: how full the queue and the caches are, and the
    /// waiting letters. Call it before the metrics are read.
    pub async fn observe(&self) -> Result<(), StoreError> {
        self.inner.admission.observe();
        meter::cached_bytes(self.inner.shared.states.bytes());
        for host in self.inner.hosts.values() {
            host.observe();
        }
        let waiting = LetterFilter {
            status: Some(LetterStatus::Parked),
            ..LetterFilter::default()
        };
        let letters = self.store().letters(&waiting, meter::LETTERS).await?;
        meter::letters(letters.len(), letters.first().map(|first| first.parked_at));
        Ok(())
    }

    /// Returns the domain's host, and a place for the request. Refused requests are counted too, unless the domain is
    /// unknown.
    fn admit<'a>(
        &self,
        domain: &Domain,
        asked: Asked,
        violations: Vec<FieldViolation>,
        payloads: impl Iterator<Item = &'a Payload>,
    ) -> Result<(&Arc<dyn Host>, Place), SubmitError> {
        let admitted = check(violations).and_then(|()| {
            let host = self.host(domain)?;
            Ok((host, self.place(payloads)?))
        });
        if let Err(error) = &admitted
            && let Some(host) = self.inner.hosts.get(domain)
        {
            host.meter().refused(asked, error);
        }
        admitted
    }

    /// Fails if the effect's event was not recorded: the effect would take the place of a later one. A source whose
    /// aggregate is not registered here may be in another log, and is not checked.
    async fn vouch(
        &self,
        host: &Arc<dyn Host>,
        asked: Asked,
        effect: &EffectId,
    ) -> Result<(), SubmitError> {
        let (source, sequence) = (&effect.source, effect.sequence);
        if self.of_reactions || !self.inner.hosts.contains_key(&source.domain) {
            return Ok(());
        }
        let shared = &self.inner.shared;
        let vouched = match shared.store.read_stream(source, sequence, 1).await {
            Ok(found)
                if found
                    .first()
                    .is_some_and(|event| event.sequence == sequence) =>
            {
                Ok(())
            }
            Ok(_) => Err(SubmitError::EffectNotAccepted {
                effect: effect.clone(),
                why: WhyNotAccepted::NoSuchEvent,
            }),
            Err(error) => Err(SubmitError::of_store(error, shared.settings.retry_after)),
        };
        if let Err(error) = &vouched {
            host.meter().refused(asked, error);
        }
        vouched
    }

    /// Returns a place for a request.
    pub(crate) fn place<'a>(
        &self,
        payloads: impl Iterator<Item = &'a Payload>,
    ) -> Result<Place, SubmitError> {
        self.inner.admission.admit(payloads, &self.of_caller)
    }

    fn host(&self, domain: &Domain) -> Result<&Arc<dyn Host>, SubmitError> {
        self.inner
            .hosts
            .get(domain)
            .ok_or_else(|| SubmitError::UnknownDomain {
                domain: domain.clone(),
                known: self.known(),
            })
    }

    pub(crate) fn host_to_ask(&self, domain: &Domain) -> Result<&Arc<dyn Host>, QueryError> {
        self.inner
            .hosts
            .get(domain)
            .ok_or_else(|| QueryError::UnknownDomain {
                domain: domain.clone(),
                known: self.known(),
            })
    }

    fn known(&self) -> Vec<Domain> {
        self.inner.hosts.keys().cloned().collect()
    }
}

#[async_trait]
impl CommandGateway for Coordinator {
    async fn submit(&self, request: CommandRequest) -> Result<Receipt, SubmitError> {
        let violations = self.limits().check_command(&request);
        let asked = Asked::Command(request.merge);
        let domain = &request.stream.domain;
        let (host, place) = self.admit(domain, asked, violations, request.commands.iter())?;
        if let Some(effect) = &request.effect {
            Box::pin(self.vouch(host, asked, effect)).await?;
        }
        host.submit(request, place).await
    }

    async fn record(&self, request: FactRequest) -> Result<Receipt, SubmitError> {
        let violations = self.limits().check_fact(&request);
        let domain = &request.stream.domain;
        let payloads = request.facts.iter().map(|fact| &fact.payload);
        let (host, place) = self.admit(domain, Asked::Fact, violations, payloads)?;
        if let Some(effect) = &request.effect {
            Box::pin(self.vouch(host, Asked::Fact, effect)).await?;
        }
        host.record(request, place).await
    }

    async fn hand_back(&self, rejected: RejectedEffect) -> Result<Receipt, SubmitError> {
        let violations = self.limits().check_rejected(&rejected);
        let domain = &rejected.effect.source.domain;
        let payloads = rejected.commands.iter();
        let (host, place) = self.admit(domain, Asked::HandBack, violations, payloads)?;
        self.vouch(host, Asked::HandBack, &rejected.effect).await?;
        host.hand_back(rejected, place).await
    }

    fn outcomes(&self) -> Option<&dyn EventStore> {
        Some(self.store().as_ref())
    }
}

fn check(violations: Vec<FieldViolation>) -> Result<(), SubmitError> {
    match violations.is_empty() {
        true => Ok(()),
        false => Err(SubmitError::Invalid(violations)),
    }
}

/// Collects the parts of a coordinator.
pub struct CoordinatorBuilder {
    store: Arc<dyn Store>,
    settings: Settings,
    descriptors: Descriptors,
    shapes: Shapes,
    hosts: Vec<(Domain, MakeHost)>,
    /// `true` if its aggregates are those of Seriatim itself.
    is_own: bool,
}

type MakeHost = Box<dyn FnOnce(usize, Arc<Shared>) -> Arc<dyn Host> + Send>;

impl fmt::Debug for CoordinatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domains: Vec<_> = self.hosts.iter().map(|(domain, _)| domain).collect();
        f.debug_struct("CoordinatorBuilder")
            .field("domains", &domains)
            .finish_non_exhaustive()
    }
}

impl CoordinatorBuilder {
    /// Replaces the default settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the descriptors of protobuf messages. Commands and facts of the messages that they describe may then be sent
    /// as JSON too.
    #[must_use]
    pub fn descriptors(mut self, descriptors: Descriptors) -> Self {
        self.descriptors = descriptors;
        self
    }

    /// Registers an aggregate under its domain.
    #[must_use]
    pub fn aggregate<A: Aggregate>(self) -> Self {
        self.host::<A>(None)
    }

    /// Registers an aggregate with a step that gets answers from outside before its commands are decided.
    #[must_use]
    pub fn aggregate_with<A: Aggregate>(self, prepare: impl Prepare<A>) -> Self {
        self.host::<A>(Some(Arc::new(prepare)))
    }

    fn host<A: Aggregate>(mut self, prepare: Option<Arc<dyn Preparation<A>>>) -> Self {
        let make: MakeHost =
            Box::new(|number, shared| Arc::new(HostOf::<A>::new(number, shared, prepare)));
        self.hosts.push((Domain::of::<A>(), make));
        self.reads::<A>()
    }

    /// Brings the events of an aggregate into today's shape for all readers here, without accepting commands for it. An
    /// aggregate that is registered does not need this.
    #[must_use]
    pub fn reads<A: Aggregate>(mut self) -> Self {
        self.shapes = self.shapes.with::<A>();
        self
    }

    /// Starts the coordinator.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(self) -> Result<Coordinator, StartError> {
        let admission = Admission::new(&self.settings);
        let shared = Arc::new(Shared {
            log: Log::new(Arc::clone(&self.store) as _, self.shapes),
            store: self.store,
            commits: CommitMeter::new(),
            lookups: Lookups::default(),
            states: Arc::new(States::new(self.settings.cached_bytes)),
            settings: self.settings,
            descriptors: self.descriptors,
            background: Arc::new(Semaphore::new(BACKGROUND)),
        });
        let mut hosts = BTreeMap::new();
        for (number, (domain, make)) in self.hosts.into_iter().enumerate() {
            if domain.is_own() != self.is_own {
                return Err(StartError::NotItsDomain { domain });
            }
            if hosts.contains_key(&domain) {
                return Err(StartError::RegisteredTwice { domain });
            }
            let host = make(number, Arc::clone(&shared));
            hosts.insert(domain, host);
        }
        Ok(Coordinator {
            inner: Arc::new(Inner {
                shared,
                admission,
                hosts,
            }),
            of_reactions: false,
            of_caller: None,
        })
    }
}

/// The reason why a coordinator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Two aggregates have the same domain.
    #[error("two aggregates are registered for the domain `{domain}`; give each its own `DOMAIN`")]
    RegisteredTwice {
        /// The domain.
        domain: Domain,
    },
    /// The domain is one of Seriatim's own, or is not although this is a coordinator of those.
    #[error(
        "`{domain}` cannot be registered here: names that begin with `{OWN_DOMAINS}` are those of Seriatim itself, so give the aggregate another `DOMAIN`"
    )]
    NotItsDomain {
        /// The domain.
        domain: Domain,
    },
}
