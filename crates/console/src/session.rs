//! Lets visitors show who they are: a token is posted once, and the browser keeps it in a cookie.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use seriatim_security::Credentials;

use crate::console::Shared;
use crate::door::ask;
use crate::frame::{Frame, page};

/// The path of the page where visitors show who they are.
pub(crate) const SIGN_IN: &str = "/sign-in";
const COOKIE_NAME: &str = "seriatim_console";
/// The most bytes of a token: browsers keep no cookies of more than 4 KiB.
const MOST_TOKEN: usize = 3800;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    alert: Option<String>,
}

/// What a visitor posts. `Debug` would show the token.
#[derive(Deserialize)]
pub(crate) struct SignIn {
    #[serde(default)]
    token: String,
}

/// Shows the form for a token.
pub(crate) async fn show(State(shared): State<Shared>) -> Response {
    match shared.access.asks() {
        true => form(StatusCode::OK, None),
        false => Redirect::to("/").into_response(),
    }
}

fn form(status: StatusCode, alert: Option<String>) -> Response {
    let frame = Frame::bare("Sign in");
    page(status, &SignInPage { frame, alert })
}

/// Takes a token, and has the browser keep it if somebody has it.
pub(crate) async fn sign_in(
    State(shared): State<Shared>,
    Form(SignIn { token }): Form<SignIn>,
) -> Response {
    let token = token.trim();
    if token.is_empty() {
        return form(
            StatusCode::UNPROCESSABLE_ENTITY,
            Some("Enter a token.".into()),
        );
    }
    let shown = Credentials {
        authorization: Some(bearer(token)),
        certificate: None,
    };
    if let Err(why) = ask(&shared.access, &shown).await {
        return form(StatusCode::UNAUTHORIZED, Some(why.to_string()));
    }
    match cookie(token, shared.is_secure) {
        Some(cookie) => ([(SET_COOKIE, cookie)], Redirect::to("/")).into_response(),
        None => form(
            StatusCode::UNPROCESSABLE_ENTITY,
            Some("No browser keeps a token as long as this one.".into()),
        ),
    }
}

/// Has the browser forget the token.
pub(crate) async fn sign_out() -> Response {
    let gone = format!("{COOKIE_NAME}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    ([(SET_COOKIE, gone)], Redirect::to(SIGN_IN)).into_response()
}

/// Returns what a visitor shows by its cookie.
pub(crate) fn of(headers: &HeaderMap) -> Option<Arc<[u8]>> {
    let lines = headers.get_all(COOKIE).iter();
    let mut cookies = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    cookies.find_map(|cookie| {
        let (name, token) = cookie.trim().split_once('=')?;
        (name == COOKIE_NAME && !token.is_empty()).then(|| bearer(token))
    })
}

fn bearer(token: &str) -> Arc<[u8]> {
    format!("Bearer {token}").into_bytes().into()
}

fn cookie(token: &str, is_secure: bool) -> Option<HeaderValue> {
    let fits = token.len() <= MOST_TOKEN
        && token
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'"' | b'\\'));
    let secure = if is_secure { "; Secure" } else { "" };
    let text = format!("{COOKIE_NAME}={token}; Path=/; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).ok().filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_for_this_console_alone() {
        let text = cookie("srt_abc", false).unwrap();
        assert_eq!(
            text,
            "seriatim_console=srt_abc; Path=/; HttpOnly; SameSite=Strict"
        );
        let secure = cookie("srt_abc", true).unwrap();
        assert!(secure.to_str().unwrap().ends_with("; Secure"));
        for token in ["a; Domain=x", "a\nb", &"x".repeat(MOST_TOKEN + 1)] {
            assert_eq!(cookie(token, false), None, "{token}");
        }
    }

    #[test]
    fn it_is_found_among_others() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers), None);
        let line = "a=b; seriatim_console=srt_abc; c=d";
        headers.insert(COOKIE, line.parse().unwrap());
        assert_eq!(&of(&headers).unwrap()[..], b"Bearer srt_abc");
        headers.insert(COOKIE, "seriatim_console=".parse().unwrap());
        assert_eq!(of(&headers), None);
    }
}
