//! A job as an aggregate: one stream for each, whose root is the job's id.

use serde::{Deserialize, Serialize};
use seriatim_core::{
    Aggregate, Assignee, Component, Domain, JobOutcome, JobPart, JobResult, JobStatus,
    LetterFilter, LetterKind, LetterStatus, MergeStrategy, SnapshotPolicy, StreamId, Verb,
};
use seriatim_derive::{Command, Event, Rejection};
use uuid::Uuid;

/// The life of one job, in the log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BulkJob {
    exists: bool,
    stop_at_failure: bool,
    status: JobStatus,
    in_hand: Vec<Uuid>,
    last_taken: Option<Uuid>,
}

/// The letters of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFilter {
    /// Only letters of this kind.
    pub kind: Option<LetterKind>,
    /// Only letters of this component.
    pub component: Option<Component>,
    /// Only letters of this domain.
    pub domain: Option<Domain>,
    /// Only letters of this stream.
    pub stream: Option<StreamId>,
    /// Only letters with this fault.
    pub fault: Option<String>,
    /// Only letters that this person looks after; empty: that nobody looks after.
    pub assignee: Option<String>,
}

impl From<&LetterFilter> for JobFilter {
    fn from(filter: &LetterFilter) -> Self {
        let filter = filter.clone();
        let assignee = filter.assignee.as_ref();
        Self {
            assignee: assignee.map(|assignee| assignee.name().unwrap_or_default().to_owned()),
            kind: filter.kind,
            component: filter.component,
            domain: filter.domain,
            stream: filter.stream,
            fault: filter.fault,
        }
    }
}

impl From<JobFilter> for LetterFilter {
    /// Returns the filter of the letters that wait, oldest first.
    fn from(filter: JobFilter) -> Self {
        Self {
            kind: filter.kind,
            component: filter.component,
            domain: filter.domain,
            stream: filter.stream,
            status: Some(LetterStatus::Parked),
            fault: filter.fault,
            assignee: filter.assignee.as_deref().map(Assignee::named),
            latest_first: false,
            after: None,
        }
    }
}

/// What happened to a job. Who did it is the actor of the event, and when is the time at which it was recorded.
#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
pub enum JobEvent {
    /// It was started.
    Started {
        /// What is done about each letter.
        verb: Verb,
        /// Its letters.
        filter: JobFilter,
        /// The last letter that it takes.
        through: Uuid,
        /// The number of letters that waited.
        letters: u64,
        /// What the letters are about.
        parts: Vec<JobPart>,
        /// The reason that was given.
        reason: Option<String>,
        /// True if it stops at the first letter that is not accepted.
        stop_at_failure: bool,
    },
    /// Letters were taken in hand, to be decided about in this order.
    Took {
        /// The letters.
        letters: Vec<Uuid>,
    },
    /// Letters in hand have a result.
    Tried {
        /// The results.
        results: Vec<JobResult>,
    },
    /// It has stopped at a letter that was not accepted.
    Stopped,
    /// A person has paused it.
    Paused,
    /// A person lets it go on.
    Resumed,
    /// A person has cancelled it, for good.
    Cancelled,
    /// Each of its letters has a result.
    Finished,
}

/// What can be done to a job.
#[derive(Command, Clone, Debug, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
pub enum JobCommand {
    /// Start it.
    Start {
        /// What is done about each letter.
        verb: Verb,
        /// Its letters.
        filter: JobFilter,
        /// The last letter that it takes.
        through: Uuid,
        /// The number of letters that wait.
        letters: u64,
        /// What the letters are about.
        parts: Vec<JobPart>,
        /// The reason that was given.
        reason: Option<String>,
        /// True if it stops at the first letter that is not accepted.
        stop_at_failure: bool,
    },
    /// Take letters in hand.
    Take {
        /// The letters, in the order of their ids.
        letters: Vec<Uuid>,
    },
    /// Record results. Those of letters that are not in hand are left out.
    Record {
        /// The results.
        results: Vec<JobResult>,
    },
    /// Finish it.
    Finish,
    /// Pause it. If it does not run, nothing happens.
    Pause,
    /// Let it go on. If it runs, nothing happens.
    Resume,
    /// Cancel it, for good.
    Cancel,
}

/// Why something cannot be done to a job.
#[derive(Rejection, Debug, thiserror::Error)]
#[seriatim(crate = "seriatim_core")]
pub enum JobRejection {
    /// There is no such job.
    #[error("there is no job with this id; list the jobs to see the ids")]
    UnknownJob,
    /// There is one already.
    #[error("there is a job with this id already; start another")]
    JobExists,
    /// It is cancelled or finished.
    #[error("the job is over; start another for the letters that are left")]
    JobOver,
    /// The job is elsewhere than the process that works for it believed: it was paused, or another process has taken over.
    #[error("the job does not stand where this process believed; it reads it again")]
    Overtaken,
}

impl Aggregate for BulkJob {
    const DOMAIN: &'static str = "seriatim.jobs";
    const SNAPSHOTS: SnapshotPolicy = SnapshotPolicy::Never;
    type Command = JobCommand;
    type Event = JobEvent;
    type Rejection = JobRejection;

    fn decide(&self, command: &JobCommand) -> Result<Vec<JobEvent>, JobRejection> {
        if let JobCommand::Start { .. } = command {
            return match self.exists {
                true => Err(JobRejection::JobExists),
                false => Ok(vec![started(command.clone())]),
            };
        }
        if !self.exists {
            return Err(JobRejection::UnknownJob);
        }
        let runs = self.status == JobStatus::Running;
        Ok(match command.clone() {
            JobCommand::Start { .. } => unreachable!("it was started above"),
            // What was done is recorded, however the job stands by then.
            JobCommand::Record { results } => self.record(results),
            JobCommand::Take { letters } if runs && self.may_take(&letters) => {
                vec![JobEvent::Took { letters }]
            }
            JobCommand::Finish if runs && self.in_hand.is_empty() => vec![JobEvent::Finished],
            JobCommand::Take { .. } | JobCommand::Finish => return Err(JobRejection::Overtaken),
            _ if self.status.is_final() => return Err(JobRejection::JobOver),
            JobCommand::Pause if self.status == JobStatus::Paused => Vec::new(),
            JobCommand::Pause => vec![JobEvent::Paused],
            JobCommand::Resume if runs => Vec::new(),
            JobCommand::Resume => vec![JobEvent::Resumed],
            JobCommand::Cancel => vec![JobEvent::Cancelled],
        })
    }

    fn evolve(&mut self, event: &JobEvent) {
        match event {
            JobEvent::Started {
                stop_at_failure, ..
            } => {
                self.exists = true;
                self.stop_at_failure = *stop_at_failure;
            }
            JobEvent::Took { letters } => {
                self.last_taken = letters.last().copied();
                self.in_hand.clone_from(letters);
            }
            JobEvent::Tried { results } => {
                (self.in_hand).retain(|id| results.iter().all(|result| result.letter != *id));
            }
            JobEvent::Stopped => self.status = JobStatus::Stopped,
            JobEvent::Paused => self.status = JobStatus::Paused,
            JobEvent::Resumed => self.status = JobStatus::Running,
            JobEvent::Cancelled => self.status = JobStatus::Cancelled,
            JobEvent::Finished => self.status = JobStatus::Finished,
        }
    }

    fn merge_strategy(_: &JobCommand) -> MergeStrategy {
        MergeStrategy::Strict
    }
}

impl BulkJob {
    /// A letter is taken once: letters are taken in the order of their ids, and each batch has a result before the next.
    fn may_take(&self, letters: &[Uuid]) -> bool {
        let is_later = |first: &Uuid| self.last_taken.is_none_or(|last| last < *first);
        self.in_hand.is_empty() && letters.first().is_some_and(is_later) && letters.is_sorted()
    }

    fn record(&self, mut results: Vec<JobResult>) -> Vec<JobEvent> {
        results.retain(|result| self.in_hand.contains(&result.letter));
        if results.is_empty() {
            return Vec::new();
        }
        let failed = (results.iter()).any(|result| result.outcome == JobOutcome::Failed);
        let mut events = vec![JobEvent::Tried { results }];
        if failed && self.stop_at_failure && self.status == JobStatus::Running {
            events.push(JobEvent::Stopped);
        }
        events
    }
}

fn started(command: JobCommand) -> JobEvent {
    match command {
        JobCommand::Start {
            verb,
            filter,
            through,
            letters,
            parts,
            reason,
            stop_at_failure,
        } => JobEvent::Started {
            verb,
            filter,
            through,
            letters,
            parts,
            reason,
            stop_at_failure,
        },
        _ => unreachable!("only a start is given"),
    }
}

#[cfg(test)]
mod tests {
    use seriatim_core::Timestamp;

    use super::*;

    fn job(stop_at_failure: bool) -> BulkJob {
        let mut job = BulkJob::default();
        act(
            &mut job,
            &JobCommand::Start {
                verb: Verb::Resubmit,
                filter: JobFilter::default(),
                through: Uuid::from_u128(9),
                letters: 3,
                parts: Vec::new(),
                reason: None,
                stop_at_failure,
            },
        )
        .unwrap();
        job
    }

    fn act(job: &mut BulkJob, command: &JobCommand) -> Result<usize, JobRejection> {
        let events = job.decide(command)?;
        events.iter().for_each(|event| job.evolve(event));
        Ok(events.len())
    }

    fn take(job: &mut BulkJob, letters: &[u128]) -> Result<usize, JobRejection> {
        let letters = letters.iter().copied().map(Uuid::from_u128).collect();
        act(job, &JobCommand::Take { letters })
    }

    fn result(letter: u128, outcome: JobOutcome) -> JobCommand {
        JobCommand::Record {
            results: vec![JobResult {
                letter: Uuid::from_u128(letter),
                stream: None,
                outcome,
                text: String::new(),
                at: Timestamp::EPOCH,
            }],
        }
    }

    #[test]
    fn no_letter_is_taken_twice_and_no_result_counts_twice() {
        let mut job = job(false);
        assert_eq!(take(&mut job, &[1, 2]).unwrap(), 1);
        assert!(take(&mut job, &[3]).is_err(), "two letters are in hand");
        assert_eq!(act(&mut job, &result(2, JobOutcome::Done)).unwrap(), 1);
        assert_eq!(act(&mut job, &result(2, JobOutcome::Done)).unwrap(), 0);
        assert_eq!(act(&mut job, &result(7, JobOutcome::Done)).unwrap(), 0);
        assert!(act(&mut job, &JobCommand::Finish).is_err());
        assert_eq!(act(&mut job, &result(1, JobOutcome::Failed)).unwrap(), 1);
        assert!(take(&mut job, &[2, 3]).is_err(), "2 was taken before");
        assert!(take(&mut job, &[4, 3]).is_err(), "they are not in order");
        assert!(take(&mut job, &[]).is_err());
        assert_eq!(take(&mut job, &[3]).unwrap(), 1);
    }

    #[test]
    fn what_was_done_is_recorded_however_the_job_stands() {
        for end in [JobCommand::Pause, JobCommand::Cancel] {
            let mut job = job(false);
            take(&mut job, &[1]).unwrap();
            act(&mut job, &end).unwrap();
            assert_eq!(act(&mut job, &result(1, JobOutcome::Done)).unwrap(), 1);
            assert!(take(&mut job, &[2]).is_err());
            assert!(act(&mut job, &JobCommand::Finish).is_err());
        }
    }

    #[test]
    fn a_job_stops_at_a_failure_only_if_told_to_and_can_be_resumed() {
        for (stops, events) in [(true, 2), (false, 1)] {
            let mut job = job(stops);
            take(&mut job, &[1, 2]).unwrap();
            let failed = act(&mut job, &result(1, JobOutcome::Failed));
            assert_eq!(failed.unwrap(), events);
            assert_eq!(job.status == JobStatus::Stopped, stops);
            act(&mut job, &JobCommand::Resume).unwrap();
            assert_eq!(job.status, JobStatus::Running);
            assert_eq!(job.in_hand, [Uuid::from_u128(2)]);
        }
    }

    #[test]
    fn what_is_over_stays_over() {
        for end in [JobCommand::Finish, JobCommand::Cancel] {
            let mut job = job(false);
            act(&mut job, &end).unwrap();
            for command in [JobCommand::Pause, JobCommand::Resume, JobCommand::Cancel] {
                let over = act(&mut job, &command);
                assert!(matches!(over, Err(JobRejection::JobOver)));
            }
        }
        let unknown = act(&mut BulkJob::default(), &JobCommand::Pause);
        assert!(matches!(unknown, Err(JobRejection::UnknownJob)));
    }
}
