//! Checks the scheme of a server's URL.

/// Checks that the URL of a server has the scheme `http`. Does not look at what follows.
pub fn check_server_url(url: &str) -> Result<(), InvalidServerUrl> {
    match url.split_once("://") {
        Some(("http", _)) => Ok(()),
        Some(("https", _)) => Err(InvalidServerUrl::Tls),
        Some(_) => Err(InvalidServerUrl::Scheme),
        None => Err(InvalidServerUrl::NoScheme),
    }
}

/// The reason why a URL cannot be used to call a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidServerUrl {
    /// The URL asks for TLS.
    Tls,
    /// The URL has an unknown scheme.
    Scheme,
    /// The URL has no scheme.
    NoScheme,
}

impl std::fmt::Display for InvalidServerUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tls => "there is no TLS on the door of a server yet; reach it through a proxy or a tunnel on this machine, and give it as http://HOST:PORT",
            Self::Scheme => "servers are reached by gRPC over http; give it as http://HOST:PORT",
            Self::NoScheme => "the scheme is missing; give it as http://HOST:PORT",
        })
    }
}

impl std::error::Error for InvalidServerUrl {}
