//! Checks that the health follows the store.

use std::time::Duration;

use seriatim_core::StoreErrorKind;
use tonic::Streaming;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::rig::*;
use crate::waiting::gated;

const SERVICES: [&str; 7] = [
    "",
    "seriatim.v1.CommandService",
    "seriatim.v1.FactService",
    "seriatim.v1.QueryService",
    "seriatim.v1.SubscriptionService",
    "seriatim.v1.DeadLetterService",
    "seriatim.v1.AdminService",
];

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.into(),
    }
}

/// Waits for a status. The services are told one after another, so one may still have its old status.
async fn until(watch: &mut Streaming<HealthCheckResponse>, status: ServingStatus) {
    while let Some(answer) = soon(watch.message()).await.unwrap() {
        if answer.status() == status {
            return;
        }
    }
    panic!("never {status:?}");
}

#[tokio::test]
async fn the_server_and_each_service_serve_from_the_start() {
    let rig = Rig::start().await;
    let mut health = HealthClient::new(rig.channel.clone());
    for service in SERVICES {
        let answer = health.check(of(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
}

#[tokio::test]
async fn a_failing_store_is_not_serving_until_it_is_back() {
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            health_interval: Duration::from_millis(1),
            ..Default::default()
        })
    })
    .await;
    let mut health = HealthClient::new(rig.channel.clone());
    for service in SERVICES {
        let mut watch = health.watch(of(service)).await.unwrap().into_inner();
        until(&mut watch, ServingStatus::Serving).await;
        rig.store.go_down(StoreErrorKind::Unavailable);
        until(&mut watch, ServingStatus::NotServing).await;
        rig.store.come_back();
        until(&mut watch, ServingStatus::Serving).await;
    }
}

#[tokio::test]
async fn a_coordinator_that_admits_nothing_is_not_serving() {
    let rig = Rig::start_with(|server| {
        server.settings(ServerSettings {
            health_interval: Duration::from_millis(1),
            ..Default::default()
        })
    })
    .await;
    let mut health = HealthClient::new(rig.channel.clone());
    let mut watch = health.watch(of("")).await.unwrap().into_inner();
    until(&mut watch, ServingStatus::Serving).await;
    rig.coordinator.shutdown().await;
    until(&mut watch, ServingStatus::NotServing).await;
}

#[tokio::test]
async fn a_paused_component_is_told_under_a_name_of_its_own() {
    let (rig, _) = gated(1).await;
    let mut health = HealthClient::new(rig.channel.clone());
    let mut watch = health.watch(of("seriatim.reactions")).await.unwrap();
    let watch = watch.get_mut();
    until(watch, ServingStatus::Serving).await;
    let stream = rig.till_with(&[("Fill", r#"{"coins":5}"#)]).await;
    rig.submit(ask(&stream, "Take", r#"{"coins":1}"#)).await;
    until(watch, ServingStatus::NotServing).await;
    let whole = health.check(of("")).await.unwrap().into_inner();
    assert_eq!(whole.status(), ServingStatus::Serving);
    // The status is reported again when the store was away and is back.
    rig.store.go_down(StoreErrorKind::Unavailable);
    let mut whole = health.watch(of("")).await.unwrap().into_inner();
    until(&mut whole, ServingStatus::NotServing).await;
    rig.store.come_back();
    until(&mut whole, ServingStatus::Serving).await;
    let answer = async || {
        let answer = health.clone().check(of("seriatim.reactions")).await;
        answer.unwrap().into_inner().status()
    };
    crate::rig::until(async || answer().await == ServingStatus::NotServing).await;
}
