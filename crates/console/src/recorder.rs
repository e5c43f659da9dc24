//! Records what operators do here, as the other doors of the application do.

use std::fmt::Display;
use std::sync::Arc;

use seriatim_coordinator::Coordinator;
use seriatim_core::Store;
use seriatim_security::{Access, NewOperation, OperationDay, OperationTrail};

use crate::refusal::Refusal;
use crate::visitor::Visitor;

/// The record of what operators do. It records nothing if nobody is asked who they are. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Recorder(Option<OperationTrail>);

impl Recorder {
    pub(crate) fn new(store: &Arc<dyn Store>, access: &Access) -> Self {
        Self(access.asks().then(|| {
            let own = Coordinator::builder_of_own(Arc::clone(store))
                .aggregate::<OperationDay>()
                .start()
                .expect("its domain is Seriatim's own, once");
            OperationTrail::new(Arc::new(own), Arc::clone(store) as _)
        }))
    }

    /// Returns what was recorded; `None` if nothing is.
    pub(crate) fn trail(&self) -> Option<&OperationTrail> {
        self.0.as_ref()
    }

    /// Records an operation, does it, and records if it failed. It is not done if it cannot be recorded. Once begun, it
    /// is finished also if the browser goes away.
    pub(crate) async fn run<T, E>(
        &self,
        by: &Visitor,
        what: &'static str,
        target: impl Display,
        reason: Option<&str>,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, Refusal>
    where
        T: Send + 'static,
        E: Display + Into<Refusal> + Send + 'static,
    {
        let trail = self.0.clone();
        let operation = NewOperation {
            actor: by.name(),
            what,
            target: target.to_string(),
            reason: reason.map(str::to_owned),
        };
        let done = tokio::spawn(async move {
            let Some(trail) = trail else {
                return work.await.map_err(Into::into);
            };
            let asked = trail.asked(operation).await?;
            let done = work.await;
            if let Err(error) = &done {
                let failed = trail.failed(asked, error.to_string()).await;
                if let Err(error) = failed {
                    let error = error.to_string();
                    tracing::warn!(error, "it is not recorded that an operation has failed");
                }
            }
            done.map_err(Into::into)
        });
        match done.await {
            Ok(done) => done,
            Err(error) => Err(Refusal::Broken(error.to_string())),
        }
    }
}
