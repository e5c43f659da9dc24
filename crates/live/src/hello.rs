//! Finds out who has connected.

use std::sync::Arc;

use seriatim_security::{
    Credentials, Identified, Principal, Verb, authorise, check_principal_name,
};

use crate::ended::Ended;
use crate::frames::{Hello, PROTOCOL};
use crate::gateway::Gateway;

/// Who has connected.
#[derive(Debug)]
pub(crate) struct Known {
    /// The name under which it acts. It stays the same.
    pub(crate) user: Arc<str>,
    pub(crate) principal: Principal,
    /// What it has shown, to be looked at again.
    pub(crate) shown: Credentials,
}

/// Finds out who says hello. `shown` is what the request for the connection has shown already.
pub(crate) async fn identify(
    gateway: &Gateway,
    hello: Hello,
    mut shown: Credentials,
) -> Result<Known, Ended> {
    if hello.protocol != PROTOCOL {
        return Err(Ended::protocol(format!(
            "this server speaks version {PROTOCOL} of the protocol"
        )));
    }
    if let Some(token) = hello.token {
        if shown.authorization.is_some() {
            return Err(Ended::protocol(
                "show one token: in `hello` or in the header `authorization`",
            ));
        }
        shown.authorization = Some(format!("Bearer {}", token.0).into_bytes().into());
    }
    let identified = match gateway.access.identify(&shown) {
        Identified::Now(identified) => identified,
        Identified::Later(identified) => identified.await,
    };
    let principal = identified?;
    may_connect(&principal)?;
    let user = match (hello.user, gateway.access.asks()) {
        (Some(user), false) => user,
        (None, false) => return Err(Ended::protocol("say `user`: this server asks nobody")),
        (Some(user), true) if user != principal.name() => {
            return Err(Ended::protocol(
                "leave out `user`: it is not the name that this server knows you by",
            ));
        }
        (Some(_) | None, true) => principal.name().to_owned(),
    };
    check_principal_name(&user).map_err(|error| Ended::protocol(error.to_string()))?;
    Ok(Known {
        user: user.into(),
        principal,
        shown,
    })
}

/// Fails if a principal may follow nothing.
pub(crate) fn may_connect(principal: &Principal) -> Result<(), Ended> {
    let may = authorise(principal, Verb::Subscribe, None);
    may.map_err(|denied| Ended::with(Ended::DENIED, denied.to_string()))
}
