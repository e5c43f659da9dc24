//! Answers for people.

use serde_json::Value;
use seriatim::Audit;
use seriatim_core::{
    Codec, Cursor, FirstResult, Outcome, Payload, Receipt, RecordedEvent, Rejected, SchemaChange,
    Sequence, SequenceConflict, Simulated, Simulation, StateView, StreamSummary,
};
use seriatim_proto::v1::{self as wire, DomainDescription};

use super::table::align;

/// `made`: whether the migrations were made, or are only missing.
pub(crate) fn schema_change(change: &SchemaChange, made: bool) -> String {
    let (before, after) = (change.before, change.after());
    let mut text = match (change.migrations.is_empty(), made) {
        (true, _) => format!("up to date, at migration {after}\n"),
        (false, true) => format!("migrated from {before} to {after}\n"),
        (false, false) => format!("at migration {before}, {after} is needed; missing:\n"),
    };
    let lines: Vec<_> = change
        .migrations
        .iter()
        .map(|migration| vec![format!("{:4}", migration.number), migration.name.into()])
        .collect();
    text.push_str(&align(&lines));
    text
}

pub(crate) fn audit(audit: &Audit) -> String {
    let mut text = String::new();
    for partition in &audit.partitions {
        let (number, head, verified) = (partition.partition, partition.head, partition.verified);
        text.push_str(&format!(
            "partition {number}: verified up to position {verified} of {head}\n"
        ));
    }
    let (checkpoints, parked) = (audit.checkpoints, audit.parked);
    let (claims, timers) = (audit.claims, audit.timers);
    text.push_str(&format!(
        "compared with it: {checkpoints} checkpoints, {parked} parked streams, {claims} claims, {timers} timers\n"
    ));
    for unproven in &audit.unproven {
        text.push_str(&format!("not looked at: {unproven}\n"));
    }
    for finding in &audit.findings {
        text.push_str(&format!("finding: {finding}\n"));
    }
    let more = audit.findings_total - audit.findings.len() as u64;
    if more > 0 {
        text.push_str(&format!("and {more} more\n"));
    }
    text.push_str(match audit.is_sound() {
        true => "verdict: sound\n",
        false => "verdict: damaged\n",
    });
    text
}

pub(crate) fn receipt(receipt: &Receipt) -> String {
    let stream = &receipt.stream;
    match &receipt.outcome {
        Outcome::Committed(commit) => {
            let merged = if commit.merged {
                ", merged with what came before"
            } else {
                ""
            };
            let place = range(commit.first, commit.last);
            let events = event_lines(&commit.events);
            format!(
                "{stream}: committed, {place}, position {}{merged}\n{events}",
                commit.position
            )
        }
        Outcome::Unchanged { current } => {
            format!("{stream}: nothing to do, {}\n", still_at(*current))
        }
        Outcome::Duplicate(first) => {
            format!(
                "{stream}: seen before under this external id: {}\n",
                first_result(first)
            )
        }
        Outcome::DeadLettered { id, reason } => {
            format!("{stream}: parked as dead letter {id}: {reason}\n")
        }
    }
}

pub(crate) fn first_result(first: &FirstResult) -> String {
    match first {
        FirstResult::Committed {
            first,
            last,
            position,
        } => format!(
            "committed then, {}, position {position}",
            range(*first, *last)
        ),
        FirstResult::Unchanged { current } => {
            format!("there was nothing to do, {}", still_at(*current))
        }
        FirstResult::DeadLettered { id } => format!("parked then as dead letter {id}"),
        FirstResult::Rejected(rejected) => format!("{} then", rejection(rejected)),
    }
}

fn range(first: Sequence, last: Sequence) -> String {
    if first == last {
        return format!("sequence {first}");
    }
    format!("sequences {first} to {last}")
}

fn still_at(current: Option<Sequence>) -> String {
    current.map_or("the stream has no events".into(), |current| {
        format!("the stream is at sequence {current}")
    })
}

/// One line an event: sequence, time, content, and where it comes from.
pub(crate) fn event_lines(events: &[RecordedEvent]) -> String {
    let lines: Vec<_> = events.iter().map(event_cells).collect();
    align(&lines)
}

pub(crate) fn event_cells(event: &RecordedEvent) -> Vec<String> {
    vec![
        format!("{:>5}", event.sequence),
        event.recorded_at.to_string(),
        content(event),
    ]
}

/// One line an event of any stream: position, time, stream, sequence, content, and where it comes from.
pub(crate) fn logged_events(events: &[(RecordedEvent, Cursor)]) -> String {
    let lines = events.iter().map(|(event, _)| {
        vec![
            format!("{:>5}", event.position),
            event.recorded_at.to_string(),
            event.stream.to_string(),
            format!("{:>5}", event.sequence),
            content(event),
        ]
    });
    align(&lines.collect::<Vec<_>>())
}

/// What happened, and where it comes from.
fn content(event: &RecordedEvent) -> String {
    format!("{}{}", payload(&event.payload), origin(event))
}

fn origin(event: &RecordedEvent) -> String {
    let metadata = &event.metadata;
    let mut notes = Vec::new();
    if let Some(origin) = &metadata.origin {
        let description = match origin.description.as_str() {
            "" => String::new(),
            description => format!(": {description}"),
        };
        notes.push(format!("fact from {}{description}", origin.source));
    }
    notes.extend(metadata.actor.as_ref().map(|actor| format!("by {actor}")));
    notes.extend(
        metadata
            .external_id
            .as_ref()
            .map(|id| format!("external id {id}")),
    );
    if notes.is_empty() {
        return String::new();
    }
    format!("  ({})", notes.join(", "))
}

/// `Deposited {"cents":50}`
pub(crate) fn payload(payload: &Payload) -> String {
    if payload.is_nothing() {
        return "(nothing any more)".into();
    }
    if let Some(why) = payload.why_unreadable() {
        return format!("(cannot be read: {why})");
    }
    match payload.codec {
        Codec::Json => {
            let json = payload.to_json();
            let text = json.map_or("(not JSON)".into(), |json| json.to_string());
            format!("{} {text}", payload.type_name)
        }
        Codec::Protobuf => format!("{} ({} bytes)", payload.type_name, payload.data.len()),
    }
}

fn payload_lines(payloads: &[Payload]) -> String {
    payloads
        .iter()
        .map(|each| format!("  {}\n", payload(each)))
        .collect()
}

pub(crate) fn state(view: &StateView) -> String {
    format!("{}\n{}\n", heading(view), pretty(&view.state))
}

fn heading(view: &StateView) -> String {
    match view.sequence {
        Some(sequence) => format!("{} at sequence {sequence}", view.stream),
        None => format!("{} before its first event", view.stream),
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

pub(crate) fn streams(summaries: &[StreamSummary]) -> String {
    let lines: Vec<_> = summaries
        .iter()
        .map(|summary| {
            vec![
                summary.stream.to_string(),
                format!("sequence {}", summary.current),
                summary.recorded_at.to_string(),
            ]
        })
        .collect();
    align(&lines)
}

pub(crate) fn domains(domains: &[DomainDescription]) -> String {
    let mut lines = Vec::new();
    for domain in domains {
        let types = |what: &str, types: &[String], codec| {
            vec![
                what.into(),
                format!("{} ({})", types.join(", "), self::codec(codec)),
            ]
        };
        let mut commands = types("commands", &domain.command_types, domain.command_codec());
        commands.insert(0, domain.domain.clone());
        let mut events = types("events", &domain.event_types, domain.event_codec());
        events.insert(0, String::new());
        lines.extend([commands, events]);
    }
    align(&lines)
}

pub(crate) fn codec(codec: wire::Codec) -> &'static str {
    match codec {
        wire::Codec::Json => "json",
        wire::Codec::Protobuf => "protobuf",
        wire::Codec::Unspecified => "unknown",
    }
}

pub(crate) fn simulation(simulation: &Simulation) -> String {
    format!(
        "{}: {}",
        heading(&simulation.before),
        simulated(&simulation.outcome)
    )
}

pub(crate) fn simulated(outcome: &Simulated) -> String {
    match outcome {
        Simulated::Commits {
            events,
            merged,
            after,
        } => {
            let merged = if *merged {
                ", merged with what came before"
            } else {
                ""
            };
            let events = payload_lines(events);
            format!("would commit{merged}\n{events}then: {}", state(after))
        }
        Simulated::Unchanged => "there would be nothing to do\n".into(),
        Simulated::Duplicate(first) => {
            format!(
                "was seen before under this external id: {}\n",
                first_result(first)
            )
        }
        Simulated::ExternalIdReused(first) => format!(
            "would be refused: its external id stands for other content ({})\n",
            first_result(first)
        ),
        Simulated::Rejected(rejected) => format!("would be {}\n", rejection(rejected)),
        Simulated::Conflict(conflict) => {
            format!(
                "would be refused: {conflict}\n{}",
                conflict_details(conflict)
            )
        }
        Simulated::Parks(reason) => format!("would be parked: {reason}\n"),
    }
}

/// `rejected: the account has only 5 cents (InsufficientFunds)`
pub(crate) fn rejection(rejected: &Rejected) -> String {
    format!("rejected: {} ({})", rejected.message, rejected.code)
}

/// What came between, below the sentence that says what overlapped.
pub(crate) fn conflict_details(conflict: &SequenceConflict) -> String {
    let mut text = String::new();
    if let Some(rejected) = &conflict.rejection {
        text.push_str(&format!("now it would be {}\n", rejection(rejected)));
    }
    text.push_str(&intervening(
        &conflict.intervening,
        conflict.intervening_total,
    ));
    text
}

/// The events that the sender did not know of.
pub(crate) fn intervening(events: &[RecordedEvent], total: u64) -> String {
    if total == 0 {
        return String::new();
    }
    let noun = if total == 1 { "event" } else { "events" };
    let shown = events.len() as u64;
    let more = match total.saturating_sub(shown) {
        0 => String::new(),
        more => format!("      ... and {more} more\n"),
    };
    format!(
        "{total} {noun} came between:\n{}{more}",
        event_lines(events)
    )
}
