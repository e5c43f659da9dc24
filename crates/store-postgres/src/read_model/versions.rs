//! Listing, switching and dropping versions.

use seriatim_core::{
    ReadModelVersion, StoreError, TableTaken, VersionError, VersionStanding, VersionStatus,
};
use sqlx::Error;

use super::registry::{Registry, transact};
use crate::PostgresStore;
use crate::opening::driver_error::{self, Meaning};

/// The characteristics for a reader, who sees one moment.
pub(super) const SNAPSHOT: &str = "ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// The characteristics for a change of versions, which reads the current rows after it has the lock.
pub(super) const CHANGE: &str = "ISOLATION LEVEL READ COMMITTED READ WRITE";

/// The most times that a change is tried, if it conflicts with a step.
const ATTEMPTS: usize = 5;

pub(super) async fn list(
    store: &PostgresStore,
    name: Option<&str>,
) -> Result<Vec<VersionStatus>, StoreError> {
    let failed = |error| driver_error::store_error("list the read models", error);
    transact(store, SNAPSHOT, failed, async |registry| {
        let list = store.user_connections().within(registry.versions(name));
        list.await.map_err(failed)
    })
    .await
}

/// The reason why a change was not made.
pub(super) enum ChangeError {
    Version(VersionError),
    Driver(Error),
}

impl From<Error> for ChangeError {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl From<TableTaken> for ChangeError {
    fn from(taken: TableTaken) -> Self {
        Self::Version(taken.into())
    }
}

impl From<VersionError> for ChangeError {
    fn from(error: VersionError) -> Self {
        Self::Version(error)
    }
}

impl ChangeError {
    pub(super) fn into_error(self, action: &'static str) -> VersionError {
        match self {
            Self::Version(error) => error,
            Self::Driver(error) => driver_error::store_error(action, error).into(),
        }
    }

    /// Returns whether a step and the change took their locks in opposite order.
    fn is_a_race(&self) -> bool {
        matches!(self, Self::Driver(error) if driver_error::meaning(error) == Meaning::Again)
    }
}

/// The change of a version.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Switch,
    /// Switch, even if the version is behind.
    Replace,
    Drop,
}

pub(super) async fn change(
    store: &PostgresStore,
    version: &ReadModelVersion,
    change: Change,
) -> Result<(), VersionError> {
    let action = match change {
        Change::Switch => "switch a read model",
        Change::Replace => "replace a read model",
        Change::Drop => "drop a read model",
    };
    let mut attempt = 1;
    loop {
        match change_once(store, version, change).await {
            Err(refused) if refused.is_a_race() && attempt < ATTEMPTS => attempt += 1,
            result => return result.map_err(|refused| refused.into_error(action)),
        }
    }
}

async fn change_once(
    store: &PostgresStore,
    version: &ReadModelVersion,
    change: Change,
) -> Result<(), ChangeError> {
    transact(store, CHANGE, ChangeError::Driver, async |registry| {
        registry.lock().await?;
        match change {
            Change::Switch => switch(registry, version, false).await,
            Change::Replace => switch(registry, version, true).await,
            Change::Drop => drop_version(registry, version).await,
        }
    })
    .await
}

async fn switch(
    registry: &mut Registry<'_>,
    version: &ReadModelVersion,
    may_be_behind: bool,
) -> Result<(), ChangeError> {
    let all = registry.versions(Some(version.name())).await?;
    VersionStatus::find(&all, version)?;
    let Some(live) = VersionStatus::live(&all).filter(|live| live.version != *version) else {
        return Ok(());
    };
    let components = [version.component(), live.version.component()];
    registry.hold_still(components.each_ref()).await?;
    // The versions after the change.
    let every = registry.versions(None).await?;
    let all = VersionStatus::of_model(&every, version.name());
    let next = VersionStatus::find(&all, version)?;
    let live = VersionStatus::live(&all).unwrap_or(live);
    next.check_names(&every)?;
    if !may_be_behind {
        next.check_behind(live)?;
    }
    next.check_parked(registry.parked(version).await?)?;
    // The old one first, because two cannot be live.
    registry.stand(&live.version, VersionStanding::Kept).await?;
    registry.stand(version, VersionStanding::Live).await?;
    registry.show(&next.tables, &live.own_views(&every)).await?;
    Ok(())
}

async fn drop_version(
    registry: &mut Registry<'_>,
    version: &ReadModelVersion,
) -> Result<(), ChangeError> {
    let every = registry.versions(None).await?;
    let all = VersionStatus::of_model(&every, version.name());
    let dropped = VersionStatus::find(&all, version)?;
    dropped.check_drop()?;
    // The tables before the checkpoint, in the order in which a step locks them.
    for table in dropped.own_tables(&every) {
        registry
            .run(format!("DROP TABLE IF EXISTS {table}"))
            .await?;
    }
    registry.forget(version).await?;
    Ok(())
}

/// Nobody makes the version between the check and the forgetting.
pub(super) async fn confirm(
    store: &PostgresStore,
    version: &ReadModelVersion,
) -> Result<bool, StoreError> {
    let confirmed = transact(store, CHANGE, std::convert::identity, async |registry| {
        registry.lock().await?;
        let all = registry.versions(Some(version.name())).await?;
        let is_there = VersionStatus::find(&all, version).is_ok();
        if !is_there {
            registry.forget(version).await?;
        }
        Ok(is_there)
    });
    let failed = |error| driver_error::store_error("look for a read model", error);
    confirmed.await.map_err(failed)
}
