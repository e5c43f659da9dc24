//! Converts the reasons why a version of a read model was not changed.

use seriatim_core::{LogPartition, Position, ReadModelVersion, TableTaken, VersionError};
use tonic::{Code, Status};

use super::details::{Details, Received};
use super::{WireError, bound, reason, shared};
use crate::{convert, v1};

/// The key in an `ErrorInfo` for the database's error in a comparison.
const CAUSE: &str = "cause";

impl WireError for VersionError {
    fn to_status(&self) -> Status {
        let (details, code) = match self {
            Self::UnknownModel { name, known } => (
                Details::new(reason::UNKNOWN_READ_MODEL).with(&v1::UnknownReadModel {
                    name: bound::text(name),
                    known_names: bound::names(known.clone()),
                }),
                Code::NotFound,
            ),
            Self::Unknown { version, known } => (
                Details::new(reason::UNKNOWN_READ_MODEL_VERSION).with(
                    &v1::UnknownReadModelVersion {
                        version: Some(version.into()),
                        known_versions: bound::numbers(known),
                    },
                ),
                Code::NotFound,
            ),
            Self::UnknownTable {
                version,
                table,
                known,
            } => (
                Details::new(reason::UNKNOWN_TABLE).with(&v1::UnknownTable {
                    version: Some(version.into()),
                    table: bound::text(table),
                    known_tables: bound::names(known.clone()),
                }),
                Code::NotFound,
            ),
            Self::Behind {
                version,
                partition,
                position,
                live,
            } => (
                Details::new(reason::VERSION_BEHIND).with(&v1::VersionBehind {
                    version: Some(version.into()),
                    partition: partition.0.into(),
                    position: position.0,
                    live_position: live.0,
                }),
                Code::Aborted,
            ),
            Self::Parked { version, streams } => (
                Details::new(reason::VERSION_PARKED).with(&v1::VersionParked {
                    version: Some(version.into()),
                    streams: u64::try_from(*streams).unwrap_or(u64::MAX),
                }),
                Code::FailedPrecondition,
            ),
            Self::Live { version } => (
                Details::new(reason::VERSION_LIVE).with(&v1::VersionLive {
                    version: Some(version.into()),
                }),
                Code::FailedPrecondition,
            ),
            Self::TableTaken(TableTaken { version, table, by }) => (
                Details::new(reason::TABLE_TAKEN).with(&v1::TableTaken {
                    version: Some(version.into()),
                    table: bound::text(table),
                    by: Some(by.into()),
                }),
                Code::FailedPrecondition,
            ),
            Self::Query { source } => (
                Details::new(reason::COMPARISON_FAILED).with_word(CAUSE, &source.to_string()),
                Code::InvalidArgument,
            ),
            Self::Store(error) => return shared::store(error, &self.to_string()),
        };
        details.into_status(code, &self.to_string())
    }

    fn from_status(status: &Status) -> Option<Self> {
        let received = Received::of(status)?;
        Some(match received.reason() {
            reason::UNKNOWN_READ_MODEL => {
                let unknown: v1::UnknownReadModel = received.get()?;
                Self::UnknownModel {
                    name: unknown.name,
                    known: unknown.known_names,
                }
            }
            reason::UNKNOWN_READ_MODEL_VERSION => {
                let unknown: v1::UnknownReadModelVersion = received.get()?;
                Self::Unknown {
                    version: version(unknown.version)?,
                    known: unknown.known_versions,
                }
            }
            reason::UNKNOWN_TABLE => {
                let unknown: v1::UnknownTable = received.get()?;
                Self::UnknownTable {
                    version: version(unknown.version)?,
                    table: unknown.table,
                    known: unknown.known_tables,
                }
            }
            reason::VERSION_BEHIND => {
                let behind: v1::VersionBehind = received.get()?;
                Self::Behind {
                    version: version(behind.version)?,
                    partition: LogPartition(behind.partition.try_into().ok()?),
                    position: Position(behind.position),
                    live: Position(behind.live_position),
                }
            }
            reason::VERSION_PARKED => {
                let parked: v1::VersionParked = received.get()?;
                Self::Parked {
                    version: version(parked.version)?,
                    streams: parked.streams.try_into().ok()?,
                }
            }
            reason::VERSION_LIVE => {
                let live: v1::VersionLive = received.get()?;
                Self::Live {
                    version: version(live.version)?,
                }
            }
            reason::TABLE_TAKEN => {
                let taken: v1::TableTaken = received.get()?;
                Self::TableTaken(TableTaken {
                    version: version(taken.version)?,
                    table: taken.table,
                    by: version(taken.by)?,
                })
            }
            reason::COMPARISON_FAILED => Self::Query {
                source: received.word(CAUSE)?.into(),
            },
            reason::STORE_UNAVAILABLE | reason::STORE_FAILED => {
                Self::Store(shared::read_store_error(&received, status))
            }
            _ => return None,
        })
    }
}

fn version(version: Option<v1::ReadModelVersion>) -> Option<ReadModelVersion> {
    convert::read_model_version(version).ok()
}
