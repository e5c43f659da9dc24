//! Says how to connect to a server.

use std::time::Duration;

use http::{HeaderValue, Uri};
use seriatim_security::tls::{Identity, Pem};

/// How to connect to a server: the time that calls may take, and for servers that ask, what is shown of the client.
///
/// A [`Duration`] alone is enough for a server that asks for nothing. `Debug` shows no secret.
///
/// ```
/// use std::time::Duration;
/// use seriatim_proto::{ConnectOptions, security::tls::Pem};
///
/// # fn main() -> Result<(), seriatim_proto::InvalidToken> {
/// let options = ConnectOptions::new(Duration::from_secs(30))
///     .ca(Pem::File("certs/ca.pem".into()))
///     .token("srt_...")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    pub(crate) timeout: Duration,
    pub(crate) ca: Option<Pem>,
    pub(crate) identity: Option<Identity>,
    /// The value of the header, marked as sensitive, so that `Debug` does not show it.
    authorization: Option<HeaderValue>,
    may_send_token_in_clear: bool,
}

impl ConnectOptions {
    /// Each call may take `timeout` until its answer begins. A connection that does not answer for this long during a
    /// call is given up.
    pub fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            ca: None,
            identity: None,
            authorization: None,
            may_send_token_in_clear: false,
        }
    }

    /// Trusts a server over `https` whose certificate was signed by one of these authorities, and no other. Without it,
    /// the authorities are those that the machine trusts.
    #[must_use]
    pub fn ca(mut self, ca: Pem) -> Self {
        self.ca = Some(ca);
        self
    }

    /// Shows a client certificate to a server over `https` that asks for one.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Shows a token with each call. Connecting fails with [`TokenInClear`] if others could read it on its way.
    pub fn token(mut self, token: &str) -> Result<Self, InvalidToken> {
        let token = token.trim();
        if token.is_empty() || token.contains(char::is_whitespace) {
            return Err(InvalidToken);
        }
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let mut value = value.map_err(|_| InvalidToken)?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(self)
    }

    /// Allows to send the token without TLS to other machines. Everybody who can read the network between them can then
    /// use it.
    #[must_use]
    pub fn token_in_clear(mut self) -> Self {
        self.may_send_token_in_clear = true;
        self
    }

    /// Returns the header with the token, if it may be sent to this server.
    pub(crate) fn authorization(&self, server: &Uri) -> Result<Option<HeaderValue>, TokenInClear> {
        let is_safe = server.scheme_str() == Some("https") || is_here(server);
        match &self.authorization {
            Some(_) if !is_safe && !self.may_send_token_in_clear => Err(TokenInClear),
            value => Ok(value.clone()),
        }
    }
}

impl From<Duration> for ConnectOptions {
    fn from(timeout: Duration) -> Self {
        Self::new(timeout)
    }
}

/// Returns whether a URL is of this machine, so that nobody else sees what is sent.
fn is_here(server: &Uri) -> bool {
    let host = server.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<std::net::IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost",
    }
}

/// The error for a token that would be sent without TLS to another machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the token would be sent to another machine without TLS, where others can read it; give the URL as https://HOST:PORT, or allow it with `--token-in-clear`"
)]
pub struct TokenInClear;

/// The error for a token that cannot be sent. It does not show the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is empty, or has characters that no token has; check where it comes from")]
pub struct InvalidToken;

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "srt_planted";

    #[test]
    fn a_token_goes_over_tls_or_stays_on_this_machine() {
        let options = ConnectOptions::new(Duration::ZERO).token(TOKEN).unwrap();
        for (server, is_sent) in [
            ("https://example.com", true),
            ("http://127.0.0.1:50051", true),
            ("http://127.9.9.9:50051", true),
            ("http://localhost:50051", true),
            ("http://[::1]:50051", true),
            ("http://[::ffff:127.0.0.1]:50051", true),
            ("http://192.0.2.1:50051", false),
            ("http://localhost.example.com:50051", false),
            ("http://127.0.0.1.example.com:50051", false),
        ] {
            let server: Uri = server.parse().unwrap();
            assert_eq!(options.authorization(&server).is_ok(), is_sent, "{server}");
            let options = options.clone().token_in_clear();
            assert!(options.authorization(&server).unwrap().is_some());
            let without = ConnectOptions::new(Duration::ZERO);
            assert_eq!(without.authorization(&server), Ok(None));
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let options = ConnectOptions::new(Duration::ZERO).token(TOKEN).unwrap();
        assert!(!format!("{options:?}").contains(TOKEN));
    }

    #[test]
    fn what_cannot_be_a_token_is_refused() {
        for token in ["", " \n", "two words", "line\nline", "\u{1b}[1m"] {
            let options = ConnectOptions::new(Duration::ZERO).token(token);
            assert_eq!(options.unwrap_err(), InvalidToken, "{token:?}");
        }
        // A file ends with a line feed.
        ConnectOptions::new(Duration::ZERO)
            .token("srt_1\n")
            .unwrap();
    }
}
