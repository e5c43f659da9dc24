//! Says who may do what: principals have roles, roles have rights, and everything else is denied.
//!
//! [`Access`] finds out who a caller is, and [`authorise`] is the only place that says what it may do. This crate knows
//! no wire: doors ask it. [`tls`] has what doors and clients need to encrypt their connections.

mod verb;
mod domain_pattern;
mod rights;
mod principal;
mod policy;
mod credentials;
mod exposure;
mod hangup;
mod principal_name;
mod token;
mod tokens;
mod operations;
mod unauthenticated;
mod config;
mod jwt;
mod access;
mod following;
mod host;
mod rate;
pub mod tls;

pub use access::{Access, Identified, RestartNeeded, Seen};
pub use config::{
    Algorithm, Authentication, Config, ConfigError, ConfigFault, ConfigFaults, ConfigFile,
    JwksSource, JwtConfig, Place, ServerConfig, Wrong,
};
pub use credentials::Credentials;
pub use domain_pattern::{DomainPattern, InvalidPattern};
pub use following::Following;
pub use host::names_this_machine;
pub use jwt::JwtError;
pub use operations::{
    Asked, InvalidPlace, NewOperation, OperationDay, OperationTrail, TrailError, TrailPlace,
};
pub use policy::{Policy, PrincipalPolicy, UnknownDomains};
pub use principal::{Limits, Principal, Way};
pub use principal_name::{InvalidName, check_principal_name};
pub use rate::Rate;
pub use rights::{Denied, Rights, authorise};
pub use seriatim_core::OWN_DOMAINS;
pub use token::{InvalidToken, Token, TokenDigest};
pub use tokens::{IssuedToken, KnownToken, TokenDesk, TokenError, Tokens, Usage};
pub use unauthenticated::Unauthenticated;
pub use verb::{UnknownVerb, Verb};
