//! Starts Seriatim's own aggregates, beside those of the application.

use std::sync::Arc;

use seriatim_coordinator::Coordinator;
use seriatim_core::{Desk, Store};
use seriatim_jobs::{BulkJob, JobDesk};
use seriatim_runtime::Feed;
use seriatim_security::{Access, IssuedToken, OperationDay, OperationTrail, TokenDesk};

use crate::services::{Jobs, Operations, Tokens};
use crate::token_follower::TokenFollower;

/// Keeps the tokens that `access` knows as they are in the store, for a process that asks its callers and serves no gRPC.
/// A [`Server`](crate::Server) does this by itself. It never ends.
pub async fn follow_tokens(store: Arc<dyn Store>, feed: Feed, access: Access) {
    let own = Own::start(&store);
    own.tokens(&feed, &access).await.run().await;
}

/// What a server keeps in the log for itself. No request for the application's aggregates reaches it.
#[derive(Debug)]
pub(crate) struct Own {
    coordinator: Coordinator,
    pub(crate) desk: TokenDesk,
    pub(crate) trail: OperationTrail,
}

/// The services of what is kept there.
#[derive(Clone, Debug)]
pub(crate) struct OwnServices {
    pub(crate) jobs: Jobs,
    pub(crate) tokens: Tokens,
    pub(crate) operations: Operations,
}

impl Own {
    pub(crate) fn start(store: &Arc<dyn Store>) -> Self {
        let coordinator = Coordinator::builder_of_own(Arc::clone(store))
            .aggregate::<IssuedToken>()
            .aggregate::<OperationDay>()
            .aggregate::<BulkJob>()
            .start()
            .expect("its domains are Seriatim's own, each once");
        let gateway = Arc::new(coordinator.clone());
        Self {
            coordinator,
            desk: TokenDesk::new(Arc::clone(&gateway) as _, Arc::clone(store) as _),
            trail: OperationTrail::new(gateway, Arc::clone(store) as _),
        }
    }

    /// Makes the services. The letters are those of the application's coordinator, and others.
    pub(crate) fn services(
        &self,
        access: &Access,
        application: &Coordinator,
        letters: Desk,
    ) -> OwnServices {
        let store = Arc::clone(self.coordinator.store());
        let gateway = Arc::new(self.coordinator.clone());
        OwnServices {
            jobs: Jobs::new(JobDesk::new(gateway, store, letters), application.clone()),
            tokens: Tokens::new(self.desk.clone(), access.clone()),
            operations: Operations::new(self.trail.clone()),
        }
    }

    /// Reads the tokens of the store. Tries again until the store answers.
    pub(crate) async fn tokens(&self, feed: &Feed, access: &Access) -> TokenFollower {
        TokenFollower::begin(self.desk.clone(), feed.clone(), access.tokens().clone()).await
    }

    pub(crate) async fn shutdown(&self) {
        self.coordinator.shutdown().await;
    }
}
