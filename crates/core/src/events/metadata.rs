//! Describes where an event comes from.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{RecordedEvent, Timestamp};

/// The data about an event besides its content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The workflow that it belongs to. Every reaction carries it on unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The event that caused the command. If there is none, the command that caused the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Uuid>,
    /// The idempotency key of the fact or command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The sender, as the caller said or proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The origin of an event that was sent as a fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<FactOrigin>,
    /// The time that the sender named; for display, never for order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// The number of effects in a row that led to it, each because of the one before. It is 0 for an event that a
    /// sender wrote or a timer caused.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub depth: u32,
}

impl Metadata {
    /// Returns the metadata of a reaction to an event: the workflow and the external id are carried on, and the depth
    /// is one more.
    pub fn caused_by(event: &RecordedEvent, actor: String) -> Self {
        Self {
            correlation_id: event.metadata.correlation_id.clone(),
            causation_id: Some(event.id),
            external_id: event.metadata.external_id.clone(),
            actor: Some(actor),
            origin: None,
            sent_at: None,
            depth: event.metadata.depth.saturating_add(1),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is what serde calls")]
fn is_zero(depth: &u32) -> bool {
    *depth == 0
}

/// The origin of a fact.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FactOrigin {
    /// The system it happened in, for example `stripe`.
    pub source: String,
    /// A description of what happened, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}
