//! Shows workflows: events in the order of time, each effect further to the right than its cause, and letters.

use serde_json::{Value, json};
use seriatim_core::{DeadLetter, RecordedEvent, Timestamp};

use super::lines::Lines;
use super::{json as as_json, letters as as_letters, text as as_text};

pub(crate) fn event_json(event: &RecordedEvent) -> Value {
    let mut value = as_json::event(event);
    value["kind"] = json!("event");
    value["depth"] = json!(event.metadata.depth);
    value
}

/// A letter has its kind already: `command` or `reaction`.
pub(crate) fn letter_json(letter: &DeadLetter) -> Value {
    as_letters::letter_json(letter)
}

/// Returns a line for each event, with the time since the first event of the workflow.
pub(crate) fn events(events: &[RecordedEvent], first: Option<Timestamp>) -> Lines {
    let rows = events.iter().map(|event| {
        let since = event.recorded_at.since(first.unwrap_or(event.recorded_at));
        let indent = "  ".repeat(usize::try_from(event.metadata.depth.min(8)).unwrap_or(8));
        vec![
            format!("{:>9}", format!("+{:.3}s", since.as_secs_f64())),
            format!("{indent}{}", event.stream),
            format!("{:>4}", event.sequence),
            as_text::content(event),
        ]
    });
    Lines::aligned(&rows.collect::<Vec<_>>())
}

pub(crate) fn letters(letters: &[DeadLetter]) -> Lines {
    let mut lines = Lines::of("");
    lines.push("dead letters:");
    lines.append(&as_letters::letters(letters));
    lines
}
