//! Puts the services together, serves them, and shuts down in order.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use seriatim_coordinator::Coordinator;
use seriatim_proto::{FILE_DESCRIPTOR_SET, v1};
use seriatim_runtime::{Feed, ReactionSettings, Reactions, Waiter};
use seriatim_security::Access;
use seriatim_security::tls::ServerTls;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::server::{HealthReporter, health_reporter};
use tonic_reflection::server::Builder as Reflection;
use v1::admin_service_server::AdminServiceServer;
use v1::command_service_server::CommandServiceServer;
use v1::dead_letter_service_server::DeadLetterServiceServer;
use v1::fact_service_server::FactServiceServer;
use v1::job_service_server::JobServiceServer;
use v1::operation_service_server::OperationServiceServer;
use v1::query_service_server::QueryServiceServer;
use v1::subscription_service_server::SubscriptionServiceServer;
use v1::token_service_server::TokenServiceServer;

use crate::call::Shared;
use crate::operation_recorder::OperationRecorder;
use crate::own::{Own, OwnServices};
use crate::routes::Routes;
use crate::services::{
    Admin, Commands, DeadLetters, EffectsDoor, Facts, Queries, Subscriptions, Waits,
};
use crate::settings::ServerSettings;
use crate::{connections, health, tls};

/// The gRPC services in front of a coordinator and a feed: commands, facts, questions, subscriptions, dead letters,
/// health and reflection.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Begins a server. The feed must be that of the coordinator's store; the subscribers in this process share what it
    /// reads. It must be called on a Tokio runtime.
    pub fn builder(coordinator: Coordinator, feed: Feed) -> ServerBuilder {
        let none = Reactions::start(&feed, Vec::new(), &ReactionSettings::default());
        ServerBuilder {
            coordinator,
            feed,
            reactions: Arc::new(none),
            access: Access::unasked(),
            settings: ServerSettings::default(),
            tls: None,
        }
    }
}

/// Collects the parts of a server.
#[derive(Debug)]
pub struct ServerBuilder {
    coordinator: Coordinator,
    feed: Feed,
    reactions: Arc<Reactions>,
    access: Access,
    settings: ServerSettings,
    tls: Option<ServerTls>,
}

impl ServerBuilder {
    /// Sets the components of this process. Senders may wait for those of other processes too.
    #[must_use]
    pub fn reactions(mut self, reactions: Arc<Reactions>) -> Self {
        self.reactions = reactions;
        self
    }

    /// Makes the server ask its callers who they are. Without this it asks nobody, and everybody may do everything.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Replaces the default settings.
    #[must_use]
    pub fn settings(mut self, settings: ServerSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Speaks TLS only. A client that begins without it is refused. Certificates are taken into use when their files
    /// change, as long as the server serves.
    #[must_use]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Serves until `shutdown` ends. Then the health says so, nothing new is accepted, open calls end, and the
    /// coordinator is shut down.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), ServeError> {
        let Self {
            coordinator,
            feed,
            reactions,
            access,
            settings,
            tls,
        } = self;
        let (reporter, health_service) = health_reporter();
        health::report(&reporter, ServingStatus::Serving).await;
        let (closing, closed) = watch::channel(false);
        let others = others(health_service, &coordinator.descriptors().encoded())?;
        let own = Own::start(coordinator.store());
        let recorder = OperationRecorder::new(&own.trail, &access);
        let mut shutdown = pin!(shutdown);
        let follower = match access.asks() {
            false => None,
            true => tokio::select! {
                follower = own.tokens(&feed, &access) => Some(follower),
                () = &mut shutdown => {
                    coordinator.shutdown().await;
                    return Ok(());
                }
            },
        };
        let routes = routes(
            &coordinator,
            feed,
            &reactions,
            &settings,
            &closed,
            own.services(&access, &coordinator, reactions.desk(coordinator.clone())),
            others,
        );
        let shared = Arc::new(Shared::new(
            routes,
            access.clone(),
            recorder.clone(),
            settings,
        ));
        let settings = shared.settings();
        let watch = tls::watch(tls.clone());
        let served = connections::serve(listener, tls, Arc::clone(&shared), closed);
        tokio::pin!(served);

        let follow = health::follow(
            coordinator.clone(),
            Arc::clone(&reactions),
            reporter.clone(),
            settings.health_interval,
        );
        let follow_tokens = async {
            match follower {
                Some(follower) => follower.run().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = &mut served => unreachable!("it is served until it is told to close"),
            () = shutdown => {}
            () = follow => {}
            _ = watch => {}
            () = recorder.keep(&access) => unreachable!("it is kept until it is dropped"),
            () = follow_tokens => unreachable!("it follows until it is dropped"),
        }
        go_down(reporter).await;
        // This fails only if nobody listens any more, which does no harm.
        let _ = closing.send(true);
        // Calls that have not ended by then are dropped.
        let _ = tokio::time::timeout(settings.grace, served).await;
        recorder.write().await;
        tokio::join!(coordinator.shutdown(), own.shutdown());
        Ok(())
    }
}

/// Tells load balancers first. Then ends the calls that only watch the health.
async fn go_down(reporter: HealthReporter) {
    health::report(&reporter, ServingStatus::NotServing).await;
    health::end_watches(reporter).await;
}

fn routes(
    coordinator: &Coordinator,
    feed: Feed,
    reactions: &Arc<Reactions>,
    settings: &ServerSettings,
    closed: &watch::Receiver<bool>,
    own: OwnServices,
    others: tonic::service::Routes,
) -> Routes {
    let store = coordinator.store();
    let waiter = Waiter::new(reactions, Arc::clone(store) as _);
    let waits = Waits::new(waiter, closed.clone());
    let effects = EffectsDoor {
        is_open: settings.accept_effects,
    };
    let commands = Commands::new(
        effects.coordinator(coordinator),
        waits.clone(),
        effects,
        settings.in_flight_per_stream.max(1),
        settings.unknown_fields,
        closed.clone(),
    );
    let facts = Facts::new(effects.coordinator(coordinator), effects, waits);
    let desk = reactions.desk(coordinator.clone());
    // Messages are limited while they arrive, so tonic's own limit is removed. Each generated server has a method for
    // that, but no trait has it.
    macro_rules! unlimited {
        ($service:expr) => {
            $service.max_decoding_message_size(usize::MAX)
        };
    }
    Routes {
        commands: unlimited!(CommandServiceServer::new(commands)),
        facts: unlimited!(FactServiceServer::new(facts)),
        queries: unlimited!(QueryServiceServer::new(Queries::new(
            coordinator.clone(),
            desk.clone(),
        ))),
        subscriptions: unlimited!(SubscriptionServiceServer::new(Subscriptions::new(
            feed,
            closed.clone()
        ))),
        dead_letters: unlimited!(DeadLetterServiceServer::new(DeadLetters::new(
            coordinator.clone(),
            desk
        ))),
        jobs: unlimited!(JobServiceServer::new(own.jobs)),
        admin: unlimited!(AdminServiceServer::new(Admin::new(Arc::clone(reactions)))),
        tokens: unlimited!(TokenServiceServer::new(own.tokens)),
        operations: unlimited!(OperationServiceServer::new(own.operations)),
        others,
    }
}

/// Returns the services that are not ours.
fn others(
    health: HealthServer<impl Health>,
    of_application: &[u8],
) -> Result<tonic::service::Routes, ServeError> {
    let reflection = || {
        Reflection::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(of_application)
    };
    Ok(tonic::service::Routes::new(health)
        .add_service(reflection().build_v1()?)
        // grpcurl before 1.8.8 and other clients know only this version.
        .add_service(reflection().build_v1alpha()?)
        .prepare())
}

/// The reason why a server does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The descriptors of the services do not load: this build is broken.
    #[error("the descriptors of the services do not load: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}
