//! Keeps other sites out: they must neither read the console nor post its forms.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use seriatim_security::names_this_machine;

const FETCH_SITE: &str = "sec-fetch-site";

/// Returns whether a form was posted by a page of this console. Browsers say which page it was, by the origin or by its
/// relation to this one; a post that says neither does not come from a browser's page.
pub(crate) fn posts_from_here(headers: &HeaderMap) -> bool {
    let site = headers.get(FETCH_SITE).map(|site| site == "same-origin");
    let origin = headers.get(ORIGIN).map(|origin| {
        let origin = origin.to_str().ok().and_then(|text| text.split_once("://"));
        let of_page = origin.map(|(_, host)| host);
        of_page
            .zip(host(headers))
            .is_some_and(|(page, host)| page.eq_ignore_ascii_case(host))
    });
    match (site, origin) {
        (None, None) => false,
        (site, origin) => site.unwrap_or(true) && origin.unwrap_or(true),
    }
}

/// Returns whether the console is reached by an address or as `localhost`: see [`names_this_machine`].
pub(crate) fn is_reached_as_this_machine(headers: &HeaderMap) -> bool {
    host(headers).is_some_and(names_this_machine)
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST).and_then(|host| host.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter();
        lines
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_pages_of_this_console_post() {
        let here = ("host", "console:81");
        for lines in [
            vec![here, ("origin", "https://console:81")],
            vec![here, ("sec-fetch-site", "same-origin")],
            vec![
                here,
                ("origin", "http://CONSOLE:81"),
                ("sec-fetch-site", "same-origin"),
            ],
        ] {
            assert!(posts_from_here(&headers(&lines)), "{lines:?}");
        }
        for lines in [
            vec![here],
            vec![here, ("origin", "null")],
            vec![here, ("origin", "https://evil.example")],
            vec![here, ("origin", "https://console:82")],
            vec![here, ("sec-fetch-site", "same-site")],
            vec![here, ("sec-fetch-site", "none")],
            vec![
                here,
                ("origin", "http://console:81"),
                ("sec-fetch-site", "cross-site"),
            ],
            vec![("origin", "http://console:81")],
        ] {
            assert!(!posts_from_here(&headers(&lines)), "{lines:?}");
        }
    }
}
