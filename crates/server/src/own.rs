//! Starts Seriatim's own aggregates, beside those of the application.

use std::sync::Arc;

use seriatim_coordinator::Coordinator;
use seriatim_core::Store;
use seriatim_security::{Access, IssuedToken, OperationDay, OperationTrail, TokenDesk};

use crate::services::{Operations, Tokens};

/// What a server keeps in the log for itself. No request for the application's aggregates reaches it.
#[derive(Debug)]
pub(crate) struct Own {
    coordinator: Coordinator,
    pub(crate) desk: TokenDesk,
    pub(crate) trail: OperationTrail,
}

/// The services for administrators.
#[derive(Clone, Debug)]
pub(crate) struct Administration {
    pub(crate) tokens: Tokens,
    pub(crate) operations: Operations,
}

impl Own {
    pub(crate) fn start(store: &Arc<dyn Store>) -> Self {
        let coordinator = Coordinator::builder_of_own(Arc::clone(store))
            .aggregate::<IssuedToken>()
            .aggregate::<OperationDay>()
            .start()
            .expect("its domains are Seriatim's own, each once");
        let gateway = Arc::new(coordinator.clone());
        Self {
            coordinator,
            desk: TokenDesk::new(Arc::clone(&gateway) as _, Arc::clone(store) as _),
            trail: OperationTrail::new(gateway, Arc::clone(store) as _),
        }
    }

    pub(crate) fn administration(&self, access: &Access) -> Administration {
        Administration {
            tokens: Tokens::new(self.desk.clone(), access.clone()),
            operations: Operations::new(self.trail.clone()),
        }
    }

    pub(crate) async fn shutdown(&self) {
        self.coordinator.shutdown().await;
    }
}
