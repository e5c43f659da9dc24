//! The writers of all partitions, which work independently of one another.

use std::num::NonZero;
use std::sync::Arc;

use seriatim_core::{Append, AppendError, AppendOutcome, LogPartition};
use sqlx::PgConnection;

use crate::append::commits::Commits;
use crate::append::writer::Writer;
use crate::opening::location::Location;

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
        call: Vec<Append>,
    ) -> Result<Vec<AppendOutcome>, AppendError> {
        if call.is_empty() {
            return Ok(Vec::new());
        }
        let partition = Append::partition(&call, self.count);
        self.writers[partition.index()].append(call).await
    }
}
