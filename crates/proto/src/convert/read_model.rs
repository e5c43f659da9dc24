//! Converts versions of read models, for those who run a system.

use seriatim_core::{
    CompareTables, ComparedTables, Comparison, ReadModelOverview, ReadModelProgress,
    ReadModelVersion, VersionStanding,
};

use super::identity::non_empty;
use super::invalid::{Found, Invalid, required};
use super::time::time;
use crate::v1;

impl From<&ReadModelVersion> for v1::ReadModelVersion {
    fn from(version: &ReadModelVersion) -> Self {
        Self {
            name: version.name().into(),
            version: version.version(),
        }
    }
}

/// Reads the version of a read model.
pub fn read_model_version(
    version: Option<v1::ReadModelVersion>,
) -> Result<ReadModelVersion, Invalid> {
    let version = required(version, "version", "say which of which read model")?;
    let named = ReadModelVersion::new(&version.name, version.version);
    named.map_err(|error| Invalid::field("version.name", error.to_string()))
}

impl From<VersionStanding> for v1::VersionStanding {
    fn from(standing: VersionStanding) -> Self {
        match standing {
            VersionStanding::Building => Self::Building,
            VersionStanding::Live => Self::Live,
            VersionStanding::Kept => Self::Kept,
        }
    }
}

fn standing(number: i32) -> Result<VersionStanding, Invalid> {
    match v1::VersionStanding::try_from(number) {
        Ok(v1::VersionStanding::Building) => Ok(VersionStanding::Building),
        Ok(v1::VersionStanding::Live) => Ok(VersionStanding::Live),
        Ok(v1::VersionStanding::Kept) => Ok(VersionStanding::Kept),
        Ok(v1::VersionStanding::Unspecified) | Err(_) => {
            Err(Invalid::field("standing", "every version has one"))
        }
    }
}

impl From<&ReadModelOverview> for v1::ReadModel {
    fn from(overview: &ReadModelOverview) -> Self {
        let progress = &overview.progress;
        Self {
            version: Some((&overview.version).into()),
            standing: v1::VersionStanding::from(overview.standing).into(),
            tables: overview.tables.clone(),
            handled: progress.handled,
            of: progress.of,
            begun_at: Some(progress.begun_at.into()),
            moved_at: Some(progress.moved_at.into()),
            owners: overview.owners.clone(),
            paused: overview.paused.clone(),
        }
    }
}

impl TryFrom<v1::ReadModel> for ReadModelOverview {
    type Error = Invalid;

    fn try_from(model: v1::ReadModel) -> Result<Self, Invalid> {
        Ok(Self {
            version: read_model_version(model.version)?,
            standing: standing(model.standing)?,
            tables: model.tables,
            progress: ReadModelProgress {
                handled: model.handled,
                of: model.of,
                begun_at: time(model.begun_at, "begun_at")?,
                moved_at: time(model.moved_at, "moved_at")?,
            },
            owners: model.owners,
            paused: model.paused,
        })
    }
}

impl From<&CompareTables> for v1::CompareReadModelRequest {
    fn from(wanted: &CompareTables) -> Self {
        Self {
            version: Some((&wanted.version).into()),
            table: wanted.table.clone().unwrap_or_default(),
            columns: wanted.columns.clone(),
        }
    }
}

/// Reads a request to compare tables.
pub fn compare_tables(request: v1::CompareReadModelRequest) -> Result<CompareTables, Invalid> {
    let mut found = Found::default();
    let version = found.take(read_model_version(request.version));
    let table = non_empty(request.table);
    if table.is_none() && !request.columns.is_empty() {
        let invalid = Invalid::field("table", "is missing; say which table has the columns");
        found.take::<()>(Err(invalid));
    }
    let wanted = version.map(|version| CompareTables {
        version,
        table,
        columns: request.columns,
    });
    found.give(wanted)
}

impl From<&ComparedTables> for v1::CompareReadModelResponse {
    fn from(compared: &ComparedTables) -> Self {
        let tables = compared.tables.iter();
        let tables = tables.map(|(table, comparison)| v1::ComparedTable {
            table: table.clone(),
            at_same_position: comparison.at_same_position,
            live_rows: comparison.live_rows,
            rows: comparison.rows,
            only_live: comparison.only_live,
            only_other: comparison.only_other,
        });
        Self {
            live: Some((&compared.live).into()),
            tables: tables.collect(),
            only_in_one: compared.only_in_one.clone(),
        }
    }
}

impl TryFrom<v1::CompareReadModelResponse> for ComparedTables {
    type Error = Invalid;

    fn try_from(compared: v1::CompareReadModelResponse) -> Result<Self, Invalid> {
        let tables = compared.tables.into_iter().map(|table| {
            let comparison = Comparison {
                at_same_position: table.at_same_position,
                live_rows: table.live_rows,
                rows: table.rows,
                only_live: table.only_live,
                only_other: table.only_other,
            };
            (table.table, comparison)
        });
        let live = read_model_version(compared.live);
        Ok(Self {
            live: live.map_err(|invalid| invalid.renamed("version", "live"))?,
            tables: tables.collect(),
            only_in_one: compared.only_in_one,
        })
    }
}
