//! Errors as gRPC statuses, and back.
//!
//! Each status carries a `google.rpc.Status` with a `google.rpc.ErrorInfo` (domain [`ERROR_DOMAIN`] and one of the
//! [`reason`]s) and the typed details of that reason; the table is in `proto/seriatim/v1/errors.proto`. What may be
//! retried as it is, what needs a fresh read, and what must not be retried never share a code.

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

use std::time::Duration;

use prost::Message;
use tonic::{Code, Status};

use crate::v1;

/// The domain of every `google.rpc.ErrorInfo` of ours.
pub const ERROR_DOMAIN: &str = "seriatim";

/// An error that has a form on the wire.
pub trait WireError: Sized {
    /// The status that says it, small enough for the trailers that clients accept.
    fn to_status(&self) -> Status;

    /// The error that a status says; `None` if it is none of ours: from the transport, from a proxy, or of a newer
    /// server.
    fn from_status(status: &Status) -> Option<Self>;
}

/// When to try again, if a status of ours says so.
pub(crate) fn retry_after(status: &Status) -> Option<Duration> {
    details::Received::of(status)?.retry_after()
}

/// A status as a message, for answers that are not the end of a call.
pub fn to_message(status: &Status) -> v1::Status {
    // Field by field what the trailer has.
    v1::Status::decode(status.details())
        .ok()
        .filter(|message| message.code != i32::from(Code::Ok))
        .unwrap_or_else(|| v1::Status {
            code: status.code().into(),
            message: status.message().into(),
            details: Vec::new(),
        })
}

/// The status that a message says.
pub fn from_message(message: &v1::Status) -> Status {
    let details = message.encode_to_vec().into();
    Status::with_details(
        Code::from_i32(message.code),
        message.message.clone(),
        details,
    )
}
