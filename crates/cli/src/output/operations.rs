//! Text about what operators did, for people and for programs.

use serde_json::{Value, json};
use seriatim_core::OperationRecord;

use super::lines::Lines;

pub(crate) fn operation_json(operation: &OperationRecord) -> Value {
    json!({
        "id": operation.id,
        "at": operation.at,
        "actor": operation.actor,
        "what": operation.what,
        "target": operation.target,
        "reason": operation.reason,
        "times": operation.times,
        "failure": operation.failure,
    })
}

pub(crate) fn operations(all: &[OperationRecord]) -> Lines {
    let rows: Vec<_> = all.iter().map(row).collect();
    Lines::aligned(&rows)
}

fn row(operation: &OperationRecord) -> Vec<String> {
    let reason = operation.reason.as_ref();
    let reason = reason.map(|reason| format!("because: {reason}"));
    let failure = operation.failure.as_ref();
    let outcome = match (failure, operation.times) {
        (Some(why), _) => Some(format!("failed: {why}")),
        (None, 0 | 1) => None,
        (None, times) => Some(format!("{times} times")),
    };
    let rest: Vec<_> = reason.into_iter().chain(outcome).collect();
    vec![
        operation.at.to_string(),
        operation.actor.clone().unwrap_or_else(|| "-".into()),
        operation.what.clone(),
        operation.target.clone(),
        rest.join("; "),
    ]
}
