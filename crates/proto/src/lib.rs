//! Contains the wire of Seriatim: the generated types, their conversions from and to the types of `core`, and errors as
//! gRPC statuses. Only this crate knows both kinds of types.

pub mod convert;
pub mod status;

mod actor;
mod call_error;
mod client;
mod codec;
mod connect_options;
mod connector;
mod departure;
mod desk;
mod jobs;
mod operator;
mod read_models;
mod remote_gateway;
mod server_url;
mod subscription;
mod tokens;
mod operations;

pub use actor::{ACTOR, ACTOR_BIN, actor, set_actor};
pub use call_error::{CallError, ConnectError};
pub use client::{Client, Events, Page, Waited};
pub use connect_options::{ConnectOptions, InvalidToken, TokenInClear};
pub use remote_gateway::RemoteGateway;
/// The options of TLS.
pub use seriatim_security as security;
pub use server_url::{InvalidServerUrl, check_server_url};
pub use subscription::{Connection, RemoteBatch, RemoteSubscription};

/// The largest answer that a server sends and that the clients here read, in bytes. Events, and letters in a list, are
/// always smaller. A state, or a letter with the states that belong to it, may be larger; then it is refused.
///
/// Clients in other languages read answers of up to 4 MiB unless they are configured otherwise. That is enough for
/// events.
pub const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// The messages, clients and servers generated from `proto/seriatim/v1`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::use_self,
    reason = "generated; its comments stand in the proto files"
)]
pub mod v1 {
    include!("../generated/seriatim.v1.rs");
}

/// The encoded `google.protobuf.FileDescriptorSet` of the wire with everything that it imports, including comments; it
/// is for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("../generated/seriatim.v1.bin");
