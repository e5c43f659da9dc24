//! What is said about components, for people and for programs.

use serde_json::{Value, json};
use seriatim_core::{Parked, Progress, Skipped, Will, Work};

use super::table::align;

pub(crate) fn work_json(work: &Work) -> Value {
    json!({
        "component": work.component,
        "partition": work.partition.0,
        "share": work.share.index(),
        "share_count": work.share.count(),
    })
}

pub(crate) fn progress_json(progress: &Progress) -> Value {
    let checkpoint = &progress.checkpoint;
    json!({
        "work": work_json(&checkpoint.work),
        "position": checkpoint.position,
        "head": progress.head,
        "lag": progress.lag(),
        "behind_since": progress.behind_since,
        "parked": progress.parked,
        "parked_since": progress.parked_since,
        "paused": checkpoint.paused,
        "owner": checkpoint.owner,
        "epoch": checkpoint.epoch,
        "leased_until": checkpoint.leased_until,
        "moved_at": checkpoint.moved_at,
    })
}

pub(crate) fn progress(all: &[Progress]) -> String {
    let lines: Vec<_> = all
        .iter()
        .map(|progress| {
            let checkpoint = &progress.checkpoint;
            let state = match (&checkpoint.paused, &checkpoint.owner) {
                (Some(why), _) => format!("paused: {why}"),
                (None, Some(owner)) => format!("done by {owner}"),
                (None, None) => "done by nobody".into(),
            };
            vec![
                checkpoint.work.to_string(),
                format!("position {}", checkpoint.position),
                format!("lag {}", progress.lag()),
                format!("{} parked", progress.parked),
                state,
            ]
        })
        .collect();
    align(&lines)
}

pub(crate) fn parked_json(parked: &Parked) -> Value {
    let attempts = parked.attempts.iter().map(
        |attempt| json!({ "at": attempt.at, "actor": attempt.actor, "result": attempt.result }),
    );
    json!({
        "work": work_json(&parked.work),
        "stream": parked.stream.to_string(),
        "sequence": parked.sequence,
        "failure": parked.failure,
        "tries": parked.tries,
        "since": parked.since,
        "attempts": attempts.collect::<Vec<_>>(),
        "wish": parked.wish.as_ref().map(|wish| json!({
            "will": wish.will,
            "actor": wish.actor,
            "reason": wish.reason,
            "at": wish.at,
        })),
    })
}

pub(crate) fn parked(all: &[Parked]) -> String {
    let lines: Vec<_> = all
        .iter()
        .map(|parked| {
            let wish = match parked.wish.as_ref().map(|wish| wish.will) {
                None => "waits for a person",
                Some(Will::Retry) => "is retried",
                Some(Will::Skip) => "is skipped",
            };
            vec![
                parked.work.component.to_string(),
                parked.stream.to_string(),
                format!("at {}", parked.sequence),
                format!("{} tries", parked.tries),
                parked.since.to_string(),
                wish.into(),
                parked.failure.clone(),
            ]
        })
        .collect();
    align(&lines)
}

pub(crate) fn skipped_json(skipped: &Skipped) -> Value {
    json!({
        "work": work_json(&skipped.work),
        "stream": skipped.stream.to_string(),
        "sequence": skipped.sequence,
        "failure": skipped.failure,
        "actor": skipped.actor,
        "reason": skipped.reason,
        "at": skipped.at,
    })
}

pub(crate) fn skipped(all: &[Skipped]) -> String {
    let lines: Vec<_> = all
        .iter()
        .map(|skipped| {
            vec![
                skipped.work.component.to_string(),
                skipped.stream.to_string(),
                format!("at {}", skipped.sequence),
                skipped.at.to_string(),
                skipped.actor.clone().unwrap_or_else(|| "-".into()),
                skipped.reason.clone(),
            ]
        })
        .collect();
    align(&lines)
}

pub(crate) fn decided(will: Will, was: &Parked) -> String {
    let (stream, sequence) = (&was.stream, was.sequence);
    match will {
        Will::Retry => format!("{stream}: will be retried from {sequence} on\n"),
        Will::Skip => {
            format!("{stream}: {sequence} will be skipped, and what follows it retried\n")
        }
    }
}

pub(crate) fn retried_json(count: u64) -> Value {
    json!({ "retried": count })
}

pub(crate) fn retried(count: u64) -> String {
    match count {
        1 => "1 stream will be retried\n".into(),
        count => format!("{count} streams will be retried\n"),
    }
}

pub(crate) fn resumed(work: &[Work]) -> String {
    work.iter()
        .map(|work| format!("{work}: goes on\n"))
        .collect()
}
