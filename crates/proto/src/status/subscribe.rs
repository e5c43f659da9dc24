//! Converts the reasons why a subscriber gets no events.

use seriatim_core::{LogPartition, LogReplaced, Position, Sequence, SubscribeError};
use tonic::{Code, Status};
use v1::log_damaged::{Missing, MissingPosition, MissingSequence};

use super::details::{Details, Received};
use super::{WireError, reason, shared};
use crate::{convert, v1};

impl WireError for SubscribeError {
    fn to_status(&self) -> Status {
        let message = self.to_string();
        match self {
            Self::Store(error) => shared::store(error, &message),
            Self::OtherPartitions { given, partitions } => Details::new(reason::OTHER_PARTITIONS)
                .with(&v1::OtherPartitions {
                    cursor_partitions: u32::try_from(*given).unwrap_or(u32::MAX),
                    partitions: (*partitions).into(),
                })
                .into_status(Code::InvalidArgument, &message),
            Self::Replaced(replaced) => Details::new(reason::LOG_REPLACED)
                .with(&v1::LogReplaced {
                    partition: replaced.partition.0.into(),
                    expected: Some((&replaced.expected).into()),
                    found: Some((&replaced.found).into()),
                })
                .into_status(Code::FailedPrecondition, &message),
            Self::PositionMissing {
                partition,
                expected,
                found,
            } => damaged(Missing::Position(MissingPosition {
                partition: partition.0.into(),
                expected: expected.0,
                found: found.0,
            }))
            .into_status(Code::DataLoss, &message),
            Self::SequenceMissing {
                stream,
                expected,
                found,
                position,
            } => damaged(Missing::Sequence(MissingSequence {
                cover: Some(convert::cover(stream)),
                expected: *expected,
                found: found.0,
                position: position.0,
            }))
            .into_status(Code::DataLoss, &message),
        }
    }

    fn from_status(status: &Status) -> Option<Self> {
        let received = Received::of(status)?;
        Some(match received.reason() {
            reason::STORE_UNAVAILABLE | reason::STORE_FAILED => {
                Self::Store(shared::read_store_error(&received, status))
            }
            reason::OTHER_PARTITIONS => {
                let other: v1::OtherPartitions = received.get()?;
                Self::OtherPartitions {
                    given: usize::try_from(other.cursor_partitions).ok()?,
                    partitions: u16::try_from(other.partitions).ok()?,
                }
            }
            reason::LOG_REPLACED => {
                let replaced: v1::LogReplaced = received.get()?;
                Self::Replaced(LogReplaced {
                    partition: read_partition(replaced.partition)?,
                    expected: convert::bookmark(&replaced.expected?).ok()?,
                    found: convert::bookmark(&replaced.found?).ok()?,
                })
            }
            reason::LOG_DAMAGED => {
                let damaged: v1::LogDamaged = received.get()?;
                read_damaged(damaged.missing?)?
            }
            _ => return None,
        })
    }
}

fn damaged(missing: Missing) -> Details {
    Details::new(reason::LOG_DAMAGED).with(&v1::LogDamaged {
        missing: Some(missing),
    })
}

fn read_damaged(missing: Missing) -> Option<SubscribeError> {
    Some(match missing {
        Missing::Position(missing) => SubscribeError::PositionMissing {
            partition: read_partition(missing.partition)?,
            expected: Position(missing.expected),
            found: Position(missing.found),
        },
        Missing::Sequence(missing) => SubscribeError::SequenceMissing {
            stream: convert::stream(missing.cover.as_ref()).ok()?,
            expected: missing.expected,
            found: Sequence(missing.found),
            position: Position(missing.position),
        },
    })
}

fn read_partition(number: u32) -> Option<LogPartition> {
    u16::try_from(number).ok().map(LogPartition)
}
