//! Lets visitors in: finds out who they are, and keeps other sites out.

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use seriatim_security::{Access, Credentials, Identified, Principal, Unauthenticated};

use crate::assets;
use crate::console::Shared;
use crate::origin;
use crate::refusal::Refusal;
use crate::session;
use crate::visitor::Visitor;

/// What the browser may do with a page. The origin of a post is only told to a page that has a referrer.
const RULES: [(HeaderName, &str); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (CACHE_CONTROL, "no-store"),
];

/// Answers a request if it may come in. Every answer tells the browser the rules.
pub(crate) async fn enter(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut answer = match admit(&shared, &mut request).await {
        Ok(()) if is_read(request.method()) => next.run(request).await,
        Ok(()) => {
            let answer = next.run(request).await;
            shared.pulse.posted();
            answer
        }
        Err(refused) => refused,
    };
    for (name, value) in RULES {
        let headers = answer.headers_mut();
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    answer
}

/// Answers for a page that does not exist.
pub(crate) async fn no_page() -> Refusal {
    Refusal::NotFound("There is no such page.".into())
}

async fn admit(shared: &Shared, request: &mut Request) -> Result<(), Response> {
    let headers = request.headers();
    if !shared.access.asks() && !origin::is_reached_as_this_machine(headers) {
        let why = "Nobody is asked who they are here, so the console is only reached by an address or as localhost.";
        return Err(Refusal::Elsewhere(why).into_response());
    }
    let is_read = is_read(request.method());
    if !is_read && !origin::posts_from_here(headers) {
        let why = "This was not posted by a page of the console, so nothing was done.";
        return Err(Refusal::Elsewhere(why).into_response());
    }
    let path = request.uri().path();
    if [
        session::SIGN_IN,
        assets::STYLE,
        assets::ICON,
        assets::SCRIPT,
    ]
    .contains(&path)
    {
        return Ok(());
    }
    match identify(&shared.access, headers, request.extensions().get()).await {
        Ok(principal) => {
            request.extensions_mut().insert(Visitor(principal));
            Ok(())
        }
        Err(Unauthenticated::Unavailable) => {
            let why = Unauthenticated::Unavailable.to_string();
            Err(Refusal::Unavailable(why).into_response())
        }
        Err(_) if is_read => Err(Redirect::to(session::SIGN_IN).into_response()),
        Err(_) => Err(Refusal::Unknown.into_response()),
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Finds out who somebody is, by a header, by the cookie, or by the certificate of the connection.
pub(crate) async fn identify(
    access: &Access,
    headers: &HeaderMap,
    connection: Option<&Credentials>,
) -> Result<Principal, Unauthenticated> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let header = values.next().map(|value| value.as_bytes().into());
    if values.next().is_some() {
        // Two could belong to two callers.
        return Err(Unauthenticated::Malformed);
    }
    let shown = Credentials {
        authorization: header.or_else(|| session::of(headers)),
        certificate: connection.and_then(|shown| shown.certificate.clone()),
    };
    ask(access, &shown).await
}

/// Finds out who shows this.
pub(crate) async fn ask(
    access: &Access,
    shown: &Credentials,
) -> Result<Principal, Unauthenticated> {
    match access.identify(shown) {
        Identified::Now(identified) => identified,
        Identified::Later(identified) => identified.await,
    }
}
