//! Shows the progress of a version of a read model to a person.

use std::time::Duration;

use crate::{Position, ReadModelVersion, Timestamp, VersionStanding, VersionStatus};

/// A version of a read model, as a person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadModelOverview {
    /// The version.
    pub version: ReadModelVersion,
    /// Its standing.
    pub standing: VersionStanding,
    /// Its tables, by their names in SQL.
    pub tables: Vec<String>,
    /// Its progress.
    pub progress: ReadModelProgress,
    /// The processes that feed it; empty if none does.
    pub owners: Vec<String>,
    /// The reason why some of its work is paused, for people; `None` if it is not paused.
    pub paused: Option<String>,
}

impl ReadModelOverview {
    /// Returns the overview of a version in a log with these heads, in the order of their partitions.
    pub fn of(status: &VersionStatus, heads: &[Position]) -> Self {
        let checkpoints = &status.checkpoints;
        let mut owners: Vec<_> = checkpoints
            .iter()
            .filter_map(|one| one.owner.clone())
            .collect();
        owners.sort();
        owners.dedup();
        Self {
            version: status.version.clone(),
            standing: status.standing,
            tables: status.tables.names().collect(),
            progress: status.progress(heads),
            owners,
            paused: checkpoints.iter().find_map(|one| one.paused.clone()),
        }
    }
}

/// The progress of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadModelProgress {
    /// The number of events of the log that it has handled, or skipped because they do not concern it.
    pub handled: u64,
    /// The number of events of the log.
    pub of: u64,
    /// The time at which it began, by the clock of its database.
    pub begun_at: Timestamp,
    /// The time at which it last moved, by the same clock.
    pub moved_at: Timestamp,
}

impl ReadModelProgress {
    /// Returns whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.handled >= self.of
    }

    /// Returns the progress in whole percents; 100 for an empty log.
    pub fn percent(&self) -> u64 {
        match self.of {
            0 => 100,
            of => self.handled.min(of).saturating_mul(100) / of,
        }
    }

    /// Returns the events per second, on average since it began; 0 if it has not moved.
    pub fn rate(&self) -> f64 {
        per_second(self.handled, self.begun_at, self.moved_at)
    }

    /// Returns the events per second since an earlier look.
    pub fn rate_since(&self, earlier: &Self) -> f64 {
        let more = self.handled.saturating_sub(earlier.handled);
        per_second(more, earlier.moved_at, self.moved_at)
    }

    /// Returns the time that the rest takes at this rate; `None` if it never ends.
    pub fn left_at(&self, rate: f64) -> Option<Duration> {
        let left = self.of.saturating_sub(self.handled);
        match left {
            0 => Some(Duration::ZERO),
            _ => Duration::try_from_secs_f64(left as f64 / rate).ok(),
        }
    }
}

fn per_second(events: u64, from: Timestamp, to: Timestamp) -> f64 {
    let micros = to.as_micros().saturating_sub(from.as_micros());
    match micros > 0 {
        true => events as f64 * 1e6 / micros as f64,
        false => 0.0,
    }
}
