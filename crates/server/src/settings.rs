//! The settings of a server.

use std::time::Duration;

use seriatim_core::UnknownFieldRule;

/// The settings of a server. They are made once, at start.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The largest message that is read, in bytes. Default 5 MiB, which is enough for the largest request that the
    /// default `Limits` allow. It is never more than `arriving_bytes` and `arriving_bytes_per_connection`. A larger
    /// message is refused with `INVALID_ARGUMENT`.
    pub message_bytes: usize,
    /// The number of connections that may be open at once. Default 512, which leaves the store enough of the 1,024
    /// descriptors that a process usually has. A further connection is closed at once. For each connection HTTP/2 may
    /// hold 1 MiB of requests that the server has not read yet, which none of the other settings count.
    pub connections: usize,
    /// The time that a connection may take to begin with HTTP/2. Default 10 s; then it is closed.
    pub greeting_time: Duration,
    /// The number of calls that one connection may have open at once. Default 1,024; further calls wait at the client.
    pub calls_per_connection: u32,
    /// The time that a request may take from its first byte to its last. Default 30 s; then it is refused with
    /// `INVALID_ARGUMENT`. Between the requests of a `SubmitStream` there may be any time, and while the server itself
    /// does not read one, the time stands still.
    pub request_time: Duration,
    /// The bytes that the arriving requests may take together. Default 256 MiB. A further request is refused with
    /// `RESOURCE_EXHAUSTED` and a retry delay. A request that comes in one piece, of 16 KiB at most, is not counted
    /// unless it waits to be in work or for room for its answer, or belongs to a `SubmitStream`, which ends with the
    /// refusal.
    pub arriving_bytes: usize,
    /// The bytes that the arriving requests of one connection may take. Default 32 MiB.
    pub arriving_bytes_per_connection: usize,
    /// The bytes that the answers to all clients may take while they are under way: from when they are made until the
    /// client has room for the last of them. Default 256 MiB. While there is no room, further answers wait. Parts of up
    /// to 4 KiB are not counted. A request of a `SubmitStream` takes the room for its answer before it runs: its own
    /// size, and 4 KiB at least. While it only waits for components, it has the room of its answer.
    pub unread_bytes: usize,
    /// The bytes that the answers to one connection may take while they are under way. Default 8 MiB.
    pub unread_bytes_per_connection: usize,
    /// The time in which a client may read nothing of an answer, or of the end of one, that waits for it. Default 60 s;
    /// then the call is ended. A last part of up to 4 KiB may wait as long as the connection is open.
    pub answer_time: Duration,
    /// The number of commands and facts that are in work at once, for all clients: from when they have arrived until
    /// they are answered, including `Prepare`. Default 1,024. Others wait, and count as arriving.
    pub in_work: usize,
    /// The number of calls that may wait to be in work. Default 32,768. A further call is refused unread, with
    /// `RESOURCE_EXHAUSTED` and a retry delay. Requests that wait in a `SubmitStream` are not counted: they hold back
    /// their client.
    pub waiting: usize,
    /// The time that one of these calls may wait. Default 2 s; then it is refused in the same way.
    pub waiting_time: Duration,
    /// The number of requests of one `SubmitStream` that may be unanswered at once. Default 1,024; further requests are
    /// not read yet.
    pub in_flight_per_stream: usize,
    /// What becomes of fields in the JSON of commands that their types do not have, unless the request says otherwise.
    /// Default [`UnknownFieldRule::Warn`]: they are passed over, counted, and named in the answer.
    pub unknown_fields: UnknownFieldRule,
    /// `true` if commands and facts are accepted as effects of reactions that run elsewhere, with their rejections, for
    /// [`RemoteGateway`](seriatim_proto::RemoteGateway). Default `false`. They are then refused as
    /// [`EffectNotAccepted`](seriatim_core::SubmitError::EffectNotAccepted), because a client that may send them can
    /// take the place of any saga. Allow it only in networks that no other clients reach.
    pub accept_effects: bool,
    /// `true` if everybody may ask for the health of a server that asks its callers who they are. Default `false`.
    pub open_health: bool,
    /// `true` if a server that asks its callers who they are tells everybody its methods, by reflection. Default
    /// `false`: then it tells nobody.
    pub open_reflection: bool,
    /// The time between two looks of the health service at the store. Default 1 s.
    pub health_interval: Duration,
    /// The time that calls may take to end once the server shuts down. Default 30 s. Requests that were admitted by
    /// then are finished and durable all the same; a client that has no answer sends again under the same external id.
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
            open_health: false,
            open_reflection: false,
            health_interval: Duration::from_secs(1),
            grace: Duration::from_secs(30),
            accept_effects: false,
            unknown_fields: UnknownFieldRule::Warn,
        }
    }
}
