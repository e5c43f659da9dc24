//! Converts errors to gRPC statuses, and back.
//!
//! Each status carries a `google.rpc.Status` with a `google.rpc.ErrorInfo` (domain [`ERROR_DOMAIN`] and one of the
//! [`reason`]s) and the typed details of that reason; the table is in `proto/seriatim/v1/errors.proto`. Errors after
//! which the same may be sent again, errors that need a fresh read, and errors after which it must not be sent again
//! never share a code.

mod access;
mod bound;
mod details;
mod invalid;
mod operator;
mod query;
mod read_model;
pub mod reason;
mod shared;
mod submit;
mod subscribe;

pub use access::LimitReached;

use std::time::Duration;

use prost::Message;
use tonic::{Code, Status};

use crate::v1;

/// The domain in every `google.rpc.ErrorInfo` of Seriatim.
pub const ERROR_DOMAIN: &str = "seriatim";

/// An error that can be sent as a status.
pub trait WireError: Sized {
    /// Returns the status for it, small enough for the trailers that clients accept.
    fn to_status(&self) -> Status;

    /// Returns the error of a status. Returns `None` if the status is not ours but comes from the transport, a proxy or
    /// a newer server.
    fn from_status(status: &Status) -> Option<Self>;
}

/// Returns when to try again, if the status says so.
pub(crate) fn retry_after(status: &Status) -> Option<Duration> {
    details::Received::of(status)?.retry_after()
}

/// Makes a message of a status, for answers that do not end a call.
pub fn to_message(status: &Status) -> v1::Status {
    // These are the same fields as in the trailer.
    v1::Status::decode(status.details())
        .ok()
        .filter(|message| message.code != i32::from(Code::Ok))
        .unwrap_or_else(|| v1::Status {
            code: status.code().into(),
            message: status.message().into(),
            details: Vec::new(),
        })
}

/// Returns the status of a message.
pub fn from_message(message: &v1::Status) -> Status {
    let details = message.encode_to_vec().into();
    Status::with_details(
        Code::from_i32(message.code),
        message.message.clone(),
        details,
    )
}
