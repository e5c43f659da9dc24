//! Shows what events have changed.

use serde_json::{Value, json};
use seriatim_core::{EventChanges, FieldChange, FieldPath, Tree};

use super::lines::Lines;
use super::{json as as_json, text as as_text};

/// Returns an event as everywhere, with what it changed.
pub(crate) fn json(found: &EventChanges) -> Value {
    let mut value = as_json::event(&found.event);
    let changes = found.changes.iter().map(|change| {
        json!({
            "field": change.path,
            "before": change.before.as_ref().map(Value::from),
            "after": change.after.as_ref().map(Value::from),
        })
    });
    value["changes"] = changes.collect();
    value
}

/// Returns a line for each event, and under it one for each field that it changed.
pub(crate) fn text(found: &[EventChanges]) -> Lines {
    let mut lines = Lines::default();
    for EventChanges { event, changes } in found {
        lines.append(&as_text::event_lines(std::slice::from_ref(event)));
        match changes.is_empty() {
            true => lines.push("       changed nothing"),
            false => changes.iter().for_each(|change| lines.push(&line(change))),
        }
    }
    lines
}

fn line(change: &FieldChange) -> String {
    let FieldChange {
        path,
        before,
        after,
    } = change;
    format!(
        "       {}: {} -> {}",
        name(path),
        value(before.as_ref()),
        value(after.as_ref())
    )
}

/// Returns the value of a field, to stand above its history.
pub(crate) fn heading(field: &FieldPath, now: Option<&Tree>) -> Lines {
    Lines::of(&format!("{}: {}", name(field), value(now)))
}

fn name(path: &FieldPath) -> String {
    match path.segments() {
        [] => "(all)".into(),
        _ => path.to_string(),
    }
}

fn value(value: Option<&Tree>) -> String {
    value.map_or("(no such field)".into(), ToString::to_string)
}
