//! Answers for people.

use seriatim::Audit;
use seriatim_core::{
    Codec, Cursor, FirstResult, Outcome, Payload, Receipt, RecordedEvent, Rejected, SchemaChange,
    Sequence, SequenceConflict, Simulated, Simulation, StateView, StreamSummary,
};
use seriatim_proto::v1::{self as wire, DomainDescription};

use super::lines::Lines;

/// The most bytes that are shown as hexadecimal digits.
const MOST_DIGITS: usize = 32;

/// `made`: whether the migrations were made, or are only missing.
pub(crate) fn schema_change(change: &SchemaChange, made: bool) -> Lines {
    let (before, after) = (change.before, change.after());
    let mut lines = Lines::of(&match (change.migrations.is_empty(), made) {
        (true, _) => format!("up to date, at migration {after}"),
        (false, true) => format!("migrated from {before} to {after}"),
        (false, false) => format!("at migration {before}, {after} is needed; missing:"),
    });
    let rows: Vec<_> = change
        .migrations
        .iter()
        .map(|migration| vec![format!("{:4}", migration.number), migration.name.into()])
        .collect();
    lines.append(&Lines::aligned(&rows));
    lines
}

pub(crate) fn audit(audit: &Audit) -> Lines {
    let mut lines = Lines::default();
    for partition in &audit.partitions {
        let (number, head, verified) = (partition.partition, partition.head, partition.verified);
        lines.push(&format!(
            "partition {number}: verified up to position {verified} of {head}"
        ));
    }
    let (checkpoints, parked) = (audit.checkpoints, audit.parked);
    let (claims, timers) = (audit.claims, audit.timers);
    lines.push(&format!(
        "compared with it: {checkpoints} checkpoints, {parked} parked streams, {claims} claims, {timers} timers"
    ));
    for unproven in &audit.unproven {
        lines.push(&format!("not looked at: {unproven}"));
    }
    for finding in &audit.findings {
        lines.push(&format!("finding: {finding}"));
    }
    let more = audit.findings_total - audit.findings.len() as u64;
    if more > 0 {
        lines.push(&format!("and {more} more"));
    }
    lines.push(match audit.is_sound() {
        true => "verdict: sound",
        false => "verdict: damaged",
    });
    lines
}

pub(crate) fn receipt(receipt: &Receipt) -> Lines {
    let stream = &receipt.stream;
    Lines::of(&match &receipt.outcome {
        Outcome::Committed(commit) => {
            let merged = if commit.merged {
                ", merged with what came before"
            } else {
                ""
            };
            let place = range(commit.first, commit.last);
            let head = format!(
                "{stream}: committed, {place}, position {}{merged}",
                commit.position
            );
            let mut lines = Lines::of(&head);
            lines.append(&event_lines(&commit.events));
            return lines;
        }
        Outcome::Unchanged { current } => {
            format!("{stream}: nothing to do, {}", still_at(*current))
        }
        Outcome::Duplicate(first) => {
            format!(
                "{stream}: seen before under this external id: {}",
                first_result(first)
            )
        }
        Outcome::DeadLettered { id, reason } => {
            format!("{stream}: parked as dead letter {id}: {reason}")
        }
    })
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

/// Returns one line for each event: sequence, time, content, and where it comes from.
pub(crate) fn event_lines(events: &[RecordedEvent]) -> Lines {
    let rows: Vec<_> = events.iter().map(event_cells).collect();
    Lines::aligned(&rows)
}

pub(crate) fn event_cells(event: &RecordedEvent) -> Vec<String> {
    vec![
        format!("{:>5}", event.sequence),
        event.recorded_at.to_string(),
        content(event),
    ]
}

/// Returns one line for an event of any stream: position, time, stream, sequence, content, and where it comes from.
pub(crate) fn logged_events(events: &[(RecordedEvent, Cursor)]) -> Lines {
    let rows = events.iter().map(|(event, _)| {
        vec![
            format!("{:>5}", event.position),
            event.recorded_at.to_string(),
            event.stream.to_string(),
            format!("{:>5}", event.sequence),
            content(event),
        ]
    });
    Lines::aligned(&rows.collect::<Vec<_>>())
}

/// Returns what happened, and where it comes from.
pub(crate) fn content(event: &RecordedEvent) -> String {
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

/// Returns, for example, `Deposited {"cents":50}`.
pub(crate) fn payload(payload: &Payload) -> String {
    if payload.is_nothing() {
        return "(nothing any more)".into();
    }
    if let Some(why) = payload.why_unreadable() {
        return format!("(cannot be read: {why})");
    }
    match payload.codec {
        Codec::Json => {
            let tree = payload.tree();
            let text = tree.map_or("(not JSON)".into(), |tree| tree.to_string());
            format!("{} {text}", payload.type_name)
        }
        Codec::Protobuf => undecoded(payload),
    }
}

/// Returns the type, the size and the first digits of what nothing is known of.
fn undecoded(payload: &Payload) -> String {
    let (name, bytes) = (&payload.type_name, payload.data.len());
    let shown = payload.data.slice(..bytes.min(MOST_DIGITS));
    let more = if bytes > MOST_DIGITS { "..." } else { "" };
    format!("{name} ({bytes} bytes: {shown:x}{more})")
}

pub(crate) fn state(view: &StateView) -> Lines {
    state_after("", view)
}

/// The heading continues after `subject`.
fn state_after(subject: &str, view: &StateView) -> Lines {
    let mut lines = Lines::of(&format!("{subject}{}", heading(view)));
    // A string in JSON holds no line feed, so the line feeds separate its lines.
    let pretty = match view.tree() {
        Ok(tree) => format!("{tree:#}"),
        Err(_) => view.state.clone(),
    };
    pretty.split('\n').for_each(|line| lines.push(line));
    lines
}

fn heading(view: &StateView) -> String {
    match view.sequence {
        Some(sequence) => format!("{} at sequence {sequence}", view.stream),
        None => format!("{} before its first event", view.stream),
    }
}

pub(crate) fn streams(summaries: &[StreamSummary]) -> Lines {
    let rows: Vec<_> = summaries
        .iter()
        .map(|summary| {
            vec![
                summary.stream.to_string(),
                format!("sequence {}", summary.current),
                summary.recorded_at.to_string(),
            ]
        })
        .collect();
    Lines::aligned(&rows)
}

pub(crate) fn domains(domains: &[DomainDescription]) -> Lines {
    let mut rows = Vec::new();
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
        rows.extend([commands, events]);
    }
    Lines::aligned(&rows)
}

pub(crate) fn codec(codec: wire::Codec) -> &'static str {
    match codec {
        wire::Codec::Json => "json",
        wire::Codec::Protobuf => "protobuf",
        wire::Codec::Unspecified => "unknown",
    }
}

pub(crate) fn simulation(simulation: &Simulation) -> Lines {
    let before = heading(&simulation.before);
    simulated(&format!("{before}:"), &simulation.outcome)
}

/// Returns what a command would do, as a sentence about `subject`.
pub(crate) fn simulated(subject: &str, outcome: &Simulated) -> Lines {
    let would = match outcome {
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
            let mut lines = Lines::of(&format!("{subject} would commit{merged}"));
            let events = events.iter().map(payload);
            events.for_each(|event| lines.push(&format!("  {event}")));
            lines.append(&state_after("then: ", after));
            return lines;
        }
        Simulated::Conflict(conflict) => {
            let mut lines = Lines::of(&format!("{subject} would be refused: {conflict}"));
            lines.append(&conflict_details(conflict));
            return lines;
        }
        Simulated::Unchanged => "there would be nothing to do".into(),
        Simulated::Duplicate(first) => {
            format!(
                "was seen before under this external id: {}",
                first_result(first)
            )
        }
        Simulated::ExternalIdReused(first) => format!(
            "would be refused: its external id stands for other content ({})",
            first_result(first)
        ),
        Simulated::Rejected(rejected) => format!("would be {}", rejection(rejected)),
        Simulated::Parks(reason) => format!("would be parked: {reason}"),
    };
    Lines::of(&format!("{subject} {would}"))
}

/// Returns, for example, `rejected: the account has only 5 cents (InsufficientFunds)`.
pub(crate) fn rejection(rejected: &Rejected) -> String {
    format!("rejected: {} ({})", rejected.message, rejected.code)
}

/// Returns what came between, below the sentence about the overlap.
pub(crate) fn conflict_details(conflict: &SequenceConflict) -> Lines {
    let mut lines = Lines::default();
    if let Some(rejected) = &conflict.rejection {
        lines.push(&format!("now it would be {}", rejection(rejected)));
    }
    lines.append(&intervening(
        &conflict.intervening,
        conflict.intervening_total,
    ));
    lines
}

/// Returns the events that the sender did not know of.
pub(crate) fn intervening(events: &[RecordedEvent], total: u64) -> Lines {
    let mut lines = Lines::default();
    if total == 0 {
        return lines;
    }
    let noun = if total == 1 { "event" } else { "events" };
    lines.push(&format!("{total} {noun} came between:"));
    lines.append(&event_lines(events));
    let more = total.saturating_sub(events.len() as u64);
    if more > 0 {
        lines.push(&format!("      ... and {more} more"));
    }
    lines
}
