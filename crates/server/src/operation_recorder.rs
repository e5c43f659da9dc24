//! Records what operators do here, and who is turned away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use seriatim_security::{Access, Asked, NewOperation, OperationTrail, TrailError};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tonic::Status;

use crate::services::refused_trail;

/// The time for which callers that are turned away are counted together.
const TOGETHER: Duration = Duration::from_secs(10);
/// The most kinds of them that are told apart in that time; more are counted as others.
const MOST_KINDS: usize = 256;
/// What is recorded of an operation whose call ended before it was begun, or before it was known how it ended.
const NOT_BEGUN: &str = "its call ended before it was begun";
const BROKEN_OFF: &str = "its call ended before it did; it may have been done";

/// The record of one server. It records nothing if the server asks nobody who they are. Cheap to clone; clones are one.
#[derive(Clone, Debug)]
pub(crate) struct OperationRecorder(Option<Arc<Data>>);

#[derive(Debug)]
struct Data {
    trail: OperationTrail,
    turned_away: Mutex<HashMap<(Option<String>, &'static str), u64>>,
}

impl OperationRecorder {
    pub(crate) fn new(trail: &OperationTrail, access: &Access) -> Self {
        Self(access.asks().then(|| {
            Arc::new(Data {
                trail: trail.clone(),
                turned_away: Mutex::default(),
            })
        }))
    }

    /// Records nothing.
    pub(crate) fn closed() -> Self {
        Self(None)
    }

    /// Records an operation, does it, and records if it failed. It is not done if it cannot be recorded.
    pub(crate) async fn run<T>(
        &self,
        operation: NewOperation,
        work: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, Status> {
        let Some(data) = &self.0 else {
            return work.await;
        };
        let asked = data.asked(operation).await.map_err(refused_trail)?;
        let unfinished = Unfinished {
            trail: &data.trail,
            asked: Some(asked),
        };
        let done = work.await;
        if let Some(asked) = unfinished.finished()
            && let Err(status) = &done
        {
            let failed = data.trail.failed(asked, status.message().to_owned());
            if let Err(error) = failed.await {
                let error = error.to_string();
                tracing::warn!(error, "it is not recorded that an operation has failed");
            }
        }
        done
    }

    /// Counts a caller that was turned away: for want of a right, or because it is not known.
    pub(crate) fn turned_away(&self, principal: Option<&str>, why: &'static str) {
        let Some(data) = &self.0 else { return };
        let mut counts = data
            .turned_away
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let kind = (principal.map(str::to_owned), why);
        let kind = match counts.len() < MOST_KINDS || counts.contains_key(&kind) {
            true => kind,
            false => (None, "others"),
        };
        *counts.entry(kind).or_default() += 1;
    }

    /// Writes now and then who was turned away, and that another policy is in force. It never ends.
    pub(crate) async fn keep(&self, access: &Access) {
        let mut policies = access.policies();
        loop {
            tokio::select! {
                () = sleep(TOGETHER) => self.write().await,
                changed = policies.changed() => match changed {
                    Ok(()) => self.reloaded().await,
                    Err(_) => std::future::pending().await,
                },
            }
        }
    }

    /// Writes who was turned away since it was last written.
    pub(crate) async fn write(&self) {
        let Some(data) = &self.0 else { return };
        let counts = std::mem::take(
            &mut *data
                .turned_away
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for ((principal, why), times) in counts {
            let written = data.trail.turned_away(principal, why.into(), times).await;
            if let Err(error) = written {
                let error = error.to_string();
                tracing::warn!(
                    error,
                    times,
                    why,
                    "it is not recorded that callers were turned away"
                );
            }
        }
    }

    async fn reloaded(&self) {
        let reload = NewOperation {
            actor: None,
            what: "reload",
            target: "configuration".into(),
            reason: None,
        };
        if let Err(error) = self.run(reload, async { Ok(()) }).await {
            let error = error.message();
            tracing::warn!(error, "it is not recorded that another policy is in force");
        }
    }
}

impl Data {
    /// Records what somebody asks for. If the call ends meanwhile, that it was not done is recorded too.
    async fn asked(&self, operation: NewOperation) -> Result<Asked, TrailError> {
        let (told, asked) = oneshot::channel();
        let trail = self.trail.clone();
        tokio::spawn(async move {
            if let Err(Ok(asked)) = told.send(trail.asked(operation).await) {
                gone(trail, asked, NOT_BEGUN).await;
            }
        });
        asked.await.expect("it is told what became of it")
    }
}

/// An operation that is being done. If its call ends before it does, that is recorded.
struct Unfinished<'t> {
    trail: &'t OperationTrail,
    asked: Option<Asked>,
}

impl Unfinished<'_> {
    fn finished(mut self) -> Option<Asked> {
        self.asked.take()
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(asked) = self.asked.take() {
            tokio::spawn(gone(self.trail.clone(), asked, BROKEN_OFF));
        }
    }
}

async fn gone(trail: OperationTrail, asked: Asked, why: &str) {
    if let Err(error) = trail.failed(asked, why.into()).await {
        let error = error.to_string();
        tracing::warn!(error, "it is not recorded that an operation was broken off");
    }
}

#[cfg(test)]
mod tests {
    use seriatim_coordinator::Coordinator;
    use seriatim_core::StoreErrorKind;
    use seriatim_security::{OperationDay, Policy};
    use seriatim_store_memory::MemoryStore;
    use seriatim_testkit::faults::FaultyStore;

    use super::*;

    fn operation() -> NewOperation {
        NewOperation {
            actor: Some("ann".into()),
            what: "pause",
            target: "x".repeat(2 * OperationTrail::MOST_TEXT),
            reason: None,
        }
    }

    #[tokio::test]
    async fn what_cannot_be_recorded_is_not_done() {
        let store = FaultyStore::new(Arc::new(MemoryStore::new()));
        let own = Coordinator::builder_of_own(Arc::new(store.clone()))
            .aggregate::<OperationDay>()
            .start()
            .unwrap();
        let trail = OperationTrail::new(Arc::new(own), Arc::new(store.clone()));
        let access = Access::new(Policy::default(), Default::default());
        let recorder = OperationRecorder::new(&trail, &access);
        let mut done = 0;
        store.go_down(StoreErrorKind::Denied);
        let refused = recorder.run(operation(), async {
            done += 1;
            Ok(())
        });
        assert!(refused.await.is_err());
        store.come_back();
        let allowed = recorder.run(operation(), async {
            done += 1;
            Ok(())
        });
        allowed.await.unwrap();
        assert_eq!(done, 1);
        let found = trail.list(None, 10).await.unwrap().0;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].target.len(), OperationTrail::MOST_TEXT);
    }

    #[tokio::test]
    async fn many_kinds_of_callers_take_little_memory() {
        let store: Arc<MemoryStore> = Arc::new(MemoryStore::new());
        let own = Coordinator::builder_of_own(Arc::clone(&store) as _);
        let own = own.aggregate::<OperationDay>().start().unwrap();
        let trail = OperationTrail::new(Arc::new(own), store);
        let access = Access::new(Policy::default(), Default::default());
        let recorder = OperationRecorder::new(&trail, &access);
        for number in 0..2 * MOST_KINDS {
            recorder.turned_away(Some(&format!("p{number}")), "read");
        }
        recorder.write().await;
        let found = trail.list(None, 1000).await.unwrap().0;
        assert_eq!(found.len(), MOST_KINDS + 1);
        let times: u64 = found.iter().map(|operation| operation.times).sum();
        assert_eq!(times, 2 * MOST_KINDS as u64);
        recorder.write().await;
        assert_eq!(trail.list(None, 1000).await.unwrap().0.len(), found.len());
    }
}
