//! Text about components, for people and for programs.

use serde_json::{Value, json};
use seriatim_core::{Begin, Component, Cursor, Progress, Work};

use super::lines::Lines;

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
        "position": checkpoint.at.position,
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

pub(crate) fn progress(all: &[Progress]) -> Lines {
    let rows: Vec<_> = all
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
                format!("position {}", checkpoint.at.position),
                format!("lag {}", progress.lag()),
                format!("{} parked", progress.parked),
                state,
            ]
        })
        .collect();
    Lines::aligned(&rows)
}

/// Returns what a component loses that begins anew.
pub(crate) fn loss(all: &[Progress]) -> String {
    let lines = all.iter().map(|progress| {
        let checkpoint = &progress.checkpoint;
        let (work, position) = (&checkpoint.work, checkpoint.at.position);
        format!("{work} at position {position}, {} parked", progress.parked)
    });
    lines.collect::<Vec<_>>().join("; ")
}

pub(crate) fn begun(component: &Component, at: &Begin) -> Lines {
    let place = match at {
        Begin::AtTheFirst => "with the first event".into(),
        Begin::Now => "with what is recorded from now on".into(),
        Begin::Since(time) => format!("with what was recorded since {time}"),
        Begin::After(cursor) => format!("after {cursor}"),
    };
    Lines::of(&format!("{component}: begins anew {place}"))
}

pub(crate) fn begun_json(component: &Component, cursor: &Cursor) -> Value {
    json!({ "component": component, "cursor": cursor })
}

pub(crate) fn paused(work: &[Work]) -> Lines {
    work.iter()
        .map(|work| format!("{work}: pauses after the step it is at"))
        .collect()
}

pub(crate) fn resumed(work: &[Work]) -> Lines {
    work.iter().map(|work| format!("{work}: goes on")).collect()
}
