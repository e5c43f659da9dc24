//! Reports the metrics of components and audits to the facade `metrics`.

use std::time::Duration;

use metrics::{Unit, counter, gauge, histogram};
use seriatim_core::{Component, Domain, LogPartition, Overdue, Position, Progress, Timestamp};

use crate::Audit;

const EVENTS: &str = "seriatim_reaction_events_total";
const FAILURES: &str = "seriatim_reaction_failures_total";
const STEP_EVENTS: &str = "seriatim_reaction_step_events";
const STEP_DURATION: &str = "seriatim_reaction_step_duration_seconds";
const POSITION: &str = "seriatim_reaction_position";
const LAG_EVENTS: &str = "seriatim_reaction_lag_events";
const LAG_SECONDS: &str = "seriatim_reaction_lag_seconds";
const PARKED: &str = "seriatim_reaction_parked_streams";
const PARKED_OLDEST: &str = "seriatim_reaction_parked_oldest_seconds";
const PAUSED: &str = "seriatim_reaction_paused";
const TIMERS_OVERDUE: &str = "seriatim_timers_overdue";
const TIMERS_OVERDUE_OLDEST: &str = "seriatim_timers_overdue_oldest_seconds";
const LOG_POSITION: &str = "seriatim_log_position";
const VERIFIED: &str = "seriatim_audit_verified_position";
const EFFECTS_VERIFIED: &str = "seriatim_audit_effects_verified_position";
const FINDINGS: &str = "seriatim_audit_findings";

/// Describes each metric of components and audits to the installed recorder.
pub fn describe_metrics() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!(EVENTS, Unit::Count, "Events that components have handled");
    describe_counter!(FAILURES, Unit::Count, "Tries at which components failed");
    describe_histogram!(
        STEP_EVENTS,
        Unit::Count,
        "Events handed to a component at once"
    );
    describe_histogram!(
        STEP_DURATION,
        Unit::Seconds,
        "Time of one try, with its checkpoint if that was moved, by outcome"
    );
    describe_gauge!(
        POSITION,
        Unit::Count,
        "The position of a piece of work in its partition"
    );
    describe_gauge!(
        LAG_EVENTS,
        Unit::Count,
        "Events of its partition that a piece of work has not seen"
    );
    describe_gauge!(
        LAG_SECONDS,
        Unit::Seconds,
        "Age of the oldest event that a piece of work has not seen"
    );
    describe_gauge!(
        PARKED,
        Unit::Count,
        "Streams that are parked in a piece of work"
    );
    describe_gauge!(
        PARKED_OLDEST,
        Unit::Seconds,
        "Age of the stream that was parked first"
    );
    describe_gauge!(PAUSED, Unit::Count, "1 if a piece of work is paused");
    describe_gauge!(
        TIMERS_OVERDUE,
        Unit::Count,
        "Timers of a process manager that are due and were not sent to their instances yet"
    );
    describe_gauge!(
        TIMERS_OVERDUE_OLDEST,
        Unit::Seconds,
        "Time since the first of them was due"
    );
    describe_gauge!(
        LOG_POSITION,
        Unit::Count,
        "The last position of a partition of the log"
    );
    describe_gauge!(
        VERIFIED,
        Unit::Count,
        "The position up to which a partition of the log is proven to be sound"
    );
    describe_gauge!(
        EFFECTS_VERIFIED,
        Unit::Count,
        "The position up to which each effect of a component is proven to be at its target"
    );
    describe_gauge!(
        FINDINGS,
        Unit::Count,
        "Findings of the audit in the background"
    );
}

/// Counts a try of a component.
pub(crate) fn tried(component: &Component, events: usize, outcome: &'static str, took: Duration) {
    let component = component.to_string();
    histogram!(STEP_EVENTS, "component" => component.clone()).record(number(events as u64));
    histogram!(STEP_DURATION, "component" => component.clone(), "outcome" => outcome).record(took);
    match outcome {
        "done" => counter!(EVENTS, "component" => component).increment(events as u64),
        "failed" => counter!(FAILURES, "component" => component).increment(1),
        _ => {}
    }
}

/// Reports the progress of a piece of work.
pub(crate) fn progress(progress: &Progress) {
    let work = &progress.checkpoint.work;
    let labels = [
        ("component", work.component.to_string()),
        ("partition", work.partition.to_string()),
        ("share", work.share.index().to_string()),
    ];
    let now = Timestamp::now();
    let age = |since: Option<Timestamp>| since.map_or(0.0, |since| now.since(since).as_secs_f64());
    gauge!(POSITION, &labels).set(number(progress.checkpoint.at.position.0));
    gauge!(LAG_EVENTS, &labels).set(number(progress.lag()));
    gauge!(LAG_SECONDS, &labels).set(age(progress.behind_since));
    gauge!(PARKED, &labels).set(number(progress.parked as u64));
    gauge!(PARKED_OLDEST, &labels).set(age(progress.parked_since));
    let paused = progress.checkpoint.paused.is_some();
    gauge!(PAUSED, &labels).set(f64::from(u8::from(paused)));
}

/// Reports the overdue timers of a process manager.
pub(crate) fn overdue(process_manager: &Domain, overdue: Overdue) {
    let name = process_manager.to_string();
    gauge!(TIMERS_OVERDUE, "process_manager" => name.clone()).set(number(overdue.count));
    gauge!(TIMERS_OVERDUE_OLDEST, "process_manager" => name).set(overdue.longest.as_secs_f64());
}

/// Reports the head of a partition of the log.
pub(crate) fn head(partition: LogPartition, head: Position) {
    gauge!(LOG_POSITION, "partition" => partition.to_string()).set(number(head.0));
}

/// Reports the result of an audit.
pub(crate) fn audit(audit: &Audit) {
    for partition in &audit.partitions {
        gauge!(VERIFIED, "partition" => partition.partition.to_string())
            .set(number(partition.verified.0));
    }
    for effects in &audit.effects {
        let labels = [
            ("component", effects.component.to_string()),
            ("partition", effects.partition.to_string()),
        ];
        gauge!(EFFECTS_VERIFIED, &labels).set(number(effects.verified.0));
    }
    gauge!(FINDINGS).set(number(audit.findings_total));
}

#[expect(
    clippy::cast_precision_loss,
    reason = "gauges are numbers of this kind"
)]
fn number(count: u64) -> f64 {
    count as f64
}
