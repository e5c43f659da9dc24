//! Puts the details of a status together, and takes them apart.

use std::collections::HashMap;
use std::time::Duration;

use prost::{Message, Name};
use prost_types::Any;
use tonic::{Code, Status};
use tonic_types::pb;

use super::ERROR_DOMAIN;
use super::bound::{self, DETAILS_BYTES};
use crate::convert::length;

const GOOGLE: &str = "type.googleapis.com/google.rpc.";

/// The details of one status; the first is always the `ErrorInfo`.
#[derive(Debug)]
pub(super) struct Details {
    info: pb::ErrorInfo,
    others: Vec<Any>,
}

impl Details {
    pub(super) fn new(reason: &str) -> Self {
        Self {
            info: pb::ErrorInfo {
                reason: reason.into(),
                domain: ERROR_DOMAIN.into(),
                metadata: HashMap::new(),
            },
            others: Vec::new(),
        }
    }

    /// Adds a word for programs; it is for what has no message of its own.
    pub(super) fn with_word(mut self, key: &str, value: &str) -> Self {
        self.info.metadata.insert(key.into(), bound::text(value));
        self
    }

    /// Adds a message of ours.
    pub(super) fn with<M: Message + Name>(mut self, message: &M) -> Self {
        self.others.push(Any {
            type_url: M::type_url(),
            value: message.encode_to_vec(),
        });
        self
    }

    pub(super) fn with_violations(mut self, violations: &pb::BadRequest) -> Self {
        self.others.push(google("BadRequest", violations));
        self
    }

    /// Adds the time after which to try again.
    pub(super) fn with_retry(mut self, after: Duration) -> Self {
        let retry = pb::RetryInfo {
            // Only a delay of more than 10,000 years does not convert.
            retry_delay: after.try_into().ok(),
        };
        self.others.push(google("RetryInfo", &retry));
        self
    }

    /// Returns the room for a list, beside the details that are there already and a message for people.
    pub(super) fn room(&self) -> usize {
        let used = self.encode(Code::Unknown, "").encoded_len() + bound::MESSAGE_BYTES;
        DETAILS_BYTES.saturating_sub(used)
    }

    /// Makes the status. Details that are still too large are left out, because an error without them is better than
    /// one that does not arrive.
    pub(super) fn into_status(mut self, code: Code, message: &str) -> Status {
        let message = bound::message(message);
        let mut details = self.encode(code, &message);
        if details.encoded_len() > DETAILS_BYTES {
            self.others.clear();
            details = self.encode(code, &message);
        }
        Status::with_details(code, message, details.encode_to_vec().into())
    }

    fn encode(&self, code: Code, message: &str) -> pb::Status {
        let info = google("ErrorInfo", &self.info);
        pb::Status {
            code: code.into(),
            message: message.into(),
            details: std::iter::once(info)
                .chain(self.others.iter().cloned())
                .collect(),
        }
    }
}

fn google(name: &str, message: &impl Message) -> Any {
    Any {
        type_url: format!("{GOOGLE}{name}"),
        value: message.encode_to_vec(),
    }
}

/// The details of one of our statuses, to be read.
#[derive(Debug)]
pub(super) struct Received {
    info: pb::ErrorInfo,
    all: Vec<Any>,
}

impl Received {
    /// Reads the details of a status. Returns `None` if it is not ours.
    pub(super) fn of(status: &Status) -> Option<Self> {
        let all = pb::Status::decode(status.details()).ok()?.details;
        let info: pb::ErrorInfo = find(&all, "google.rpc.ErrorInfo")?;
        (info.domain == ERROR_DOMAIN).then_some(Self { info, all })
    }

    pub(super) fn reason(&self) -> &str {
        &self.info.reason
    }

    pub(super) fn word(&self, key: &str) -> Option<&str> {
        self.info.metadata.get(key).map(String::as_str)
    }

    /// Returns a message of ours, if it is among the details.
    pub(super) fn get<M: Message + Name + Default>(&self) -> Option<M> {
        find(&self.all, &M::full_name())
    }

    pub(super) fn violations(&self) -> Option<pb::BadRequest> {
        find(&self.all, "google.rpc.BadRequest")
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        let retry: pb::RetryInfo = find(&self.all, "google.rpc.RetryInfo")?;
        length(retry.retry_delay?)
    }
}

fn find<M: Message + Default>(details: &[Any], full_name: &str) -> Option<M> {
    let found = details
        .iter()
        .find(|any| any.type_url.rsplit('/').next() == Some(full_name))?;
    M::decode(found.value.as_slice()).ok()
}
