//! What this process spends while something is measured, as the system counts it. These figures hold on a busy machine,
//! where rates do not.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use serde::Serialize;
use seriatim::core::COMMIT_APPENDS;

use crate::Outcome;
use crate::measure::median;

/// What a command cost.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// The commands of one commit; `None` if the store makes no commits.
    pub commands_per_commit: Option<f64>,
    /// The processor time of this process, in microseconds.
    pub cpu_micros: f64,
    /// How often a thread of this process gave up its core or lost it.
    pub switches: f64,
    /// The cores that this process used on average.
    pub cores: f64,
    /// The cores that all other processes used, a server of the measurement among them, and the host of a virtual
    /// machine.
    pub cores_of_others: f64,
}

impl Cost {
    /// The medians of what several rounds cost.
    pub fn median(rounds: &[Self]) -> Self {
        let of = |part: fn(&Self) -> f64| median(&rounds.iter().map(part).collect::<Vec<_>>());
        let per_commit = rounds.iter().filter_map(|cost| cost.commands_per_commit);
        let per_commit: Vec<_> = per_commit.collect();
        Self {
            commands_per_commit: (!per_commit.is_empty()).then(|| median(&per_commit)),
            cpu_micros: of(|cost| cost.cpu_micros),
            switches: of(|cost| cost.switches),
            cores: of(|cost| cost.cores),
            cores_of_others: of(|cost| cost.cores_of_others),
        }
    }
}

/// Counts the commits of this process.
#[derive(Clone, Debug, Default)]
pub struct Commits(Arc<AtomicU64>);

/// The state of the counters at the beginning.
#[derive(Debug)]
pub struct Begun {
    commits: Commits,
    at: Instant,
    before: Counted,
}

#[derive(Debug)]
struct Counted {
    commits: u64,
    cpu_nanos: f64,
    switches: f64,
    /// The processor time of the whole machine, in seconds.
    machine: f64,
}

impl Commits {
    /// Installs the counter. Only commits of stores that make their first commit later are counted. Fails if another
    /// recorder of metrics is installed.
    pub fn install() -> Outcome<Self> {
        let commits = Self::default();
        metrics::set_global_recorder(commits.clone())?;
        Ok(commits)
    }

    /// Begins to count. Fails on a system without `/proc`.
    pub fn begin(&self) -> Outcome<Begun> {
        Ok(Begun {
            commits: self.clone(),
            before: self.count()?,
            at: Instant::now(),
        })
    }

    fn count(&self) -> Outcome<Counted> {
        let (cpu_nanos, switches) = of_threads()?;
        Ok(Counted {
            commits: self.0.load(Relaxed),
            cpu_nanos,
            switches,
            machine: of_machine()?,
        })
    }
}

impl Begun {
    /// Returns what each of so many commands cost since.
    pub fn end(self, commands: usize) -> Outcome<Cost> {
        let (seconds, before) = (self.at.elapsed().as_secs_f64(), self.before);
        let after = self.commits.count()?;
        let commands = commands as f64;
        let cpu_nanos = after.cpu_nanos - before.cpu_nanos;
        let cores = cpu_nanos / 1e9 / seconds;
        let commits = after.commits - before.commits;
        Ok(Cost {
            commands_per_commit: (commits > 0).then(|| commands / commits as f64),
            cpu_micros: cpu_nanos / 1e3 / commands,
            switches: (after.switches - before.switches) / commands,
            cores,
            cores_of_others: (after.machine - before.machine) / seconds - cores,
        })
    }
}

/// The processor time of all threads of this process, and how often they were switched. Threads that have ended do not
/// count.
fn of_threads() -> Outcome<(f64, f64)> {
    let (mut nanos, mut switches) = (0.0, 0.0);
    for thread in fs::read_dir("/proc/self/task")? {
        let folder = thread?.path();
        // A thread may end meanwhile.
        let (Ok(time), Ok(status)) = (
            fs::read_to_string(folder.join("schedstat")),
            fs::read_to_string(folder.join("status")),
        ) else {
            continue;
        };
        nanos += first_number(&time);
        let lines = status.lines().filter_map(|line| line.split_once(':'));
        let counts = lines.filter(|(name, _)| name.ends_with("ctxt_switches"));
        switches += counts.map(|(_, count)| first_number(count)).sum::<f64>();
    }
    Ok((nanos, switches))
}

/// The processor time that this machine did not spend idle, in seconds.
fn of_machine() -> Outcome<f64> {
    /// `sysconf(_SC_CLK_TCK)` on every Linux of today.
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = fs::read_to_string("/proc/stat")?;
    let all = text.lines().next().unwrap_or_default();
    let ticks = all.split_whitespace().skip(1).take(8).map(first_number);
    // The fourth and the fifth are idle, the eighth is what the host took.
    let spent = ticks.enumerate().filter(|(at, _)| !matches!(at, 3 | 4));
    Ok(spent.map(|(_, ticks)| ticks).sum::<f64>() / TICKS_PER_SECOND)
}

fn first_number(text: &str) -> f64 {
    let first = text.split_whitespace().next();
    first.and_then(|first| first.parse().ok()).unwrap_or(0.0)
}

/// It counts commits and drops everything else.
impl Recorder for Commits {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        match key.name() {
            COMMIT_APPENDS => Histogram::from_arc(Arc::new(self.clone())),
            _ => Histogram::noop(),
        }
    }
}

impl HistogramFn for Commits {
    fn record(&self, _: f64) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_spends_is_counted() {
        let commits = Commits::default();
        let begun = commits.begin().unwrap();
        // Ten ticks of the coarsest clock.
        while begun.at.elapsed().as_millis() < 100 {
            commits.record(1.0);
        }
        let cost = begun.end(1000).unwrap();
        assert!(cost.cpu_micros > 0.0 && cost.cores > 0.0, "{cost:?}");
        assert!(cost.commands_per_commit < Some(1000.0), "{cost:?}");
    }

    #[test]
    fn rounds_have_a_median_each() {
        let cost = |cpu_micros, switches| Cost {
            commands_per_commit: None,
            cpu_micros,
            switches,
            cores: 1.0,
            cores_of_others: 0.5,
        };
        let median = Cost::median(&[cost(3.0, 1.0), cost(1.0, 2.0), cost(2.0, 3.0)]);
        assert_eq!((median.cpu_micros, median.switches), (2.0, 2.0));
    }
}
