//! Answers for programs. The keys are documented in docs/cli.md and do not change.

use serde_json::{Value, json};
use seriatim::Audit;
use seriatim_core::{
    Codec, Conflict, ConflictReason, Cursor, ExpectedSequence, FieldPath, FieldViolation,
    FirstResult, NotHandled, Outcome, Payload, Receipt, RecordedEvent, Rejected, SchemaChange,
    SequenceConflict, Simulated, Simulation, StateView, StreamSummary, WhyNotHandled,
};
use seriatim_proto::v1::DomainDescription;

use super::text;
use crate::failure::Failure;

/// `made`: whether the migrations were made, or are only missing.
pub(crate) fn schema_change(change: &SchemaChange, made: bool) -> Value {
    let migrations = change.migrations.iter();
    let migrations: Vec<_> = migrations
        .map(|migration| json!({ "number": migration.number, "name": migration.name }))
        .collect();
    json!({
        "before": change.before,
        "after": change.after(),
        "made": made,
        "migrations": migrations,
    })
}

pub(crate) fn audit(audit: &Audit) -> Value {
    let partitions = audit.partitions.iter().map(|partition| {
        json!({
            "partition": partition.partition,
            "head": partition.head,
            "verified": partition.verified,
            "sound": partition.sound,
        })
    });
    let unproven = audit.unproven.iter();
    let unproven = unproven
        .map(|unproven| json!({ "kind": unproven.kind(), "message": unproven.to_string() }));
    let findings = audit.findings.iter();
    let findings =
        findings.map(|finding| json!({ "kind": finding.kind(), "message": finding.to_string() }));
    json!({
        "sound": audit.is_sound(),
        "partitions": partitions.collect::<Vec<_>>(),
        "checkpoints": audit.checkpoints,
        "parked": audit.parked,
        "claims": audit.claims,
        "timers": audit.timers,
        "unproven": unproven.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
        "findings_total": audit.findings_total,
    })
}

fn receipt(receipt: &Receipt) -> Value {
    let mut value = json!({
        "stream": receipt.stream.to_string(),
        "correlation_id": receipt.correlation_id,
        "warnings": receipt.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    merge(
        &mut value,
        match &receipt.outcome {
            Outcome::Committed(commit) => json!({
                "outcome": "committed",
                "first": commit.first,
                "last": commit.last,
                "position": commit.position,
                "merged": commit.merged,
                "events": commit.events.iter().map(event).collect::<Vec<_>>(),
            }),
            Outcome::Unchanged { current } => json!({ "outcome": "unchanged", "current": current }),
            Outcome::Duplicate(first) => {
                json!({ "outcome": "duplicate", "first_result": first_result(first) })
            }
            Outcome::DeadLettered { id, reason } => {
                json!({ "outcome": "dead_lettered", "id": id, "reason": reason })
            }
        },
    );
    value
}

/// Adds what to say about the components that were waited for.
pub(crate) fn waited_receipt(receipt: &Receipt, not_handled: Option<&NotHandled>) -> Value {
    let mut value = self::receipt(receipt);
    merge(
        &mut value,
        json!({ "not_handled": not_handled.map(self::not_handled) }),
    );
    value
}

fn not_handled(not_handled: &NotHandled) -> Value {
    let why = match &not_handled.why {
        WhyNotHandled::TimePassed { .. } => "time_passed",
        WhyNotHandled::Parked { .. } => "parked",
        WhyNotHandled::Paused { .. } => "paused",
        WhyNotHandled::ShuttingDown => "shutting_down",
    };
    json!({
        "component": not_handled.component,
        "why": why,
        "message": not_handled.why.to_string(),
    })
}

pub(crate) fn first_result(first: &FirstResult) -> Value {
    match first {
        FirstResult::Committed {
            first,
            last,
            position,
        } => json!({ "outcome": "committed", "first": first, "last": last, "position": position }),
        FirstResult::Unchanged { current } => {
            json!({ "outcome": "unchanged", "current": current })
        }
        FirstResult::DeadLettered { id } => json!({ "outcome": "dead_lettered", "id": id }),
        FirstResult::Rejected(rejection) => {
            json!({ "outcome": "rejected", "rejection": rejected(rejection) })
        }
    }
}

pub(crate) fn event(event: &RecordedEvent) -> Value {
    let metadata = &event.metadata;
    let mut value = json!({
        "stream": event.stream.to_string(),
        "sequence": event.sequence,
        "position": event.position,
        "event_id": event.id,
        "recorded_at": event.recorded_at,
        "correlation_id": metadata.correlation_id,
        "causation_id": metadata.causation_id,
        "external_id": metadata.external_id,
        "actor": metadata.actor,
        "sent_at": metadata.sent_at,
        "origin": metadata.origin.as_ref().map(|origin| json!({
            "source": origin.source,
            "description": origin.description,
        })),
    });
    merge(&mut value, payload(&event.payload));
    merge(
        &mut value,
        json!({ "unreadable": event.payload.why_unreadable() }),
    );
    value
}

/// Returns an event of the log, and the cursor after it.
pub(crate) fn logged_event((event, cursor): &(RecordedEvent, Cursor)) -> Value {
    let mut value = self::event(event);
    merge(&mut value, json!({ "cursor": cursor }));
    value
}

/// JSON content is shown unchanged, other content as hexadecimal digits. An event without a type is nothing any more,
/// or cannot be read.
fn payload(payload: &Payload) -> Value {
    if payload.type_name.is_empty() {
        return json!({ "type": null, "codec": null, "data": null });
    }
    let (codec, data) = match payload.codec {
        Codec::Json => ("json", payload.to_json().unwrap_or_default()),
        Codec::Protobuf => ("protobuf", format!("{:x}", payload.data).into()),
    };
    json!({ "type": payload.type_name, "codec": codec, "data": data })
}

pub(super) fn payloads(payloads: &[Payload]) -> Vec<Value> {
    payloads.iter().map(payload).collect()
}

pub(crate) fn state(view: &StateView) -> Value {
    json!({
        "stream": view.stream.to_string(),
        "sequence": view.sequence,
        "state": view.to_json().unwrap_or_default(),
    })
}

pub(crate) fn stream(summary: &StreamSummary) -> Value {
    json!({
        "stream": summary.stream.to_string(),
        "current": summary.current,
        "recorded_at": summary.recorded_at,
    })
}

pub(crate) fn domain(domain: &DomainDescription) -> Value {
    json!({
        "domain": domain.domain,
        "command_codec": text::codec(domain.command_codec()),
        "commands": domain.command_types,
        "event_codec": text::codec(domain.event_codec()),
        "events": domain.event_types,
    })
}

pub(crate) fn simulation(simulation: &Simulation) -> Value {
    json!({
        "before": state(&simulation.before),
        "result": simulated(&simulation.outcome),
    })
}

pub(super) fn simulated(outcome: &Simulated) -> Value {
    match outcome {
        Simulated::Commits {
            events,
            merged,
            after,
        } => json!({
            "outcome": "commits",
            "events": payloads(events),
            "merged": merged,
            "after": state(after),
        }),
        Simulated::Unchanged => json!({ "outcome": "unchanged" }),
        Simulated::Duplicate(first) => {
            json!({ "outcome": "duplicate", "first_result": first_result(first) })
        }
        Simulated::ExternalIdReused(first) => {
            json!({ "outcome": "external_id_reused", "first_result": first_result(first) })
        }
        Simulated::Rejected(rejection) => {
            json!({ "outcome": "rejected", "rejection": rejected(rejection) })
        }
        Simulated::Conflict(conflict) => {
            json!({ "outcome": "conflict", "conflict": sequence_conflict(conflict) })
        }
        Simulated::Parks(reason) => json!({ "outcome": "parks", "reason": reason.to_string() }),
    }
}

pub(crate) fn rejected(rejected: &Rejected) -> Value {
    let fields: serde_json::Map<_, _> = rejected.fields.iter().cloned().collect();
    json!({ "code": rejected.code, "message": rejected.message, "fields": fields })
}

pub(crate) fn violations(violations: &[FieldViolation]) -> Value {
    let each = violations
        .iter()
        .map(|violation| json!({ "field": violation.field, "description": violation.description }));
    json!({ "violations": each.collect::<Vec<_>>() })
}

/// Returns the expected sequence (a number, `"none"` or `"any"`) and the current one.
pub(crate) fn conflict(conflict: &Conflict) -> Value {
    let expected = match conflict.expected {
        ExpectedSequence::Exactly(sequence) => json!(sequence),
        belief @ (ExpectedSequence::Any | ExpectedSequence::NoStream) => json!(belief.to_string()),
    };
    json!({ "expected": expected, "current": conflict.current })
}

pub(crate) fn sequence_conflict(found: &SequenceConflict) -> Value {
    let mut value = json!({
        "stream": found.stream.to_string(),
        "strategy": found.strategy.as_str(),
        "reason": conflict_reason(&found.reason),
        "intervening": found.intervening.iter().map(event).collect::<Vec<_>>(),
        "intervening_total": found.intervening_total,
        "rejection": found.rejection.as_ref().map(rejected),
    });
    merge(&mut value, conflict(&found.conflict));
    value
}

pub(super) fn conflict_reason(reason: &ConflictReason) -> Value {
    let none: &[FieldPath] = &[];
    let (kind, paths) = match reason {
        ConflictReason::Strict => ("strict", none),
        ConflictReason::MustNotExist => ("must_not_exist", none),
        ConflictReason::DecisionDiffers { changed, .. } => ("decision_differs", changed.as_slice()),
        ConflictReason::PossibleNow { .. } => ("possible_now", none),
        ConflictReason::OrderMatters { fields } => ("order_matters", fields.as_slice()),
        ConflictReason::FieldsOverlap { overlap } => ("fields_overlap", overlap.as_slice()),
        ConflictReason::PremiseChanged { changed } => ("premise_changed", changed.as_slice()),
        ConflictReason::RejectedNow => ("rejected_now", none),
        ConflictReason::RejectedAtBoth => ("rejected_at_both", none),
        ConflictReason::AggregateRefused => ("aggregate_refused", none),
        ConflictReason::TooFarBehind { .. } => ("too_far_behind", none),
        ConflictReason::TooMuchToCompare { .. } => ("too_much_to_compare", none),
        ConflictReason::NotComparable { .. } => ("not_comparable", none),
    };
    let mut value = json!({ "kind": kind, "paths": paths, "message": reason.to_string() });
    match reason {
        ConflictReason::DecisionDiffers { then, now, .. } => {
            merge(
                &mut value,
                json!({ "then": payloads(then), "now": payloads(now) }),
            );
        }
        ConflictReason::PossibleNow { then } => {
            merge(&mut value, json!({ "then": rejected(then) }));
        }
        _ => {}
    }
    value
}

pub(crate) fn failure(failure: &Failure) -> Value {
    json!({
        "error": failure.exit.name(),
        "exit_code": failure.exit as u8,
        "message": failure.message,
        "next": failure.next,
        "details": failure.details,
    })
}

/// Puts the fields of `more` beside those of `value`.
pub(super) fn merge(value: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (value, more) {
        fields.extend(more);
    }
}
