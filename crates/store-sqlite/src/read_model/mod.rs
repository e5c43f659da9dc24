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
use seriatim_core::{
    Comparison, ComparisonQuery, Hold, ReactionError, ReadModel, ReadModelStore, ReadModelTables,
    ReadModelVersion, RegisterError, Step, StoreError, VersionError, VersionStatus, VersionStore,
};
use sqlx::SqliteConnection;

use crate::SqliteStore;
use crate::transaction::Transaction;

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
        let list = move |connection: &rusqlite::Connection| {
            registry::versions(connection, name.as_deref())
        };
        self.lists().read("list the read models", list).await
    }

    async fn confirm(&self, version: &ReadModelVersion) -> Result<bool, StoreError> {
        let version = version.clone();
        let confirm = move |transaction: &mut Transaction<'_, '_>| {
            registry::confirm(transaction.connection, &version)
        };
        self.writer().change("look for a read model", confirm).await
    }

    async fn switch(&self, version: &ReadModelVersion) -> Result<(), VersionError> {
        let version = version.clone();
        let switch = move |transaction: &mut Transaction<'_, '_>| {
            registry::switch(transaction.connection, &version, false)
        };
        self.writer().change("switch a read model", switch).await?
    }

    async fn replace(&self, version: &ReadModelVersion) -> Result<(), VersionError> {
        let version = version.clone();
        let replace = move |transaction: &mut Transaction<'_, '_>| {
            registry::switch(transaction.connection, &version, true)
        };
        self.writer()
            .change("replace a read model", replace)
            .await?
    }

    async fn drop_version(&self, version: &ReadModelVersion) -> Result<(), VersionError> {
        let version = version.clone();
        let drop = move |transaction: &mut Transaction<'_, '_>| {
            registry::drop_version(transaction.connection, &version)
        };
        self.writer().change("drop a read model", drop).await?
    }

    async fn compare(
        &self,
        version: &ReadModelVersion,
        query: &ComparisonQuery,
    ) -> Result<Comparison, VersionError> {
        compare::compare(self, version, query).await
    }
}
