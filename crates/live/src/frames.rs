//! The frames of the protocol, docs/live-protocol.md.

use std::collections::BTreeMap;
use std::fmt;

use axum::extract::ws::Utf8Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use seriatim_core::StreamId;
use uuid::Uuid;

/// The version of the protocol.
pub(crate) const PROTOCOL: u32 = 1;

/// A frame from a client.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ClientFrame {
    Hello(Hello),
    Join(Join),
    Leave { stream: Stream },
    Read(Read),
    Send(Send),
    Signal(Signal),
    Ping,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Hello {
    pub(crate) protocol: u32,
    pub(crate) token: Option<Secret>,
    pub(crate) user: Option<String>,
}

/// A token, which no log may show.
#[derive(Deserialize)]
pub(crate) struct Secret(pub(crate) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("...")
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Join {
    pub(crate) stream: Stream,
    pub(crate) after: Option<Place>,
    pub(crate) limit: Option<usize>,
}

/// An event that a client has seen.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    pub(crate) epoch: String,
    pub(crate) sequence: u32,
    pub(crate) event: Uuid,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Read {
    pub(crate) r#ref: u64,
    pub(crate) stream: Stream,
    pub(crate) from: u32,
    pub(crate) through: u32,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Send {
    pub(crate) r#ref: u64,
    pub(crate) stream: Stream,
    pub(crate) id: String,
    pub(crate) command: Value,
    pub(crate) expect: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Signal {
    pub(crate) stream: Stream,
    pub(crate) signal: String,
    pub(crate) for_ms: u64,
}

/// A stream as it is written in a frame.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Stream(pub(crate) StreamId);

impl TryFrom<String> for Stream {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parsed = text.parse();
        parsed
            .map(Self)
            .map_err(|error: seriatim_core::InvalidStreamId| error.to_string())
    }
}

/// A frame from the server, without its events.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ServerFrame<'a> {
    Welcome {
        protocol: u32,
        user: &'a str,
        epoch: &'a str,
        heartbeat_ms: u128,
        limits: WelcomeLimits,
    },
    Joined {
        stream: &'a str,
        recovered: bool,
        head: Option<u32>,
        view: &'a RawValue,
    },
    Events {
        stream: &'a str,
    },
    Page {
        r#ref: u64,
        stream: &'a str,
    },
    Present {
        stream: &'a str,
        users: &'a BTreeMap<String, Vec<String>>,
        #[serde(skip_serializing_if = "is_zero")]
        more: usize,
    },
    Accepted {
        r#ref: u64,
        stream: &'a str,
        outcome: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        first: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        last: Option<u32>,
    },
    Refused(Refused<'a>),
    Denied {
        stream: &'a str,
    },
    Left {
        stream: &'a str,
        why: WhyLeft,
    },
    Resync {
        stream: &'a str,
        why: WhyResync,
    },
    Pong {
        heads: BTreeMap<String, u32>,
    },
}

#[derive(Debug, Serialize)]
pub(crate) struct WelcomeLimits {
    pub(crate) frame_bytes: usize,
    pub(crate) streams: usize,
    pub(crate) page: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct Refused<'a> {
    pub(crate) r#ref: u64,
    pub(crate) stream: &'a str,
    pub(crate) reason: Reason,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) details: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_ms: Option<u128>,
}

/// The reason why something is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    Invalid,
    Denied,
    Rejected,
    Conflict,
    Reused,
    Limited,
    Busy,
    Unavailable,
    Broken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WhyLeft {
    Asked,
    Removed,
    Broken,
    TooMany,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WhyResync {
    OtherLog,
    UnknownPlace,
}

impl ServerFrame<'_> {
    pub(crate) fn encode(&self) -> Utf8Bytes {
        self.to_json().into()
    }

    /// Returns the frame with its events, which are JSON already.
    pub(crate) fn with_events(&self, events: &[String]) -> Utf8Bytes {
        self.with_list("events", events)
    }

    /// Returns the frame with one more field: a list of what is JSON already.
    pub(crate) fn with_list(&self, field: &str, values: &[String]) -> Utf8Bytes {
        let mut text = self.to_json();
        let bytes: usize = values.iter().map(|value| value.len() + 1).sum();
        text.pop();
        text.reserve(bytes + field.len() + 8);
        text.push_str(",\"");
        text.push_str(field);
        text.push_str("\":[");
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            text.push_str(value);
        }
        text.push_str("]}");
        text.into()
    }

    fn to_json(&self) -> String {
        serde_json::to_string(self).expect("all its maps have keys of text")
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is what serde calls")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}
