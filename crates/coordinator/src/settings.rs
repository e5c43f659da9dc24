//! The settings of a coordinator.

use std::time::Duration;

use seriatim_core::Limits;

/// The settings of a coordinator. They are made once, at start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The limits of one request.
    pub limits: Limits,
    /// The number of commands and facts that may be admitted and not yet answered. When there are as many, senders are
    /// told to try again. Default 16,384.
    pub queue_places: u32,
    /// The bytes of memory that these requests may take together. A payload counts four times: as it came, decoded, as
    /// an event and in the answer. Default 128 MiB; 4 GiB is the most.
    pub queue_bytes: usize,
    /// Bytes of memory for the states that are kept, of all domains together, estimated from their JSON. Default 128
    /// MiB. The states of streams that are in use at the moment are not included.
    pub cached_bytes: usize,
    /// The number of times that a command is decided anew after other writers were faster. Default 24.
    pub attempts: u32,
    /// The number of intervening events that a merge compares. Default 256.
    pub compared_events: u32,
    /// The number of intervening events that a refusal shows. Default 32.
    pub shown_events: usize,
    /// The time that a sender should wait after an overload or an unavailable store. Default 100 ms.
    pub retry_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            queue_places: 16_384,
            queue_bytes: 128 * 1024 * 1024,
            cached_bytes: 128 * 1024 * 1024,
            attempts: 24,
            compared_events: 256,
            shown_events: 32,
            retry_after: Duration::from_millis(100),
        }
    }
}
