//! The page and what it needs to know.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use chat::{direct_root, inbox_root};
use serde::{Deserialize, Serialize};
use seriatim::Live;

use super::welcome::{ANN, BOB};

/// The files of the page: the name, the text, and its type.
macro_rules! files {
    ($($name:literal: $kind:expr),+ $(,)?) => {
        /// The files of the page.
        const FILES: &[(&str, &str, &str)] =
            &[$((concat!("/", $name), include_str!(concat!("../../page/", $name)), $kind)),+];
    };
}

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";
const SCRIPT: &str = "text/javascript; charset=utf-8";

files! {
    "index.html": HTML,
    "actions.js": SCRIPT,
    "agreement.js": SCRIPT,
    "chaos-bar.js": SCRIPT,
    "chaos.js": SCRIPT,
    "conversation.js": SCRIPT,
    "dom.js": SCRIPT,
    "editing.js": SCRIPT,
    "head.js": SCRIPT,
    "icon.svg": PICTURE,
    "ids.js": SCRIPT,
    "inbox.js": SCRIPT,
    "main.js": SCRIPT,
    "marks.js": SCRIPT,
    "message-item.js": SCRIPT,
    "message-list.js": SCRIPT,
    "outbox.js": SCRIPT,
    "pane.js": SCRIPT,
    "room.js": SCRIPT,
    "sign-in.js": SCRIPT,
    "style.css": STYLE,
    "transcript.js": SCRIPT,
}

/// Where this gateway is among all of them.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    addresses: Vec<SocketAddr>,
    at: usize,
    has_tls: bool,
    /// True if users are asked who they are.
    asks: bool,
}

impl Place {
    pub(crate) fn new(addresses: &[SocketAddr], at: usize, has_tls: bool, asks: bool) -> Self {
        Self {
            addresses: addresses.to_vec(),
            at,
            has_tls,
            asks,
        }
    }

    /// Returns the origins of the page at all gateways.
    pub(crate) fn origins(&self) -> Vec<String> {
        let scheme = if self.has_tls { "https" } else { "http" };
        let of = |address: &SocketAddr| {
            let here = (address.ip().is_loopback())
                .then(|| format!("{scheme}://localhost:{}", address.port()));
            [Some(format!("{scheme}://{address}")), here]
        };
        self.addresses.iter().flat_map(of).flatten().collect()
    }

    /// Returns the addresses of the WebSockets, beginning with one gateway. The page may know this gateway, `host`, by
    /// another name than the address.
    fn sockets(&self, first: usize, host: &str) -> Vec<String> {
        let scheme = if self.has_tls { "wss" } else { "ws" };
        let gateways = self.addresses.len();
        let in_turn = (0..gateways).map(|further| (first + further) % gateways);
        in_turn
            .map(|at| match at == self.at {
                true => format!("{scheme}://{host}/live"),
                false => format!("{scheme}://{}/live", self.addresses[at]),
            })
            .collect()
    }

    /// Returns what the page may load: only what is its own, and the other gateways.
    fn policy(&self) -> String {
        let origins = self.origins();
        let sockets = (origins.iter()).map(|origin| origin.replacen("http", "ws", 1));
        let others: Vec<String> = origins.iter().cloned().chain(sockets).collect();
        format!(
            "default-src 'self'; connect-src 'self' {}; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
            others.join(" ")
        )
    }
}

/// Returns the page, with the gateway under `/live`.
pub(crate) fn router(place: Place, live: &Live) -> Router {
    let policy = place.policy();
    let mut router = Router::new()
        .route("/", get(|| async { Page(FILES[0]) }))
        .route("/config.json", get(config));
    for file in FILES {
        router = router.route(file.0, get(move || async move { Page(*file) }));
    }
    if !place.asks {
        router = router.route("/chaos/kill", post(kill));
    }
    router
        .with_state(Arc::new(place))
        .nest("/live", live.router())
        .layer(middleware::map_response(move |response: Response| {
            let headers = [
                (CONTENT_SECURITY_POLICY, policy.clone()),
                (X_CONTENT_TYPE_OPTIONS, "nosniff".into()),
                (REFERRER_POLICY, "no-referrer".into()),
            ];
            async move { (headers, response) }
        }))
}

/// A file of the page.
struct Page((&'static str, &'static str, &'static str));

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let (_, text, kind) = self.0;
        let headers: [(HeaderName, &str); 2] = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")];
        (headers, text).into_response()
    }
}

/// Whom the page is for: one user, with whom the conversation is. Without one it is for Ann and Bob.
#[derive(Deserialize)]
struct For {
    user: Option<String>,
    with: Option<String>,
}

#[derive(Serialize)]
struct PageConfig {
    panes: Vec<Pane>,
    /// The conversation to begin with.
    stream: String,
    marks: String,
    /// True if users show who they are by a token.
    asks: bool,
    /// True if the page may kill the server.
    may_kill: bool,
}

#[derive(Serialize)]
struct Pane {
    user: String,
    /// With whom the conversation is begun if there is none.
    other: String,
    /// The WebSockets, to be tried in turn.
    urls: Vec<String>,
    inbox: String,
}

async fn config(
    State(place): State<Arc<Place>>,
    Query(page): Query<For>,
    headers: HeaderMap,
) -> Json<PageConfig> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.map_or_else(|| place.addresses[place.at].to_string(), str::to_owned);
    let other = if page.user.as_deref() == Some(ANN) {
        BOB
    } else {
        ANN
    };
    let (user, other, is_alone) = match page.user {
        Some(user) => (user, page.with.unwrap_or_else(|| other.into()), true),
        None => (ANN.to_owned(), BOB.to_owned(), false),
    };
    let next = (place.at + 1) % place.addresses.len();
    let pane = |user: &str, other: &str, first: usize| Pane {
        user: user.to_owned(),
        other: other.to_owned(),
        urls: place.sockets(first, &host),
        inbox: format!("inbox/{}", inbox_root(user)),
    };
    let mut panes = vec![pane(&user, &other, place.at)];
    if !is_alone {
        panes.push(pane(&other, &user, next));
    }
    let root = direct_root(&user, &other);
    Json(PageConfig {
        panes,
        stream: format!("conversation/{root}"),
        marks: format!("read-marks/{root}"),
        asks: place.asks,
        may_kill: !place.asks,
    })
}

/// Kills this gateway, as a crash would: nothing is finished and nobody is told.
async fn kill(State(place): State<Arc<Place>>, headers: HeaderMap) -> Response {
    // Pages of others can send this too; browsers say whose page it is.
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    if !origin.is_some_and(|origin| place.origins().iter().any(|ours| ours == origin)) {
        return (
            StatusCode::FORBIDDEN,
            "only the page of this chat may do that\n",
        )
            .into_response();
    }
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::FILES;

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/page");
        let files = fs::read_dir(folder).unwrap();
        let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let files: BTreeSet<String> = files.map(|name| format!("/{name}")).collect();
        let served = FILES.iter().map(|(name, _, _)| (*name).to_owned());
        assert_eq!(files, served.collect());
    }
}
