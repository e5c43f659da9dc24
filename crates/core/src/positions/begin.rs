//! Finds the place where a reader of the log begins.

use crate::{Bookmark, Cursor, Log, LogPartition, Position, StoreError, SubscribeError, Timestamp};

/// The place where a subscription or a component begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// At the first event of the log.
    #[default]
    AtTheFirst,
    /// At the first event that is recorded from now on. For a component, this is the moment when a process first took
    /// work of it.
    Now,
    /// At the first event that was recorded at this time or later, by the clock of the storage. A time in the future
    /// means `Now`.
    Since(Timestamp),
    /// At the first event after a place in the log.
    After(Cursor),
}

impl Log {
    /// Returns the place after which a reader begins. Fails if the place is of another log.
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
        for (partition, place) in after.iter() {
            if partition.0 < partitions.get() {
                self.check(partition, &place).await?;
                cursor.set(partition, Bookmark { log: None, ..place });
            } else {
                let checked = place.check(partition, self.id(), None);
                checked.map_err(SubscribeError::Replaced)?;
            }
        }
        Ok(cursor)
    }

    /// Returns the place of the last event of a partition that was recorded before a time. Recorded times never
    /// decrease in a partition.
    async fn before(
        &self,
        partition: LogPartition,
        time: Timestamp,
    ) -> Result<Bookmark, StoreError> {
        // Events up to `before` are older, and those after `end` are not.
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
