//! What the writing thread is asked to do, and how its callers are answered.

use seriatim_core::{AppendError, AppendOutcome, StoreError};
use seriatim_store_sql::{Call, Size};
use tokio::sync::oneshot;

use crate::append::change::Change;

pub(super) enum Job {
    Append(Call),
    Change(Box<dyn Change>),
}

/// A request to the thread.
pub(super) enum Request {
    /// Within a transaction.
    Job(Job),
    /// Outside of every transaction.
    Flush(oneshot::Sender<Result<(), StoreError>>),
}

/// The answer that a job's caller gets if the transaction is committed.
pub(super) enum Answer {
    Appended(Vec<AppendOutcome>),
    /// The change knows it.
    Changed,
}

impl Answer {
    /// Returns how many appends it answers.
    pub(super) fn appends(&self) -> usize {
        match self {
            Self::Appended(outcomes) => outcomes.len(),
            Self::Changed => 0,
        }
    }
}

impl Job {
    /// A caller that has gone away is no error.
    pub(super) fn answer(self, answer: Answer) {
        match (self, answer) {
            (Self::Append(call), Answer::Appended(outcomes)) => call.answer(outcomes),
            (Self::Change(change), Answer::Changed) => change.done(),
            (Self::Append(_), Answer::Changed) | (Self::Change(_), Answer::Appended(_)) => {
                unreachable!("answers are made in the order of the jobs")
            }
        }
    }

    pub(super) fn fail(self, error: &AppendError) {
        let (AppendError::NotWritten(cause) | AppendError::Unknown(cause)) = error;
        match self {
            Self::Append(call) => call.fail(error),
            Self::Change(change) => change.failed(cause),
        }
    }
}

impl Request {
    pub(super) fn size(&self) -> Size {
        match self {
            Self::Job(Job::Append(call)) => call.size(),
            // Its bytes are not known here. As many as 64 share a commit.
            Self::Job(Job::Change(_)) | Self::Flush(_) => Size {
                appends: 16,
                bytes: 0,
            },
        }
    }
}
