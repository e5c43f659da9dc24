//! Checks that versions of read models, and the errors about them, arrive unchanged.

use std::collections::HashSet;
use std::mem::discriminant;

use prost::Message;
use seriatim_core::*;
use seriatim_proto::status::{WireError, reason};
use seriatim_proto::{convert, v1};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::errors::expected_of_store;

fn version() -> ReadModelVersion {
    ReadModelVersion::new("balances", 2).unwrap()
}

/// Encodes and decodes a message, as on the wire.
fn sent<M: Message + Default>(message: &M) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

#[test]
fn an_overview() {
    for (standing, paused) in [
        (VersionStanding::Building, None),
        (VersionStanding::Live, Some("it failed".to_owned())),
        (VersionStanding::Kept, None),
    ] {
        let overview = ReadModelOverview {
            version: version(),
            standing,
            tables: vec!["seriatim.balances_v2".into()],
            progress: ReadModelProgress {
                handled: 7,
                of: u64::MAX,
                begun_at: Timestamp::from_micros(1),
                moved_at: Timestamp::from_micros(2),
            },
            owners: vec!["process 7".into()],
            paused,
        };
        let wire: v1::ReadModel = sent(&(&overview).into());
        assert_eq!(ReadModelOverview::try_from(wire), Ok(overview));
    }
    let unknown = v1::ReadModel::default();
    let invalid = ReadModelOverview::try_from(unknown).unwrap_err();
    assert_eq!(invalid.0[0].field, "version");
}

#[test]
fn a_comparison() {
    for (table, columns) in [
        (None, vec![]),
        (Some("balances".to_owned()), vec!["cents".to_owned()]),
    ] {
        let wanted = CompareTables {
            version: version(),
            table,
            columns,
        };
        let wire = sent(&(&wanted).into());
        assert_eq!(convert::compare_tables(wire), Ok(wanted));
    }
    let found = ComparedTables {
        live: ReadModelVersion::new("balances", 1).unwrap(),
        tables: vec![(
            "balances".into(),
            Comparison {
                at_same_position: true,
                live_rows: 1,
                rows: 2,
                only_live: 3,
                only_other: 4,
            },
        )],
        only_in_one: vec!["notes".into()],
    };
    let wire: v1::CompareReadModelResponse = sent(&(&found).into());
    assert_eq!(ComparedTables::try_from(wire), Ok(found));
}

#[test]
fn columns_without_a_table_and_a_version_without_a_name_are_malformed() {
    let request = v1::CompareReadModelRequest {
        version: Some(v1::ReadModelVersion::default()),
        table: String::new(),
        columns: vec!["cents".into()],
    };
    let invalid = convert::compare_tables(request).unwrap_err();
    let fields: Vec<_> = invalid.0.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["version.name", "table"]);
}

/// Returns the code and the reason of an error. A new variant does not compile until it has a line here.
fn expected(error: &VersionError) -> (Code, &'static str) {
    match error {
        VersionError::UnknownModel { .. } => (Code::NotFound, reason::UNKNOWN_READ_MODEL),
        VersionError::Unknown { .. } => (Code::NotFound, reason::UNKNOWN_READ_MODEL_VERSION),
        VersionError::UnknownTable { .. } => (Code::NotFound, reason::UNKNOWN_TABLE),
        VersionError::Behind { .. } => (Code::Aborted, reason::VERSION_BEHIND),
        VersionError::Parked { .. } => (Code::FailedPrecondition, reason::VERSION_PARKED),
        VersionError::Live { .. } => (Code::FailedPrecondition, reason::VERSION_LIVE),
        VersionError::TableTaken(_) => (Code::FailedPrecondition, reason::TABLE_TAKEN),
        VersionError::Query { .. } => (Code::InvalidArgument, reason::COMPARISON_FAILED),
        VersionError::Store(error) => expected_of_store(error.kind),
    }
}

fn failed(kind: StoreErrorKind) -> VersionError {
    StoreError::new("switch a read model", kind, "the disk said no").into()
}

fn errors() -> Vec<VersionError> {
    vec![
        VersionError::UnknownModel {
            name: "ballances".into(),
            known: vec!["balances".into()],
        },
        VersionError::Unknown {
            version: version(),
            known: vec![1, 3],
        },
        VersionError::UnknownTable {
            version: version(),
            table: "notes".into(),
            known: vec!["balances".into()],
        },
        VersionError::Behind {
            version: version(),
            partition: LogPartition(3),
            position: Position(7),
            live: Position(u64::MAX),
        },
        VersionError::Parked {
            version: version(),
            streams: 2,
        },
        VersionError::Live { version: version() },
        VersionError::TableTaken(TableTaken {
            version: version(),
            table: "totals".into(),
            by: ReadModelVersion::new("sales", 7).unwrap(),
        }),
        VersionError::Query {
            source: "no such column: t.oops".into(),
        },
        failed(StoreErrorKind::Full),
        failed(StoreErrorKind::Denied),
        failed(StoreErrorKind::Corrupt),
    ]
}

#[test]
fn every_error_both_ways() {
    let errors = errors();
    let variants: HashSet<_> = errors.iter().map(discriminant).collect();
    assert_eq!(variants.len(), 9, "samples for every variant");
    for error in errors {
        let status: Status = error.to_status();
        let (code, reason) = expected(&error);
        assert_eq!(status.code(), code);
        assert_eq!(status.get_details_error_info().unwrap().reason, reason);
        let read = VersionError::from_status(&status).expect("one of ours");
        match (&error, &read) {
            (VersionError::Store(source), VersionError::Store(read_source)) => {
                assert_eq!(read_source.kind, source.kind);
                assert!(read_source.to_string().ends_with(&source.to_string()));
            }
            _ => assert_eq!(read.to_string(), error.to_string()),
        }
    }
}
