//! The server: puts the services together, serves them, and goes down in order.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use seriatim_coordinator::Coordinator;
use seriatim_core::Desk;
use seriatim_proto::{FILE_DESCRIPTOR_SET, v1};
use seriatim_runtime::{Feed, ReactionSettings, Reactions, Waiter};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::server::{Router, TcpIncoming};
use tonic_health::ServingStatus;
use tonic_health::server::{HealthReporter, health_reporter};
use tonic_reflection::server::Builder as Reflection;
use v1::admin_service_server::AdminServiceServer;
use v1::command_service_server::CommandServiceServer;
use v1::dead_letter_service_server::DeadLetterServiceServer;
use v1::fact_service_server::FactServiceServer;
use v1::query_service_server::QueryServiceServer;
use v1::subscription_service_server::SubscriptionServiceServer;

use crate::health;
use crate::message_limit::MessageLimit;
use crate::services::{
    Admin, Commands, DeadLetters, EffectsDoor, Facts, Queries, Subscriptions, Waits,
};
use crate::settings::Settings;

/// How often a silent connection is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// The gRPC services in front of a coordinator and a feed: commands, facts, questions, subscriptions, dead letters,
/// health and reflection.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Begins one. The feed is that of the coordinator's store; what it reads is shared with the subscribers in this
    /// process. Must be called on a Tokio runtime.
    pub fn builder(coordinator: Coordinator, feed: Feed) -> ServerBuilder {
        let none = Reactions::start(&feed, Vec::new(), &ReactionSettings::default());
        ServerBuilder {
            coordinator,
            feed,
            reactions: Arc::new(none),
            settings: Settings::default(),
        }
    }
}

/// Collects what a server is made of.
#[derive(Debug)]
pub struct ServerBuilder {
    coordinator: Coordinator,
    feed: Feed,
    reactions: Arc<Reactions>,
    settings: Settings,
}

impl ServerBuilder {
    /// The components of this process. Senders may wait for those of others too.
    #[must_use]
    pub fn reactions(mut self, reactions: Arc<Reactions>) -> Self {
        self.reactions = reactions;
        self
    }

    /// The largest message it reads. Default 4 MiB. A larger one is refused with INVALID_ARGUMENT.
    #[must_use]
    pub fn max_message_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_message_bytes = bytes;
        self
    }

    /// Calls that one connection may have open at once. Default 1,024; more of them wait at the client.
    #[must_use]
    pub fn max_concurrent_streams(mut self, calls: u32) -> Self {
        self.settings.max_concurrent_streams = calls;
        self
    }

    /// Requests of one `SubmitStream` that may be unanswered at once. Default 1,024; more of them are not read yet.
    #[must_use]
    pub fn in_flight_per_stream(mut self, requests: usize) -> Self {
        self.settings.in_flight_per_stream = requests.max(1);
        self
    }

    /// How often the health looks at the store. Default each second.
    #[must_use]
    pub fn health_interval(mut self, interval: Duration) -> Self {
        self.settings.health_interval = interval;
        self
    }

    /// How long calls may take to end once the server goes down. Default 30 s. What was admitted by then is finished
    /// and durable all the same; a client that has no answer repeats itself under the same external id.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// Takes commands and facts as effects of reactions that run elsewhere, and what comes back of them, for
    /// [`RemoteGateway`](seriatim_proto::RemoteGateway). Otherwise they are refused as
    /// [`EffectNotAccepted`](seriatim_core::SubmitError::EffectNotAccepted), because whoever may send them can take the
    /// place of any saga. For networks that only such processes reach.
    #[must_use]
    pub fn accept_effects(mut self) -> Self {
        self.settings.effects = true;
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
            settings,
        } = self;
        let (reporter, health_service) = health_reporter();
        health::report(&reporter, ServingStatus::Serving).await;
        let (closing, closed) = watch::channel(false);
        let calls = routes(&coordinator, feed, &reactions, &settings, &closed)?
            .add_service(health_service)
            .serve_with_incoming_shutdown(incoming(listener), until_closed(closed));
        tokio::pin!(calls);

        let follow = health::follow(
            coordinator.clone(),
            Arc::clone(&reactions),
            reporter.clone(),
            settings.health_interval,
        );
        let served = tokio::select! {
            served = &mut calls => Some(served),
            () = shutdown => None,
            () = follow => None,
        };
        let served = match served {
            Some(served) => served,
            None => {
                go_down(reporter).await;
                // Fails only if nobody listens any more, which is fine.
                let _ = closing.send(true);
                tokio::time::timeout(settings.grace, calls)
                    .await
                    .unwrap_or(Ok(()))
            }
        };
        coordinator.shutdown().await;
        Ok(served?)
    }
}

/// Tells load balancers first, then ends the calls that only watch the health.
async fn go_down(reporter: HealthReporter) {
    health::report(&reporter, ServingStatus::NotServing).await;
    health::end_watches(reporter).await;
}

/// Without delay: a small answer must not wait for the acknowledgement of the one before.
fn incoming(listener: TcpListener) -> TcpIncoming {
    TcpIncoming::from(listener).with_nodelay(Some(true))
}

async fn until_closed(mut closed: watch::Receiver<bool>) {
    // Fails if the sender is gone, which means the same.
    let _ = closed.wait_for(|closed| *closed).await;
}

/// All letters that people can be shown here.
fn desk(coordinator: &Coordinator, reactions: &Arc<Reactions>) -> Desk {
    Desk::new(vec![
        Arc::new(coordinator.clone()),
        Arc::clone(reactions) as _,
    ])
}

fn routes(
    coordinator: &Coordinator,
    feed: Feed,
    reactions: &Arc<Reactions>,
    settings: &Settings,
    closed: &watch::Receiver<bool>,
) -> Result<Router, ServeError> {
    let max_bytes = settings.max_message_bytes;
    let reflection = || {
        Reflection::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let store = coordinator.store();
    let waiter = Waiter::new(reactions, Arc::clone(store) as _);
    let waits = Waits::new(waiter, closed.clone());
    let effects = EffectsDoor {
        is_open: settings.effects,
    };
    let commands = Commands::new(
        effects.coordinator(coordinator),
        waits.clone(),
        effects,
        settings.in_flight_per_stream,
        closed.clone(),
    );
    // The limit is MessageLimit's, so tonic's own is taken out of the way: a method that each generated server has,
    // but no trait.
    macro_rules! limited {
        ($service:expr) => {
            MessageLimit {
                inner: $service.max_decoding_message_size(usize::MAX),
                max_bytes,
            }
        };
    }
    Ok(tonic::transport::Server::builder()
        .max_concurrent_streams(settings.max_concurrent_streams)
        // A client that is gone without a word must not hold its calls open.
        .http2_keepalive_interval(Some(KEEPALIVE))
        .add_service(limited!(CommandServiceServer::new(commands)))
        .add_service(limited!(FactServiceServer::new(Facts::new(
            effects.coordinator(coordinator),
            effects,
            waits
        ))))
        .add_service(limited!(QueryServiceServer::new(Queries::new(
            coordinator.clone()
        ))))
        .add_service(limited!(SubscriptionServiceServer::new(
            Subscriptions::new(feed, closed.clone())
        )))
        .add_service(limited!(DeadLetterServiceServer::new(DeadLetters::new(
            coordinator.clone(),
            desk(coordinator, reactions)
        ))))
        .add_service(limited!(AdminServiceServer::new(Admin::new(Arc::clone(
            reactions
        )))))
        .add_service(reflection().build_v1()?)
        // For grpcurl before 1.8.8 and other clients that know only this one.
        .add_service(reflection().build_v1alpha()?))
}

/// Why a server does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The connection failed.
    #[error("the server cannot serve: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// The metrics cannot be served.
    #[error("the metrics cannot be served: {0}")]
    Metrics(#[source] std::io::Error),
    /// The descriptors of the services do not load: this build is broken.
    #[error("the descriptors of the services do not load: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}
