//! Folds the events of a job to what people see of it, and what a process needs to go on.

use seriatim_core::{
    DecodeError, Domain, EventStore, JobCounts, JobPlan, JobRecord, JobStatus, RecordedEvent,
    Sequence, StreamId,
};
use uuid::Uuid;

use crate::bulk_job::{BulkJob, JobEvent};
use crate::job_desk::JobError;

/// The number of events that are read at once.
const PAGE: usize = 500;

/// A job as of an event of its stream. It can be brought up to date without reading all events again.
#[derive(Clone, Debug)]
pub(crate) struct JobView {
    pub(crate) record: JobRecord,
    /// The letters that were taken and have no result, in their order.
    pub(crate) in_hand: Vec<Uuid>,
    pub(crate) last_taken: Option<Uuid>,
    next: Sequence,
}

pub(crate) fn stream(id: Uuid) -> StreamId {
    StreamId::new(Domain::of::<BulkJob>(), id)
}

impl JobView {
    /// Reads a job; `None` if there is none with this id.
    pub(crate) async fn read(store: &dyn EventStore, id: Uuid) -> Result<Option<Self>, JobError> {
        let first = store.read_stream(&stream(id), Sequence::FIRST, 1).await?;
        let Some(first) = first.first() else {
            return Ok(None);
        };
        let Some(mut view) = Self::begun(first)? else {
            return Ok(None);
        };
        view.refresh(store).await?;
        Ok(Some(view))
    }

    /// Reads the events that were recorded since.
    pub(crate) async fn refresh(&mut self, store: &dyn EventStore) -> Result<(), JobError> {
        let stream = stream(self.record.id);
        loop {
            let page = store.read_stream(&stream, self.next, PAGE).await?;
            for event in &page {
                let happened = decode(event)?;
                self.evolve(event, happened);
                self.next = Sequence(event.sequence.0 + 1);
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    fn begun(event: &RecordedEvent) -> Result<Option<Self>, JobError> {
        let Some(JobEvent::Started {
            verb,
            filter,
            through,
            letters,
            parts,
            reason,
            stop_at_failure,
        }) = decode(event)?
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            record: JobRecord {
                id: event.stream.root,
                verb,
                filter: filter.into(),
                reason,
                stop_at_failure,
                plan: JobPlan {
                    through,
                    letters,
                    parts,
                },
                started: event.recorded_at,
                started_by: event.metadata.actor.clone(),
                status: JobStatus::Running,
                changed: event.recorded_at,
                changed_by: event.metadata.actor.clone(),
                counts: JobCounts::default(),
            },
            in_hand: Vec::new(),
            last_taken: None,
            next: Sequence(event.sequence.0 + 1),
        }))
    }

    fn evolve(&mut self, event: &RecordedEvent, happened: Option<JobEvent>) {
        let status = match happened {
            None | Some(JobEvent::Started { .. }) => return,
            Some(JobEvent::Took { letters }) => {
                self.last_taken = letters.last().copied();
                self.in_hand = letters;
                return;
            }
            Some(JobEvent::Tried { results }) => {
                for result in results {
                    self.record.counts.count(result.outcome);
                    self.in_hand.retain(|id| *id != result.letter);
                }
                return;
            }
            Some(JobEvent::Stopped) => JobStatus::Stopped,
            Some(JobEvent::Paused) => JobStatus::Paused,
            Some(JobEvent::Resumed) => JobStatus::Running,
            Some(JobEvent::Cancelled) => JobStatus::Cancelled,
            Some(JobEvent::Finished) => JobStatus::Finished,
        };
        self.record.status = status;
        self.record.changed = event.recorded_at;
        self.record.changed_by = event.metadata.actor.clone();
    }
}

pub(crate) fn decode(event: &RecordedEvent) -> Result<Option<JobEvent>, JobError> {
    let happened: Result<_, DecodeError> = event.of::<BulkJob>().transpose();
    happened.map_err(|source| JobError::Damaged {
        id: event.stream.root,
        source,
    })
}
