//! Serves the metrics of this process to Prometheus, over HTTP.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use seriatim_core::StoreError;
use seriatim_security::tls::ServerTls;
use seriatim_security::{Access, Credentials, Identified, Unauthenticated, Verb, authorise};
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::ServeError;
use crate::http_door::{HttpPeer, serve_pages};
use crate::meter::{self, TurnedAway};

const STORE_UP: &str = "seriatim_store_up";

/// The time after which the data of histograms are added up; until then they take memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// The time that a look at the store may take. Prometheus itself waits ten seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// The number of connections that may be open at once. Few clients read metrics, and no stranger may take the
/// descriptors that the rest of the process needs.
const OPEN: usize = 64;

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
    seriatim_security::tls::describe_metrics();
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
    ///
    /// With `tls` it speaks TLS only. If `access` asks who callers are, they need the right to [`Verb::Observe`], and
    /// show who they are by the header `authorization` or a client certificate: nothing in the URL counts.
    pub async fn serve<O>(
        self,
        listener: TcpListener,
        tls: Option<ServerTls>,
        access: Access,
        observe: impl Fn() -> O + Clone + Send + Sync + 'static,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError>
    where
        O: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let handle = self.handle.clone();
        let answer = move |Extension(peer): Extension<HttpPeer>, headers: HeaderMap| async move {
            match may_observe(&access, peer, &headers).await {
                Ok(()) => render(self.handle.clone(), observe()).await.into_response(),
                Err(refused) => refused,
            }
        };
        let router = Router::new().route("/metrics", get(answer));
        tokio::select! {
            () = serve_pages(listener, tls, router, OPEN, shutdown) => Ok(()),
            () = keep_up(&handle) => Ok(()),
        }
    }
}

/// Returns the answer for a caller that may not read metrics.
async fn may_observe(access: &Access, peer: HttpPeer, headers: &HeaderMap) -> Result<(), Response> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let shown = Credentials {
        authorization: values.next().map(|value| value.as_bytes().into()),
        certificate: peer.certificate,
    };
    let identified = match values.next() {
        None => match access.identify(&shown) {
            Identified::Now(identified) => identified,
            Identified::Later(identified) => identified.await,
        },
        // Two could belong to two callers.
        Some(_) => Err(Unauthenticated::Malformed),
    };
    let refused = |status: StatusCode, text: String| (status, text).into_response();
    match identified {
        Ok(principal) => {
            peer.standing.is_known_now();
            authorise(&principal, Verb::Observe, None).map_err(|denied| {
                meter::turned_away(TurnedAway::Denied);
                refused(StatusCode::FORBIDDEN, format!("{denied}\n"))
            })
        }
        Err(Unauthenticated::Unavailable) => {
            let text = format!("{}\n", Unauthenticated::Unavailable);
            Err(refused(StatusCode::SERVICE_UNAVAILABLE, text))
        }
        Err(reason) => {
            meter::turned_away(TurnedAway::Unauthenticated);
            let mut refused = refused(StatusCode::UNAUTHORIZED, format!("{reason}\n"));
            let bearer = axum::http::HeaderValue::from_static("Bearer");
            refused.headers_mut().insert(WWW_AUTHENTICATE, bearer);
            Err(refused)
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
