//! Defines the seam of a database that holds read models. Each step is one transaction, and versions exist beside one
//! another.

use std::error::Error;
use std::fmt::Debug;

use async_trait::async_trait;

use crate::text::known::name_one_of;
use crate::{
    CheckpointStore, Comparison, ComparisonQuery, Component, Hold, InvalidReadModelName,
    LogPartition, Position, ReactionError, ReadModel, ReadModelTables, ReadModelVersion, Step,
    StoreError, VersionStatus,
};

/// A database that holds read models and their checkpoints. It may be the database of the events or another one.
#[async_trait]
pub trait ReadModelStore: CheckpointStore + VersionStore + Clone {
    /// The type of the connections that [`ReadModel`] gets.
    type Connection: Send;

    /// Makes the tables of a version if they do not exist, and returns their names. The first version of a model is
    /// live at once; a later one is built beside it.
    ///
    /// The names of tables are those of the whole schema. A name that another read model has, or that exists and
    /// belongs to no read model, is refused before anything is made.
    async fn register<M: ReadModel<Self::Connection>>(
        &self,
        model: &M,
    ) -> Result<ReadModelTables, RegisterError>;

    /// Does what [`Reaction::handle`](crate::Reaction::handle) does, in one transaction: the changes of the model and
    /// the move of its checkpoint.
    ///
    /// # Cancel safety
    /// If the future is dropped, everything is done or nothing.
    async fn project<M: ReadModel<Self::Connection>>(
        &self,
        model: &M,
        tables: &ReadModelTables,
        step: Step<'_>,
    ) -> Result<Hold, ReactionError>;
}

/// The actions on versions of read models that do not need their content.
#[async_trait]
pub trait VersionStore: Send + Sync + Debug {
    /// Returns all versions, or those of one model, in the order of their names and numbers.
    async fn versions(&self, name: Option<&str>) -> Result<Vec<VersionStatus>, StoreError>;

    /// Returns whether this version exists. If it does not, any progress that was recorded since it was dropped is
    /// forgotten in the same step.
    async fn confirm(&self, version: &ReadModelVersion) -> Result<bool, StoreError>;

    /// Makes a version the live one, in one step for all readers: from then on the views show its tables. The version
    /// before it is kept. Does nothing if it is already live.
    ///
    /// Fails while it is behind the live one or has parked streams, so that no reader sees time go back.
    async fn switch(&self, version: &ReadModelVersion) -> Result<(), VersionError>;

    /// Does what [`switch`](Self::switch) does, even if the version is behind the live one. Use it when the live one
    /// shows events that the log no longer has.
    async fn replace(&self, version: &ReadModelVersion) -> Result<(), VersionError>;

    /// Drops the tables and the progress of a version that is not live. The version may be old or still being built.
    /// Nothing of it is left, and the process that feeds it finds its tenure lost. A table that another read model has
    /// too stays.
    async fn drop_version(&self, version: &ReadModelVersion) -> Result<(), VersionError>;

    /// Compares the rows of a query with those of the same query on the live version, both at the same moment. `query`
    /// makes the query from the names of the tables.
    async fn compare(
        &self,
        version: &ReadModelVersion,
        query: &ComparisonQuery,
    ) -> Result<Comparison, VersionError>;
}

/// The reason why a read model cannot be fed.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The read model or one of its tables has an invalid name.
    #[error(transparent)]
    Name(#[from] InvalidReadModelName),
    /// The version was made with other tables.
    #[error("{version} was made with the tables {}, not {}; give the changed one another version", .made.join(", "), .declared.join(", "))]
    OtherTables {
        /// The version.
        version: ReadModelVersion,
        /// The tables that it was made with.
        made: Vec<String>,
        /// The tables that it has now.
        declared: Vec<String>,
    },
    /// One of its tables cannot be told from a table of another read model.
    #[error(transparent)]
    TableTaken(#[from] TableTaken),
    /// A table or a view with that name exists and belongs to no read model.
    #[error(
        "there is a table or a view {name} already, which belongs to no read model; drop or rename it, or give the table of {version} another name"
    )]
    TableExists {
        /// The version.
        version: ReadModelVersion,
        /// Its name in SQL.
        name: String,
    },
    /// The read model has not made one of its tables.
    #[error(
        "{version} has not made its table `{table}`; make it in `ReadModel::create`, under the name that `ReadModelTables::name` gives"
    )]
    NotMade {
        /// The version.
        version: ReadModelVersion,
        /// The table, by its name in SQL.
        table: String,
    },
    /// The read model could not make its tables.
    #[error("the tables of {version} could not be made; correct `ReadModel::create`: {source}")]
    Create {
        /// The version.
        version: ReadModelVersion,
        /// The error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A table of a version cannot be told from another table of its own or of another read model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{version} cannot have a table `{table}`: some version of {by} has a table or a view of that name; give it another name"
)]
pub struct TableTaken {
    /// The version.
    pub version: ReadModelVersion,
    /// The plain name of its table.
    pub table: String,
    /// The version that had the name before; the same version if two of its own names clash.
    pub by: ReadModelVersion,
}

/// The table of a read model does not exist. It is the cause of a store error, because the events are not at fault.
#[derive(Debug, thiserror::Error)]
#[error(
    "the table {table} of `{component}` is gone; restore it and resume the component, or build the read model anew as another version"
)]
pub struct TableGone {
    /// The component that feeds it.
    pub component: Component,
    /// The table, by its name in SQL.
    pub table: String,
}

/// The reason why nothing was done about a version.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// The process that was asked runs without the read model.
    #[error("there is no read model `{name}` here; {}", name_one_of(.known))]
    UnknownModel {
        /// The name that was asked for.
        name: String,
        /// The read models that run there.
        known: Vec<String>,
    },
    /// There is no such version.
    #[error("there is no {version}; there are {}", list(.known))]
    Unknown {
        /// The version that was asked for.
        version: ReadModelVersion,
        /// The versions that exist.
        known: Vec<u32>,
    },
    /// The version and the live one do not both have this table.
    #[error("{version} and the live one have no table `{table}` in common; {}", name_one_of(.known))]
    UnknownTable {
        /// The version.
        version: ReadModelVersion,
        /// The table that was asked for.
        table: String,
        /// The tables that both have.
        known: Vec<String>,
    },
    /// The version is behind the live one.
    #[error(
        "{version} is at position {position} in partition {partition}, the live one at {live}; let it catch up, and switch then"
    )]
    Behind {
        /// The version.
        version: ReadModelVersion,
        /// The partition of the log.
        partition: LogPartition,
        /// The position that the version has reached there.
        position: Position,
        /// The position that the live one has reached there.
        live: Position,
    },
    /// The version has parked streams, so it has not handled all the events that it has passed.
    #[error(
        "{version} has parked {streams} streams, which the live one may show; resubmit or discard what they failed on, and switch then"
    )]
    Parked {
        /// The version.
        version: ReadModelVersion,
        /// The number of parked streams.
        streams: usize,
    },
    /// The version is live.
    #[error("{version} is live; switch to another one first")]
    Live {
        /// The version.
        version: ReadModelVersion,
    },
    /// One of its tables cannot be told from a table of another read model.
    #[error(transparent)]
    TableTaken(#[from] TableTaken),
    /// The query of a comparison cannot be run on both versions.
    #[error("the query cannot be run on both versions; correct it: {source}")]
    Query {
        /// The error of the database.
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
