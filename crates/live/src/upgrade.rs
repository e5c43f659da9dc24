//! Answers the HTTP requests with which connections begin.

use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use seriatim_security::{Credentials, names_this_machine};

use crate::client;
use crate::connection;
use crate::gateway::Gateway;

/// What a client may send in one message before the line is cut without a word; the limit of a frame is told.
const WITHOUT_A_WORD: usize = 4;

pub(crate) fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/", get(upgrade))
        .merge(client::routes())
        .with_state(gateway)
}

async fn upgrade(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    peer: Option<Extension<Credentials>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    if !may_connect(&headers, &gateway) {
        let text = "pages of this origin may not connect; who runs this server can allow it by `allow_origin`\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let later = |text: &'static str| {
        (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], text).into_response()
    };
    if gateway.is_closing() {
        return later("the server ends\n");
    }
    let Some(open) = gateway.connections.open() else {
        return later("too many connections are open\n");
    };
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let shown = Credentials {
        authorization: values.next().map(|value| value.as_bytes().into()),
        certificate: peer.and_then(|Extension(peer)| peer.certificate),
    };
    if values.next().is_some() {
        let text = "send the header `authorization` once\n";
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    let most = gateway.settings.frame_bytes.saturating_mul(WITHOUT_A_WORD);
    upgrade
        .max_message_size(most)
        .max_frame_size(most)
        .on_upgrade(move |socket| connection::serve(gateway, socket, shown, open))
}

/// Browsers let every page connect to every server, and tell the server which page it is. Programs say nothing.
fn may_connect(headers: &HeaderMap, gateway: &Gateway) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    if (gateway.origins.iter()).any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some((host, (_, of_page))) = host.zip(origin.split_once("://")) else {
        return false;
    };
    of_page.eq_ignore_ascii_case(host) && (gateway.access.asks() || names_this_machine(host))
}
