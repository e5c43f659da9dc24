//! The wire of Seriatim: the generated types, how they and the vocabulary of `core` become each other, and how
//! errors travel as gRPC statuses. The one place where the two vocabularies meet.

pub mod convert;
pub mod status;

mod actor;
mod call_error;
mod client;
mod codec;
mod departure;
mod desk;
mod operator;
mod read_models;
mod remote_gateway;
mod server_url;
mod subscription;

pub use actor::{ACTOR, ACTOR_BIN, actor, set_actor};
pub use call_error::{CallError, ConnectError};
pub use client::{Client, Events, Page, Waited};
pub use remote_gateway::RemoteGateway;
pub use server_url::{InvalidServerUrl, check_server_url};
pub use subscription::{Connection, RemoteBatch, RemoteSubscription};

/// The largest answer that a server gives and that clients here read, in bytes. Events, and letters as they are listed, are
/// always smaller; a state, and a letter with the states that belong to it, may not be, and are refused then.
///
/// Clients in other languages read answers of up to 4 MiB unless they are told otherwise. That is enough for events.
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

/// The encoded `google.protobuf.FileDescriptorSet` of the wire with everything it imports, comments included; for
/// reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("../generated/seriatim.v1.bin");
