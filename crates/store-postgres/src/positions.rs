//! Places in the log as numbers in columns.
//!
//! The column `position` of an event also holds its partition, in the bits above the lowest 48. So the primary key of
//! any log is one number of eight bytes, a log of one partition needs no extra space, and the events of a partition are
//! next to each other in the index.

use seriatim_core::{Bookmark, LogId, LogPartition, Position};
use sqlx::postgres::PgRow;
use sqlx::{ColumnIndex, Error, Row};
use uuid::Uuid;

use crate::row;

/// The number of bits of a position. At a million events a second they last for eight years in one partition.
const POSITION_BITS: u32 = 48;

/// The last position that a partition can assign.
const LAST: u64 = (1 << POSITION_BITS) - 1;

/// The most partitions that a log can have here. Each needs a connection of every process that writes to it.
pub(crate) const MOST_PARTITIONS: u16 = 256;

/// A place as the column of the events holds it.
pub(crate) fn column(partition: LogPartition, position: Position) -> i64 {
    i64::from(partition.0) << POSITION_BITS | position_column(position)
}

/// A position alone, as the heads hold it. No log gets beyond the largest value of the column.
pub(crate) fn position_column(position: Position) -> i64 {
    position.0.min(LAST).cast_signed()
}

/// Reads the position from a column of either kind.
pub(crate) fn position(row: &PgRow, column: impl ColumnIndex<PgRow>) -> Result<Position, Error> {
    let number: i64 = row.try_get_unchecked(column)?;
    let number = u64::try_from(number).map_err(row::unreadable)?;
    Ok(Position(number & LAST))
}

/// Reads the columns position, log and event, beginning at `first`.
pub(crate) fn bookmark(row: &PgRow, first: usize) -> Result<Bookmark, Error> {
    let log: Option<Uuid> = row.try_get(first + 1)?;
    Ok(Bookmark {
        position: position(row, first)?,
        log: log.map(LogId),
        event: row.try_get(first + 2)?,
    })
}

pub(crate) fn log_column(place: &Bookmark) -> Option<Uuid> {
    place.log.map(|LogId(log)| log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_partition_is_numbered_as_if_there_were_no_other() {
        assert_eq!(column(LogPartition::FIRST, Position(7)), 7);
    }

    #[test]
    fn partitions_lie_one_after_the_other() {
        let mut last = -1;
        for partition in LogPartition::all(MOST_PARTITIONS.try_into().unwrap()) {
            for position in [0, 1, LAST - 1, LAST] {
                let place = column(partition, Position(position));
                assert!(place > last, "{partition} {position}");
                last = place;
            }
            let beyond = column(partition, Position(u64::MAX));
            assert_eq!(beyond, last, "what no position is stays in its partition");
        }
    }
}
