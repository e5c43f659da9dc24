//! Read models: their tables are in the file of the store, and change together with the checkpoint.
//!
//! User code works through sqlx, on a connection of its own. The threads of the store do what concerns only versions.

mod compare;
mod connection;
mod fault;
mod register;
mod registry;
mod step;

use async_trait::async_trait;
use rusqlite::Connection;
use seriatim_core::{
    Comparison, ComparisonQuery, Hold, ReactionError, ReadModel, ReadModelStore, ReadModelTables,
    ReadModelVersion, RegisterError, Step, StoreError, VersionError, VersionStatus, VersionStore,
};
use sqlx::SqliteConnection;

use crate::SqliteStore;

pub(crate) use connection::UserConnection;

#[async_trait]
impl ReadModelStore for SqliteStore {
    type Connection = SqliteConnection;

    async fn register<M: ReadModel<SqliteConnection>>(
        &self,
        model: &M,
    ) -> Result<ReadModelTables, RegisterError> {
        register::register(self, model).await
    }

    async fn project<M: ReadModel<SqliteConnection>>(
        &self,
        model: &M,
        tables: &ReadModelTables,
        step: Step<'_>,
    ) -> Result<Hold, ReactionError> {
        step::project(self, model, tables, step).await
    }
}

#[async_trait]
impl VersionStore for SqliteStore {
    async fn versions(&self, name: Option<&str>) -> Result<Vec<VersionStatus>, StoreError> {
        let name = name.map(str::to_owned);
        let list = move |connection: &Connection| registry::versions(connection, name.as_deref());
        self.lists().read("list the read models", list).await
    }

    async fn confirm(&self, version: &ReadModelVersion) -> Result<bool, StoreError> {
        let version = version.clone();
        let confirm = move |connection: &Connection| registry::confirm(connection, &version);
        self.write("look for a read model", confirm).await
    }

    async fn switch(&self, version: &ReadModelVersion) -> Result<(), VersionError> {
        let version = version.clone();
        let switch = move |connection: &Connection| registry::switch(connection, &version, false);
        self.write("switch a read model", switch).await?
    }

    async fn replace(&self, version: &ReadModelVersion) -> Result<(), VersionError> {
        let version = version.clone();
        let replace = move |connection: &Connection| registry::switch(connection, &version, true);
        self.write("replace a read model", replace).await?
    }

    async fn drop_version(&self, version: &ReadModelVersion) -> Result<(), VersionError> {
        let version = version.clone();
        let drop = move |connection: &Connection| registry::drop_version(connection, &version);
        self.write("drop a read model", drop).await?
    }

    async fn compare(
        &self,
        version: &ReadModelVersion,
        query: &ComparisonQuery,
    ) -> Result<Comparison, VersionError> {
        compare::compare(self, version, query).await
    }
}
