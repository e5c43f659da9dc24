//! How much a server takes on.

use std::time::Duration;

/// How much a server takes on. Made once, at start.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) max_message_bytes: usize,
    pub(crate) max_concurrent_streams: u32,
    pub(crate) in_flight_per_stream: usize,
    pub(crate) health_interval: Duration,
    pub(crate) grace: Duration,
    /// Whether effects of reactions are taken over the wire.
    pub(crate) effects: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_message_bytes: 4 * 1024 * 1024,
            max_concurrent_streams: 1024,
            in_flight_per_stream: 1024,
            health_interval: Duration::from_secs(1),
            grace: Duration::from_secs(30),
            effects: false,
        }
    }
}
