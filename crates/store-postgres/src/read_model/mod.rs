//! Read models: their tables are in the schema of the store, and change together with the checkpoint.

mod compare;
mod user_connections;
mod fault;
mod register;
mod registry;
mod step;
mod versions;

use async_trait::async_trait;
use seriatim_core::{
    Comparison, ComparisonQuery, Hold, ReactionError, ReadModel, ReadModelStore, ReadModelTables,
    ReadModelVersion, RegisterError, Step, StoreError, VersionError, VersionStatus, VersionStore,
};
use sqlx::PgConnection;

use crate::PostgresStore;

pub(crate) use user_connections::UserConnections;
use versions::Change;

#[async_trait]
impl ReadModelStore for PostgresStore {
    type Connection = PgConnection;

    async fn register<M: ReadModel<PgConnection>>(
        &self,
        model: &M,
    ) -> Result<ReadModelTables, RegisterError> {
        register::register(self, model).await
    }

    async fn project<M: ReadModel<PgConnection>>(
        &self,
        model: &M,
        tables: &ReadModelTables,
        step: Step<'_>,
    ) -> Result<Hold, ReactionError> {
        step::project(self, model, tables, step).await
    }
}

#[async_trait]
impl VersionStore for PostgresStore {
    async fn versions(&self, name: Option<&str>) -> Result<Vec<VersionStatus>, StoreError> {
        versions::list(self, name).await
    }

    async fn confirm(&self, version: &ReadModelVersion) -> Result<bool, StoreError> {
        versions::confirm(self, version).await
    }

    async fn switch(&self, version: &ReadModelVersion) -> Result<(), VersionError> {
        versions::change(self, version, Change::Switch).await
    }

    async fn replace(&self, version: &ReadModelVersion) -> Result<(), VersionError> {
        versions::change(self, version, Change::Replace).await
    }

    async fn drop_version(&self, version: &ReadModelVersion) -> Result<(), VersionError> {
        versions::change(self, version, Change::Drop).await
    }

    async fn compare(
        &self,
        version: &ReadModelVersion,
        query: &ComparisonQuery,
    ) -> Result<Comparison, VersionError> {
        compare::compare(self, version, query).await
    }
}
