//! What the domains of a coordinator share.

use std::sync::Arc;

use seriatim_core::{Log, Store};
use seriatim_schema::Descriptors;
use tokio::sync::Semaphore;

use crate::Settings;
use crate::lookups::Lookups;
use crate::meter::CommitMeter;
use crate::states::States;

/// The parts that all domains of a coordinator share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    /// The content of the store, as all readers see it.
    pub(crate) log: Log,
    pub(crate) commits: CommitMeter,
    pub(crate) lookups: Lookups,
    pub(crate) states: Arc<States>,
    pub(crate) settings: Settings,
    pub(crate) descriptors: Descriptors,
    /// Permits for work that nobody waits for.
    pub(crate) background: Arc<Semaphore>,
}
