//! Checks the scheme of a server's URL.

/// Checks that the URL of a server has the scheme `http` or `https`. Does not look at what follows.
pub fn check_server_url(url: &str) -> Result<(), InvalidServerUrl> {
    match url.split_once("://") {
        Some(("http" | "https", _)) => Ok(()),
        Some(_) => Err(InvalidServerUrl::Scheme),
        None => Err(InvalidServerUrl::NoScheme),
    }
}

/// The reason why a URL cannot be used to call a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidServerUrl {
    /// The URL has an unknown scheme.
    #[error(
        "servers are reached by gRPC over http or https; give it as http://HOST:PORT or https://HOST:PORT"
    )]
    Scheme,
    /// The URL has no scheme.
    #[error("the scheme is missing; give it as http://HOST:PORT or https://HOST:PORT")]
    NoScheme,
}
