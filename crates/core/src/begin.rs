//! Where whoever reads the log begins.

use crate::{Bookmark, Cursor, Log, LogPartition, Position, StoreError, SubscribeError, Timestamp};

/// Where a subscription or a component begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// With the first event there is.
    #[default]
    AtTheFirst,
    /// With the first event that is recorded from now on: after this call, or after the work of the component was first
    /// taken.
    Now,
    /// With the first event that was recorded at this time or later, by the clock of the storage. A time that is still to
    /// come is `Now`.
    Since(Timestamp),
    /// With the first event after a place in the log.
    After(Cursor),
}

impl Log {
    /// The place after which somebody reads who begins there. One of another log is refused.
    pub async fn locate(&self, begin: &Begin) -> Result<Cursor, SubscribeError> {
        if let Begin::After(after) = begin {
            return self.adopt(after).await;
        }
        let mut cursor = Cursor::start(self.id(), self.partitions());
        for partition in LogPartition::all(self.partitions()) {
            let place = match begin {
                Begin::AtTheFirst | Begin::After(_) => Bookmark::START,
                Begin::Now => self.end(partition).await?,
                Begin::Since(time) => self.before(partition, *time).await?,
            };
            cursor.set(partition, place);
        }
        Ok(cursor)
    }

    async fn adopt(&self, after: &Cursor) -> Result<Cursor, SubscribeError> {
        let partitions = self.partitions();
        let is_ours = after.log().is_none_or(|log| log == self.id());
        if is_ours && after.partitions() != usize::from(partitions.get()) {
            return Err(SubscribeError::OtherPartitions {
                given: after.partitions(),
                partitions: partitions.get(),
            });
        }
        let mut cursor = Cursor::start(self.id(), partitions);
        for (partition, place) in after.iter().take(partitions.get().into()) {
            self.check(partition, &place).await?;
            cursor.set(partition, Bookmark { log: None, ..place });
        }
        Ok(cursor)
    }

    /// The place of the last event of a partition that was recorded before a time. Recorded times never decrease there.
    async fn before(
        &self,
        partition: LogPartition,
        time: Timestamp,
    ) -> Result<Bookmark, StoreError> {
        // What is at `before` or earlier is older; what is after `end` is not.
        let (mut before, mut end) = (Bookmark::START, self.head(partition).await?.0);
        while before.position.0 < end {
            let middle = before.position.0 + (end - before.position.0 - 1) / 2;
            let page = self.stored().read_log(partition, Position(middle), 1);
            match page.await?.events.first() {
                Some(event) if event.recorded_at < time => before = Bookmark::of(self.id(), event),
                _ => end = middle,
            }
        }
        Ok(before)
    }
}
