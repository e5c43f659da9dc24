//! Keeps the certificates of a door new.

use std::convert::Infallible;

use seriatim_security::tls::ServerTls;

/// Takes certificates into use when their files change. Never ends.
pub(crate) async fn watch(tls: Option<ServerTls>) -> Infallible {
    match tls {
        Some(tls) => tls.watch().await,
        None => std::future::pending().await,
    }
}
