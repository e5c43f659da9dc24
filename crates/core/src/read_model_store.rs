//! The seam of a database that holds read models: each step in one transaction, and the versions beside one another.

use std::error::Error;
use std::fmt::Debug;

use async_trait::async_trait;

use crate::known::name_one_of;
use crate::{
    CheckpointStore, Comparison, ComparisonQuery, Component, Hold, InvalidReadModelName,
    LogPartition, Position, ReactionError, ReadModel, ReadModelTables, ReadModelVersion, Step,
    StoreError, VersionStatus,
};

/// A database that holds read models, and their checkpoints beside them. It may be that of the events, or another.
#[async_trait]
pub trait ReadModelStore: CheckpointStore + VersionStore + Clone {
    /// What [`ReadModel`] is given.
    type Connection: Send;

    /// Makes the tables of a version if there are none, and says what they are called. The first version of a model is
    /// live at once; a later one is being built beside it.
    ///
    /// The names of tables are those of the whole schema: what another read model has, and what is there and belongs to
    /// none, is refused before anything is made.
    async fn register<M: ReadModel<Self::Connection>>(
        &self,
        model: &M,
    ) -> Result<ReadModelTables, RegisterError>;

    /// Does what [`Reaction::handle`](crate::Reaction::handle) does, in one transaction: what the model does, and the
    /// move of its checkpoint.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all done or nothing.
    async fn project<M: ReadModel<Self::Connection>>(
        &self,
        model: &M,
        tables: &ReadModelTables,
        step: Step<'_>,
    ) -> Result<Hold, ReactionError>;
}

/// What can be done about versions of read models without knowing what is in them.
#[async_trait]
pub trait VersionStore: Send + Sync + Debug {
    /// All versions there are, of one model if given, in the order of their names and numbers.
    async fn versions(&self, name: Option<&str>) -> Result<Vec<VersionStatus>, StoreError>;

    /// Whether there is such a version. If not, what was noted of its progress since it was dropped is forgotten, in
    /// one step with the look.
    async fn confirm(&self, version: &ReadModelVersion) -> Result<bool, StoreError>;

    /// Makes a version the live one, in one step for all who read: from then on the views show its tables. The one
    /// before is kept. Does nothing if it is live already.
    ///
    /// Refused as long as it is behind the live one or has parked streams, so that nobody sees time go back.
    async fn switch(&self, version: &ReadModelVersion) -> Result<(), VersionError>;

    /// Does what [`switch`](Self::switch) does, also if the version is behind the live one: for those who know that the
    /// live one shows events that the log does not have any more.
    async fn replace(&self, version: &ReadModelVersion) -> Result<(), VersionError>;

    /// Drops the tables and the progress of a version that is not live: one that is not needed any more, or one that is
    /// being built, which ends that. Nothing of it is left; whoever feeds it finds its work lost. A table that another
    /// read model has too stays.
    async fn drop_version(&self, version: &ReadModelVersion) -> Result<(), VersionError>;

    /// Holds the rows of a query against those of the same query on the live version, both as they are at one moment.
    /// `query` makes it from the names of the tables.
    async fn compare(
        &self,
        version: &ReadModelVersion,
        query: &ComparisonQuery,
    ) -> Result<Comparison, VersionError>;
}

/// Why a read model cannot be fed.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// It, or a table of it, has a name that it cannot have.
    #[error(transparent)]
    Name(#[from] InvalidReadModelName),
    /// The version was made with other tables.
    #[error("{version} was made with the tables {}, not {}; give the changed one another version", .made.join(", "), .declared.join(", "))]
    OtherTables {
        /// Which version.
        version: ReadModelVersion,
        /// The tables it was made with.
        made: Vec<String>,
        /// The tables it has now.
        declared: Vec<String>,
    },
    /// A table of it cannot be told from one of another read model.
    #[error(transparent)]
    TableTaken(#[from] TableTaken),
    /// There is a table or a view of its name that belongs to no read model.
    #[error(
        "there is a table or a view {name} already, which belongs to no read model; drop or rename it, or give the table of {version} another name"
    )]
    TableExists {
        /// Which version.
        version: ReadModelVersion,
        /// Its name as SQL calls it.
        name: String,
    },
    /// It has not made one of its tables.
    #[error(
        "{version} has not made its table `{table}`; make it in `ReadModel::create`, under the name that `ReadModelTables::name` gives"
    )]
    NotMade {
        /// Which version.
        version: ReadModelVersion,
        /// The table as SQL calls it.
        table: String,
    },
    /// It could not make its tables.
    #[error("the tables of {version} could not be made; correct `ReadModel::create`: {source}")]
    Create {
        /// Which version.
        version: ReadModelVersion,
        /// What it said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A table of a version cannot be told from one of another read model, or of its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{version} cannot have a table `{table}`: {by} has a table or a view that is called so in some version; give it another name"
)]
pub struct TableTaken {
    /// Which version.
    pub version: ReadModelVersion,
    /// The plain name of its table.
    pub table: String,
    /// Which version was there before; itself, if two of its own names clash.
    pub by: ReadModelVersion,
}

/// The table of a read model is not there. It is the cause of an error of the store, for events are not to blame for it.
#[derive(Debug, thiserror::Error)]
#[error(
    "the table {table} of `{component}` is gone; restore it and resume the component, or build the read model anew as another version"
)]
pub struct TableGone {
    /// Whose.
    pub component: Component,
    /// The table as SQL calls it.
    pub table: String,
}

/// Why nothing was done about a version.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// The process that was asked was started without the read model.
    #[error("there is no read model `{name}` here; {}", name_one_of(.known))]
    UnknownModel {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// There is no such version.
    #[error("there is no {version}; there are {}", list(.known))]
    Unknown {
        /// What was asked for.
        version: ReadModelVersion,
        /// The versions that there are.
        known: Vec<u32>,
    },
    /// The version and the live one do not both have such a table.
    #[error("{version} and the live one have no table `{table}` in common; {}", name_one_of(.known))]
    UnknownTable {
        /// Which version.
        version: ReadModelVersion,
        /// What was asked for.
        table: String,
        /// The tables that both have.
        known: Vec<String>,
    },
    /// It has not come as far as the live one.
    #[error(
        "{version} is at position {position} in partition {partition}, the live one at {live}; let it catch up, and switch then"
    )]
    Behind {
        /// Which version.
        version: ReadModelVersion,
        /// Where in the log.
        partition: LogPartition,
        /// How far it has come there.
        position: Position,
        /// How far the live one has come.
        live: Position,
    },
    /// It has not handled all that it has passed: streams are parked.
    #[error(
        "{version} has parked {streams} streams, which the live one may show; resubmit or discard what they failed on, and switch then"
    )]
    Parked {
        /// Which version.
        version: ReadModelVersion,
        /// How many.
        streams: usize,
    },
    /// It is live.
    #[error("{version} is live; switch to another one first")]
    Live {
        /// Which version.
        version: ReadModelVersion,
    },
    /// A table of it cannot be told from one of another read model.
    #[error(transparent)]
    TableTaken(#[from] TableTaken),
    /// The query of a comparison cannot be run on both versions.
    #[error("the query cannot be run on both versions; correct it: {source}")]
    Query {
        /// What the database said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(versions: &[u32]) -> String {
    match versions {
        [] => "none".into(),
        versions => {
            let versions: Vec<_> = versions.iter().map(u32::to_string).collect();
            versions.join(", ")
        }
    }
}
