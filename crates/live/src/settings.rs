//! The limits of a gateway.

use std::time::Duration;

/// The limits of a gateway. They keep one client from taking what others need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSettings {
    /// The bytes of one frame from a client. Default: 64 KiB.
    pub frame_bytes: usize,
    /// The streams that one connection may have joined at once. Default: 100.
    pub streams: usize,
    /// The events of one page of history. Default: 200.
    pub page: usize,
    /// The connections that may be open at once. One more takes the place of the oldest that has not said `hello`.
    /// Default: 10,000.
    pub connections: usize,
    /// The connections that one user may have open at once. Default: 100.
    pub connections_of_user: usize,
    /// The commands and signals that one user may send in a second, over all connections to this process. Five times as
    /// many may come at once. A limit of the principal takes its place. Default: 20.
    pub sends_per_second: u32,
    /// The frames of any kind that one connection may send in a second. Ten times as many may come at once; more end
    /// the connection. Default: 100.
    pub frames_per_second: u32,
    /// The frames that may wait for one connection. A client that reads so slowly that more would wait is disconnected,
    /// and can resume. Default: 1,024.
    pub queue: usize,
    /// The time within which a client must send something; after three of them the connection ends. Default: 20 s.
    pub heartbeat: Duration,
    /// The time that a client has to say who it is. Default: 10 s.
    pub hello_within: Duration,
    /// The time that writing one frame may take. Default: 30 s.
    pub write_within: Duration,
}

impl LiveSettings {
    /// Returns limits with which a gateway can work: what must not be zero is not.
    pub(crate) fn workable(self) -> Self {
        Self {
            page: self.page.max(1),
            heartbeat: self.heartbeat.max(Duration::from_millis(1)),
            ..self
        }
    }
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            frame_bytes: 64 * 1024,
            streams: 100,
            page: 200,
            connections: 10_000,
            connections_of_user: 100,
            sends_per_second: 20,
            frames_per_second: 100,
            queue: 1024,
            heartbeat: Duration::from_secs(20),
            hello_within: Duration::from_secs(10),
            write_within: Duration::from_secs(30),
        }
    }
}
