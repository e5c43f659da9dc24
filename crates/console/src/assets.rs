//! Serves the style sheet, the icon and the script.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

pub(crate) const STYLE: &str = "/console.css";
pub(crate) const ICON: &str = "/console.svg";
pub(crate) const SCRIPT: &str = "/console.js";

pub(crate) async fn style() -> impl IntoResponse {
    let kind = [(CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("../static/console.css"))
}

pub(crate) async fn icon() -> impl IntoResponse {
    let kind = [(CONTENT_TYPE, "image/svg+xml")];
    (kind, include_str!("../static/console.svg"))
}

pub(crate) async fn script() -> impl IntoResponse {
    let kind = [(CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, include_str!("../static/console.js"))
}
