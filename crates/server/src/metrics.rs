//! Serves the metrics of this process to Prometheus, over HTTP.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use seriatim_core::StoreError;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::ServeError;

const STORE_UP: &str = "seriatim_store_up";

/// The time after which the data of histograms are added up; until then they take memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// The time that a look at the store may take. Prometheus itself waits ten seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// The buckets for times: from a tenth of a millisecond to ten seconds.
const SECONDS: [f64; 16] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];
/// The buckets for counts.
const COUNTS: [f64; 12] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0,
];

/// The content type of Prometheus's text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Describes every metric to the installed recorder.
pub fn describe_metrics() {
    seriatim_coordinator::describe_metrics();
    seriatim_runtime::describe_metrics();
    crate::meter::describe();
    metrics::describe_gauge!(
        STORE_UP,
        metrics::Unit::Count,
        "1 if the store answered when the metrics were read"
    );
}

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

/// The recorder; a process has only one.
static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

impl Metrics {
    /// Installs the recorder of this process, unless it exists already. It does not know what was counted before, so
    /// call this before you start coordinators and components.
    pub fn install() -> Result<Self, InstallError> {
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = match &*installed {
            Some(handle) => handle.clone(),
            None => {
                let builder = PrometheusBuilder::new()
                    .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?
                    .set_buckets_for_metric(Matcher::Suffix("_appends".into()), &COUNTS)?
                    .set_buckets_for_metric(Matcher::Suffix("_events".into()), &COUNTS)?;
                installed.insert(builder.install_recorder()?).clone()
            }
        };
        describe_metrics();
        Ok(Self { handle })
    }

    /// Answers `GET /metrics` until `shutdown` ends. Metrics that are measured rather than counted, in the store too,
    /// are measured by `observe` for each request.
    pub async fn serve<O>(
        self,
        listener: TcpListener,
        observe: impl Fn() -> O + Clone + Send + Sync + 'static,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError>
    where
        O: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let handle = self.handle.clone();
        let render = move || render(self.handle.clone(), observe());
        let router = Router::new().route("/metrics", get(render));
        let served = axum::serve(listener, router).with_graceful_shutdown(shutdown);
        tokio::select! {
            served = served.into_future() => served.map_err(ServeError::Metrics),
            () = keep_up(&handle) => Ok(()),
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Keeps the recorder's memory small. Never ends.
async fn keep_up(handle: &PrometheusHandle) {
    let mut ticks = interval(UPKEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

async fn render(
    handle: PrometheusHandle,
    observed: impl Future<Output = Result<(), StoreError>>,
) -> impl IntoResponse {
    let up = match timeout(PATIENCE, observed).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(
                error = error.to_string(),
                "the metrics of the store cannot be measured"
            );
            false
        }
        Err(_) => false,
    };
    metrics::gauge!(STORE_UP).set(f64::from(u8::from(up)));
    ([(CONTENT_TYPE, TEXT)], handle.render())
}

/// The error if no metrics can be served.
#[derive(Debug, thiserror::Error)]
#[error("no metrics can be served: {0}; a program that has a recorder of its own reads them there")]
pub struct InstallError(#[from] BuildError);
