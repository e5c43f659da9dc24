//! Writes an event as clients get it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;
use seriatim_core::{Codec, RecordedEvent};
use uuid::Uuid;

#[derive(Serialize)]
struct EventJson<'a> {
    sequence: u32,
    id: Uuid,
    at: String,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
}

/// Returns the event as JSON, see docs/live-protocol.md.
pub(crate) fn to_json(event: &RecordedEvent) -> String {
    let payload = &event.payload;
    let data = match payload.codec {
        Codec::Json => serde_json::from_slice(&payload.data).ok(),
        Codec::Protobuf => None,
    };
    let is_other = data.is_none() && !payload.is_nothing();
    let written = EventJson {
        sequence: event.sequence.0,
        id: event.id,
        at: event.recorded_at.to_string(),
        r#type: &payload.type_name,
        data,
        base64: is_other.then(|| STANDARD.encode(&payload.data)),
        actor: event.metadata.actor.as_deref(),
        external_id: event.metadata.external_id.as_deref(),
    };
    serde_json::to_string(&written).expect("it has no maps")
}
