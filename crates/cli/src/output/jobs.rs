//! Bulk jobs, for people and for programs.

use serde_json::{Value, json};
use seriatim_core::{
    Component, JobPart, JobPlan, JobRecord, JobResult, LetterFilter, LetterKind, StreamId,
};

use super::lines::Lines;

pub(crate) fn plan_json(plan: &JobPlan) -> Value {
    json!({
        "letters": plan.letters,
        "through": plan.through,
        "parts": parts_json(&plan.parts),
    })
}

pub(crate) fn plan(plan: &JobPlan) -> Lines {
    let wait = if plan.letters == 1 { "waits" } else { "wait" };
    let mut lines = Lines::of(&format!("{} {wait}", letters(plan.letters)));
    for JobPart { component, domain } in &plan.parts {
        let what = component.as_ref().map_or("commands", Component::as_str);
        lines.push(&format!("  {what}  {domain}"));
    }
    lines
}

/// Returns a number of letters in words.
pub(crate) fn letters(count: u64) -> String {
    match count {
        1 => "1 letter".into(),
        count => format!("{count} letters"),
    }
}

pub(crate) fn job_json(job: &JobRecord) -> Value {
    json!({
        "id": job.id,
        "verb": job.verb,
        "filter": filter_json(&job.filter),
        "reason": job.reason,
        "stop_at_failure": job.stop_at_failure,
        "through": job.plan.through,
        "letters": job.plan.letters,
        "parts": parts_json(&job.plan.parts),
        "started": job.started,
        "started_by": job.started_by,
        "status": job.status,
        "changed": job.changed,
        "changed_by": job.changed_by,
        "done": job.counts.done,
        "handed": job.counts.handed,
        "failed": job.counts.failed,
        "passed": job.counts.passed,
    })
}

fn parts_json(parts: &[JobPart]) -> Vec<Value> {
    let parts = parts.iter();
    parts
        .map(|part| json!({ "component": part.component, "domain": part.domain }))
        .collect()
}

fn filter_json(filter: &LetterFilter) -> Value {
    json!({
        "kind": filter.kind,
        "component": filter.component,
        "domain": filter.domain,
        "stream": filter.stream.as_ref().map(StreamId::to_string),
        "fault": filter.fault,
        "assignee": filter.assignee.as_ref().map(|to| to.name().unwrap_or_default()),
    })
}

pub(crate) fn jobs(jobs: &[JobRecord]) -> Lines {
    let rows = jobs.iter().map(|job| {
        vec![
            job.id.to_string(),
            job.verb.as_str().to_owned(),
            job.status.as_str().to_owned(),
            format!("{} of {}", job.counts.all(), job.plan.letters),
            job.started.to_string(),
            job.started_by.clone().unwrap_or_else(|| "-".into()),
            filter(&job.filter),
        ]
    });
    Lines::aligned(&rows.collect::<Vec<_>>())
}

pub(crate) fn job(job: &JobRecord) -> Lines {
    let by = |who: &Option<String>| match who {
        Some(who) => format!(" by {who}"),
        None => String::new(),
    };
    let mut lines = Lines::of(&format!(
        "{}: {} {}",
        job.id,
        job.verb.as_str(),
        filter(&job.filter)
    ));
    let mut line = |name: &str, text: String| lines.push(&format!("  {name:<8} {text}"));
    line("started", format!("{}{}", job.started, by(&job.started_by)));
    if let Some(reason) = &job.reason {
        line("reason", reason.clone());
    }
    let status = job.status.as_str();
    let changed = format!("{status} {}{}", job.changed, by(&job.changed_by));
    line("status", changed);
    line("letters", summary_of(job));
    lines
}

/// Returns how a job stands, in one line.
pub(crate) fn summary(job: &JobRecord) -> String {
    format!("{}: {}", job.status.as_str(), summary_of(job))
}

fn summary_of(job: &JobRecord) -> String {
    let counts = &job.counts;
    format!(
        "{} of {}: {} done, {} handed to their components, {} not accepted, {} decided by others",
        counts.all(),
        job.plan.letters,
        counts.done,
        counts.handed,
        counts.failed,
        counts.passed
    )
}

fn filter(filter: &LetterFilter) -> String {
    let mut words = Vec::new();
    let kind = filter.kind.map(|kind| match kind {
        LetterKind::Command => "command",
        LetterKind::Reaction => "reaction",
    });
    words.extend(kind.map(|kind| format!("--kind {kind}")));
    let component = filter.component.as_ref();
    words.extend(component.map(|component| format!("--component {component}")));
    match (&filter.stream, &filter.domain) {
        (Some(stream), _) => words.push(format!("--stream {stream}")),
        (None, Some(domain)) => words.push(format!("--domain {domain}")),
        (None, None) => {}
    }
    let assignee = filter.assignee.as_ref();
    words.extend(assignee.map(|to| format!("--assignee '{}'", to.name().unwrap_or_default())));
    words.extend((filter.fault.as_ref()).map(|fault| format!("--fault '{fault}'")));
    match words.is_empty() {
        true => "--all".into(),
        false => words.join(" "),
    }
}

pub(crate) fn result_json(result: &JobResult) -> Value {
    json!({
        "letter": result.letter,
        "stream": result.stream.as_ref().map(StreamId::to_string),
        "outcome": result.outcome,
        "text": result.text,
        "at": result.at,
    })
}

pub(crate) fn results(results: &[JobResult]) -> Lines {
    let rows = results.iter().map(|result| {
        vec![
            result.letter.to_string(),
            result.outcome.as_str().to_owned(),
            (result.stream.as_ref()).map_or("-".into(), StreamId::to_string),
            result.text.clone(),
        ]
    });
    Lines::aligned(&rows.collect::<Vec<_>>())
}
