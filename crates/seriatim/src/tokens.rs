//! API tokens without a server: for the first one, when nobody can show who it is yet.

use std::sync::Arc;

use seriatim_coordinator::Coordinator;
use seriatim_core::Store;
use seriatim_security::{IssuedToken, TokenDesk};

/// Returns the API tokens of a store. Servers that run on it learn of changes a moment later.
///
/// # Panics
/// Outside a tokio runtime.
pub fn token_desk(store: &Arc<dyn Store>) -> TokenDesk {
    let own = Coordinator::builder_of_own(Arc::clone(store)).aggregate::<IssuedToken>();
    let own = own.start().expect("its domain is one of Seriatim's own");
    TokenDesk::new(Arc::new(own), Arc::clone(store) as _)
}
