//! The writers of all partitions: the parts of a batch go to their writers at the same time, and their answers are
//! combined into one.

use std::num::NonZero;
use std::sync::Arc;

use seriatim_core::{Append, AppendError, AppendOutcome, LogPartition, StoreError};
use sqlx::PgConnection;

use crate::commits::Commits;
use crate::location::Location;
use crate::writer::Writer;

/// One writer for each partition.
pub(crate) struct Writers {
    count: NonZero<u16>,
    writers: Box<[Writer]>,
}

impl Writers {
    /// Starts them. `connection` is that of the first partition; the others connect when they are first written to.
    /// `commits` is told of every commit.
    pub(crate) fn start(
        count: NonZero<u16>,
        connection: PgConnection,
        location: &Arc<Location>,
        commits: &Commits,
    ) -> Self {
        let mut connection = Some(connection);
        let start = |partition| {
            Writer::start(
                partition,
                connection.take(),
                location.clone(),
                commits.clone(),
            )
        };
        Self {
            count,
            writers: LogPartition::all(count).map(start).collect(),
        }
    }

    /// Returns how many partitions the log has.
    pub(crate) fn count(&self) -> NonZero<u16> {
        self.count
    }

    pub(crate) async fn append(
        &self,
        batch: Vec<Append>,
    ) -> Result<Vec<AppendOutcome>, AppendError> {
        match &*self.writers {
            [only] => only.append(batch)?.answer().await,
            writers => Parts::of(batch, self.count).append(writers).await,
        }
    }
}

/// A batch, sorted by partition.
struct Parts {
    appends: Vec<Vec<Append>>,
    /// The partition of each append, in the order of the batch.
    order: Vec<LogPartition>,
}

impl Parts {
    fn of(batch: Vec<Append>, count: NonZero<u16>) -> Self {
        let mut parts = Self {
            appends: LogPartition::all(count).map(|_| Vec::new()).collect(),
            order: Vec::with_capacity(batch.len()),
        };
        for append in batch {
            let partition = LogPartition::of(&append.stream, count);
            parts.order.push(partition);
            parts.appends[partition.index()].push(append);
        }
        parts
    }

    /// Every part is sent before the first answer is awaited.
    async fn append(self, writers: &[Writer]) -> Result<Vec<AppendOutcome>, AppendError> {
        let parts = writers.iter().zip(self.appends);
        let pending: Vec<_> = parts.map(|(writer, part)| writer.append(part)).collect();
        let mut answers = Vec::with_capacity(pending.len());
        for part in pending {
            answers.push(match part {
                Ok(part) => part.answer().await,
                Err(error) => Err(error),
            });
        }
        let mut outcomes: Vec<_> = all_or_error(answers)?
            .into_iter()
            .map(Vec::into_iter)
            .collect();
        let next = |partition: &LogPartition| outcomes[partition.index()].next();
        let answered = self.order.iter().map_while(next);
        Ok(answered.collect())
    }
}

type Answer = Result<Vec<AppendOutcome>, AppendError>;

/// If one part was not answered, nothing of the batch was written only if this is certain for every part.
fn all_or_error(answers: Vec<Answer>) -> Result<Vec<Vec<AppendOutcome>>, AppendError> {
    let Some(cause) = answers.iter().find_map(|answer| answer.as_ref().err()) else {
        return Ok(answers.into_iter().flatten().collect());
    };
    let (AppendError::NotWritten(cause) | AppendError::Unknown(cause)) = cause;
    let cause: StoreError = cause.clone();
    Err(match answers.iter().all(has_written_nothing) {
        true => AppendError::NotWritten(cause),
        false => AppendError::Unknown(cause),
    })
}

fn has_written_nothing(answer: &Answer) -> bool {
    let is_written = |outcome: &AppendOutcome| matches!(outcome, AppendOutcome::Written { .. });
    match answer {
        Ok(outcomes) => !outcomes.iter().any(is_written),
        Err(AppendError::NotWritten(_)) => true,
        Err(AppendError::Unknown(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use seriatim_core::{Position, StoreErrorKind, Timestamp};

    use super::*;

    fn error() -> StoreError {
        StoreError::new("append a batch", StoreErrorKind::Unavailable, "it is down")
    }

    fn written() -> Answer {
        Ok(vec![AppendOutcome::Written {
            position: Position(1),
            recorded_at: Timestamp::now(),
        }])
    }

    fn refused() -> Answer {
        Ok(vec![AppendOutcome::Conflict { current: None }])
    }

    #[test]
    fn an_error_beside_what_was_written_leaves_the_batch_unknown() {
        for (answers, unknown) in [
            (
                vec![Err(AppendError::NotWritten(error())), refused()],
                false,
            ),
            (vec![Err(AppendError::NotWritten(error())), written()], true),
            (vec![written(), Err(AppendError::NotWritten(error()))], true),
            (
                vec![
                    Err(AppendError::NotWritten(error())),
                    Err(AppendError::Unknown(error())),
                ],
                true,
            ),
            (
                vec![Ok(Vec::new()), Err(AppendError::NotWritten(error()))],
                false,
            ),
        ] {
            let said = format!("{answers:?}");
            let error = all_or_error(answers).unwrap_err();
            assert_eq!(matches!(error, AppendError::Unknown(_)), unknown, "{said}");
        }
        assert_eq!(all_or_error(vec![written(), refused()]).unwrap().len(), 2);
    }
}
