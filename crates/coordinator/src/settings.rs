//! How much a coordinator takes on.

use std::time::Duration;

use seriatim_core::Limits;

/// How much a coordinator takes on. Made once, at start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What one request may carry.
    pub limits: Limits,
    /// Places for what is admitted and not yet answered. A command or fact takes one, and one more for each 4 KiB
    /// of its payloads; when none is left, senders are told to come again. Default 16,384 (64 MiB at most).
    pub queue_places: u32,
    /// Aggregates of each domain whose state is kept in memory. Default 100,000.
    pub cached_aggregates: u64,
    /// How often a command is decided anew after other writers were faster. Default 24.
    pub attempts: u32,
    /// How many intervening events a merge compares. Default 256.
    pub compared_events: u32,
    /// How many intervening events a refusal shows. Default 32.
    pub shown_events: usize,
    /// Appends in one commit. Default 1,024.
    pub batch_appends: usize,
    /// How long a sender should wait after an overload or an unavailable store. Default 100 ms.
    pub retry_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            queue_places: 16_384,
            cached_aggregates: 100_000,
            attempts: 24,
            compared_events: 256,
            shown_events: 32,
            batch_appends: 1024,
            retry_after: Duration::from_millis(100),
        }
    }
}
