//! Reports the health of the store, the coordinator and the components, not just of the process.

use std::sync::Arc;
use std::time::Duration;

use seriatim_coordinator::Coordinator;
use seriatim_core::LogPartition;
use seriatim_proto::v1;
use seriatim_runtime::{PieceState, PieceStatus, Reactions};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tonic::server::NamedService;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use v1::admin_service_server::AdminServiceServer;
use v1::command_service_server::CommandServiceServer;
use v1::dead_letter_service_server::DeadLetterServiceServer;
use v1::fact_service_server::FactServiceServer;
use v1::job_service_server::JobServiceServer;
use v1::operation_service_server::OperationServiceServer;
use v1::query_service_server::QueryServiceServer;
use v1::subscription_service_server::SubscriptionServiceServer;
use v1::token_service_server::TokenServiceServer;

use crate::services::{
    Admin, Commands, DeadLetters, Facts, Jobs, Operations, Queries, Subscriptions, Tokens,
};

/// A store that takes longer than this to name its head is not serving.
const PATIENCE: Duration = Duration::from_secs(5);

/// The name under which the health of this process's components is reported. It is one of its own because the server
/// can still be used if a component is paused.
const REACTIONS: &str = "seriatim.reactions";

/// The names of the server as a whole, of each of its services, and of the components.
const SERVICES: [&str; 11] = [
    "",
    CommandServiceServer::<Commands>::NAME,
    FactServiceServer::<Facts>::NAME,
    QueryServiceServer::<Queries>::NAME,
    SubscriptionServiceServer::<Subscriptions>::NAME,
    DeadLetterServiceServer::<DeadLetters>::NAME,
    JobServiceServer::<Jobs>::NAME,
    AdminServiceServer::<Admin>::NAME,
    TokenServiceServer::<Tokens>::NAME,
    OperationServiceServer::<Operations>::NAME,
    REACTIONS,
];

/// Reports the present status.
pub(crate) async fn report(reporter: &HealthReporter, status: ServingStatus) {
    for service in SERVICES {
        reporter.set_service_status(service, status).await;
    }
}

/// Ends the calls that watch the health, which have no end of their own.
pub(crate) async fn end_watches(mut reporter: HealthReporter) {
    for service in SERVICES {
        reporter.clear_service_status(service).await;
    }
}

/// Looks at the store and the components repeatedly, and reports every change. It never ends.
pub(crate) async fn follow(
    coordinator: Coordinator,
    reactions: Arc<Reactions>,
    reporter: HealthReporter,
    every: Duration,
) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut serving, mut reacting) = (true, true);
    loop {
        ticks.tick().await;
        let trouble = trouble(&coordinator).await;
        if serving != trouble.is_none() {
            serving = trouble.is_none();
            let status = match trouble {
                None => {
                    tracing::warn!("serving again");
                    ServingStatus::Serving
                }
                Some(trouble) => {
                    tracing::warn!(reason = trouble, "not serving");
                    ServingStatus::NotServing
                }
            };
            report(&reporter, status).await;
            // The status was reported for the components too.
            reacting = serving;
        }
        let react = serving && reactions.status().iter().all(is_well);
        if reacting != react {
            reacting = react;
            let status = match react {
                true => ServingStatus::Serving,
                false => ServingStatus::NotServing,
            };
            reporter.set_service_status(REACTIONS, status).await;
        }
    }
}

/// Returns `true` if a piece of work is healthy. One that stands by is, because another process does it.
fn is_well(piece: &PieceStatus) -> bool {
    let stands_still = matches!(
        piece.state,
        PieceState::Paused { .. }
            | PieceState::CannotBegin { .. }
            | PieceState::WaitingForStore { .. }
            | PieceState::WaitingForTarget { .. }
    );
    !stands_still && piece.parked == 0
}

async fn trouble(coordinator: &Coordinator) -> Option<String> {
    if !coordinator.is_open() {
        return Some("the coordinator admits nothing".into());
    }
    let head = coordinator.store().head(LogPartition::FIRST);
    match timeout(PATIENCE, head).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!(
            "the store does not answer within {} s",
            PATIENCE.as_secs()
        )),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::{FileDescriptorSet, ServiceDescriptorProto};

    use super::*;

    #[test]
    fn the_services_are_those_of_the_definition() {
        let files = FileDescriptorSet::decode(seriatim_proto::FILE_DESCRIPTOR_SET).unwrap();
        let mut services = vec![String::new(), REACTIONS.to_owned()];
        for file in &files.file {
            let names = file.service.iter().map(ServiceDescriptorProto::name);
            services.extend(names.map(|name| format!("{}.{name}", file.package())));
        }
        services.sort_unstable();
        let mut reported = SERVICES;
        reported.sort_unstable();
        assert_eq!(reported.as_slice(), services);
    }
}
