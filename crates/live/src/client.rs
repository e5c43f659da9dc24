//! Serves the modules of the client for browsers.

use axum::Router;
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;

macro_rules! modules {
    ($($name:literal),+ $(,)?) => {
        /// The paths and texts of the modules.
        const MODULES: &[(&str, &str)] =
            &[$((concat!("/", $name), include_str!(concat!("../client/", $name)))),+];
    };
}

modules! {
    "asks.js",
    "backoff.js",
    "clock.js",
    "connection.js",
    "errors.js",
    "gaps.js",
    "history.js",
    "live.js",
    "resequencer.js",
    "sender.js",
    "stream.js",
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    const HEADERS: [(HeaderName, &str); 2] = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
    ];
    MODULES.iter().fold(Router::new(), |router, (path, text)| {
        router.route(path, get(move || async move { (HEADERS, *text) }))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::MODULES;

    #[test]
    fn every_module_of_the_client_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/client");
        let files = fs::read_dir(folder).unwrap();
        let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let files = files.filter(|name| name.ends_with(".js"));
        let files: BTreeSet<String> = files.map(|name| format!("/{name}")).collect();
        let served = MODULES.iter().map(|(path, _)| (*path).to_owned());
        assert_eq!(files, served.collect());
    }
}
