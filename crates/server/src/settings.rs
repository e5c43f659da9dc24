//! How much a server takes on.

use std::time::Duration;

/// How much a server takes on. Made once, at start.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The largest message that is read, in bytes. Default 5 MiB, which is enough for the largest request that the default
    /// `Limits` allow. A larger one is refused with `INVALID_ARGUMENT`.
    pub message_bytes: usize,
    /// Connections that may be open at once. Default 512, which leaves the store enough of the 1,024 descriptors that a
    /// process usually has. One more is closed at once.
    pub connections: usize,
    /// How long a connection may take to begin with HTTP/2. Default 10 s; then it is closed.
    pub greeting_time: Duration,
    /// Calls that one connection may have open at once. Default 1,024; more of them wait at the client.
    pub calls_per_connection: u32,
    /// How long a request may take from its first byte to its last. Default 30 s; then it is refused with
    /// `INVALID_ARGUMENT`. Between the requests of a `SubmitStream` there may be any time.
    pub request_time: Duration,
    /// What the requests that are arriving may take together, in bytes. Default 256 MiB. One more is refused with
    /// `RESOURCE_EXHAUSTED` and a retry delay. Those that come in one piece, of 16 KiB at most, are not counted.
    pub arriving_bytes: usize,
    /// The same for those of one connection. Default 32 MiB.
    pub arriving_bytes_per_connection: usize,
    /// What the answers to all clients may take that are under way, in bytes: from when they are made until the client has
    /// room for the last of them. Default 256 MiB. While there is none, what is asked for waits. Parts of up to 4 KiB are not
    /// counted.
    pub unread_bytes: usize,
    /// The same for the answers to one connection. Default 8 MiB.
    pub unread_bytes_per_connection: usize,
    /// How long a client may take nothing of an answer that waits for it. Default 60 s; then the call is ended.
    pub answer_time: Duration,
    /// Commands and facts that are in work at once, for all clients: from when they have arrived until they are answered,
    /// `Prepare` included. Default 1,024. More of them wait, and count among what arrives.
    pub in_work: usize,
    /// Calls that may wait for that. Default 32,768. One more is refused unread, with `RESOURCE_EXHAUSTED` and a retry delay.
    /// What waits in a `SubmitStream` is not among them: it holds back its client.
    pub waiting: usize,
    /// How long one of them may wait. Default 2 s; then it is refused in the same way.
    pub waiting_time: Duration,
    /// Requests of one `SubmitStream` that may be unanswered at once. Default 1,024; more of them are not read yet.
    pub in_flight_per_stream: usize,
    /// Whether commands and facts are taken as effects of reactions that run elsewhere, and what comes back of them, for
    /// [`RemoteGateway`](seriatim_proto::RemoteGateway). Default: no; they are refused as
    /// [`EffectNotAccepted`](seriatim_core::SubmitError::EffectNotAccepted), because whoever may send them can take the place of
    /// any saga. For networks that only such processes reach.
    pub accept_effects: bool,
    /// How often the health looks at the store. Default 1 s.
    pub health_interval: Duration,
    /// How long calls may take to end once the server goes down. Default 30 s. What was admitted by then is finished
    /// and durable all the same; a client that has no answer repeats itself under the same external id.
    pub grace: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            message_bytes: 5 * 1024 * 1024,
            connections: 512,
            greeting_time: Duration::from_secs(10),
            calls_per_connection: 1024,
            request_time: Duration::from_secs(30),
            arriving_bytes: 256 * 1024 * 1024,
            arriving_bytes_per_connection: 32 * 1024 * 1024,
            unread_bytes: 256 * 1024 * 1024,
            unread_bytes_per_connection: 8 * 1024 * 1024,
            answer_time: Duration::from_secs(60),
            in_work: 1024,
            waiting: 32_768,
            waiting_time: Duration::from_secs(2),
            in_flight_per_stream: 1024,
            health_interval: Duration::from_secs(1),
            grace: Duration::from_secs(30),
            accept_effects: false,
        }
    }
}
