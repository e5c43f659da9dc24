//! The API tokens: as they are kept in the log, as an administrator makes, lists and revokes them, and as a server
//! knows them.

mod desk;
mod issued;
mod known;

pub use desk::{TokenDesk, TokenError};
pub use issued::IssuedToken;
pub use known::{KnownToken, Tokens, Usage};
