//! Works for bulk jobs in this process.

use std::sync::Arc;

use seriatim_coordinator::Coordinator;
use seriatim_core::Desk;
use seriatim_jobs::{BulkJob, JobDesk, JobRunner, Reach};
use seriatim_runtime::{ReactionSettings, Reactions};

/// Returns the bulk jobs of a store.
///
/// # Panics
/// Outside a tokio runtime.
pub(crate) fn job_desk(coordinator: &Coordinator, letters: Desk) -> JobDesk {
    let store = coordinator.store();
    let own = Coordinator::builder_of_own(Arc::clone(store)).aggregate::<BulkJob>();
    let own = own.start().expect("its domain is one of Seriatim's own");
    JobDesk::new(Arc::new(own), Arc::clone(store) as _, letters)
}

/// Begins to work for jobs about letters of this application's aggregates and components.
pub(crate) fn run(
    jobs: JobDesk,
    coordinator: &Coordinator,
    reactions: &Reactions,
    settings: &ReactionSettings,
) -> JobRunner {
    let domains = coordinator.domains().into_iter().map(|info| info.domain);
    let reach = Reach {
        domains: domains.collect(),
        components: reactions.components().cloned().collect(),
    };
    let store = Arc::clone(coordinator.store());
    JobRunner::start(
        jobs,
        store,
        reach,
        &settings.owner,
        settings.bounded_lease(),
    )
}
