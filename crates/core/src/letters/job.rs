//! Describes bulk jobs: one decision about many letters, which is carried out even if its caller is gone.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Component, Domain, LetterFilter, StreamId, Timestamp, Verb};

/// A job to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// What is done about each letter.
    pub verb: Verb,
    /// The letters. Its status, its order and its place in the list do not matter: a job takes those that wait, oldest
    /// first.
    pub filter: LetterFilter,
    /// The last letter that it takes; `None` for the latest one that waits now. Letters with a greater id are not taken.
    pub through: Option<Uuid>,
    /// The reason, which a discard requires.
    pub reason: Option<String>,
    /// True if it stops at the first letter that is not accepted. It can be resumed then.
    pub stop_at_failure: bool,
}

/// What a job would take if it was started now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobPlan {
    /// The last letter that it takes; nil if there is none.
    pub through: Uuid,
    /// The number of letters that wait.
    pub letters: u64,
    /// What the letters are about.
    pub parts: Vec<JobPart>,
}

/// A domain whose letters a job takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobPart {
    /// The component of the events; `None` for commands.
    pub component: Option<Component>,
    /// The domain of the commands, or of the events.
    pub domain: Domain,
}

/// A job as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// Its id, a version 7 UUID: jobs sort by the time of their start.
    pub id: Uuid,
    /// What is done about each letter.
    pub verb: Verb,
    /// Its letters.
    pub filter: LetterFilter,
    /// The reason that was given.
    pub reason: Option<String>,
    /// True if it stops at the first letter that is not accepted.
    pub stop_at_failure: bool,
    /// What it takes.
    pub plan: JobPlan,
    /// The time of its start.
    pub started: Timestamp,
    /// Who started it; `None` if unknown.
    pub started_by: Option<String>,
    /// Its status.
    pub status: JobStatus,
    /// The time at which it got this status.
    pub changed: Timestamp,
    /// Who gave it this status; `None` if it was the job itself, or if that is unknown.
    pub changed_by: Option<String>,
    /// The letters that have a result.
    pub counts: JobCounts,
}

/// The numbers of letters of a job that have a result, by their result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Letters that are [`Done`](JobOutcome::Done).
    pub done: u64,
    /// Letters that were [`Handed`](JobOutcome::Handed) to their components.
    pub handed: u64,
    /// Letters that [`Failed`](JobOutcome::Failed).
    pub failed: u64,
    /// Letters that were [`Passed`](JobOutcome::Passed) over.
    pub passed: u64,
}

impl JobCounts {
    /// Returns the number of letters that have a result.
    pub fn all(&self) -> u64 {
        self.done + self.handed + self.failed + self.passed
    }

    /// Counts a letter.
    pub fn count(&mut self, outcome: JobOutcome) {
        *match outcome {
            JobOutcome::Done => &mut self.done,
            JobOutcome::Handed => &mut self.handed,
            JobOutcome::Failed => &mut self.failed,
            JobOutcome::Passed => &mut self.passed,
        } += 1;
    }
}

/// The status of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// A process works for it, or will.
    #[default]
    Running,
    /// A person has paused it.
    Paused,
    /// It has stopped at a letter that was not accepted, as it was told to. It can be resumed.
    Stopped,
    /// A person has cancelled it, for good.
    Cancelled,
    /// Each of its letters has a result.
    Finished,
}

impl JobStatus {
    /// Returns its name on the command line and on the pages of the console.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
            Self::Finished => "finished",
        }
    }

    /// Returns the status with this name.
    pub fn named(name: &str) -> Option<Self> {
        [
            Self::Running,
            Self::Paused,
            Self::Stopped,
            Self::Cancelled,
            Self::Finished,
        ]
        .into_iter()
        .find(|status| status.as_str() == name)
    }

    /// Returns whether nothing can change it any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Cancelled | Self::Finished)
    }
}

/// What became of one letter of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobResult {
    /// The letter.
    pub letter: Uuid,
    /// The stream that a command is for, or the stream of the event; `None` if the letter was gone.
    pub stream: Option<StreamId>,
    /// The result.
    pub outcome: JobOutcome,
    /// The result in words, for people.
    pub text: String,
    /// The time of the result.
    pub at: Timestamp,
}

/// The result of one letter of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobOutcome {
    /// The command was accepted or discarded, and its letter is closed.
    Done,
    /// The component of the event was told what to do. The letter itself says what became of that.
    Handed,
    /// The command was not accepted. Its letter stays, with one attempt more.
    Failed,
    /// Somebody else has decided about the letter since the job was started, so the job did nothing.
    Passed,
}

impl JobOutcome {
    /// Returns its name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Handed => "handed",
            Self::Failed => "failed",
            Self::Passed => "passed",
        }
    }
}

/// A place in the list of a job's results: that of the first result of the next page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResultPlace {
    /// The sequence of the event that has it.
    pub sequence: u32,
    /// Its number in that event, from 0 on.
    pub index: u32,
}
