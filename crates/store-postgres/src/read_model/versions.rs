//! Listing, switching and dropping versions.

use seriatim_core::{
    ReadModelVersion, StoreError, TableTaken, VersionError, VersionStanding, VersionStatus,
};
use sqlx::Error;

use super::registry::Registry;
use crate::PostgresStore;
use crate::refused::{self, Meaning};

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
    let listed = list_at_one_moment(store, name).await;
    listed.map_err(|error| refused::store_error("list the read models", error))
}

async fn list_at_one_moment(
    store: &PostgresStore,
    name: Option<&str>,
) -> Result<Vec<VersionStatus>, Error> {
    let connections = store.user_connections();
    let mut connection = connections.get().await?;
    let mut transaction = connections.begin(&mut connection, SNAPSHOT).await?;
    let mut registry = Registry {
        store,
        connection: &mut transaction,
    };
    let versions = connections.within(registry.versions(name)).await?;
    transaction.commit().await?;
    connections.put_back(connection);
    Ok(versions)
}

/// The reason why a change was not made.
pub(super) enum Refused {
    ByUs(VersionError),
    ByServer(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::ByServer(error)
    }
}

impl From<TableTaken> for Refused {
    fn from(taken: TableTaken) -> Self {
        Self::ByUs(taken.into())
    }
}

impl From<VersionError> for Refused {
    fn from(error: VersionError) -> Self {
        Self::ByUs(error)
    }
}

impl Refused {
    pub(super) fn into_error(self, action: &'static str) -> VersionError {
        match self {
            Self::ByUs(error) => error,
            Self::ByServer(error) => refused::store_error(action, error).into(),
        }
    }

    /// Returns whether a step and the change took their locks in opposite order.
    fn is_a_race(&self) -> bool {
        matches!(self, Self::ByServer(error) if refused::meaning(error) == Meaning::Again)
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
) -> Result<(), Refused> {
    let connections = store.user_connections();
    let mut connection = connections.get().await?;
    let mut transaction = connections.begin(&mut connection, CHANGE).await?;
    let mut registry = Registry {
        store,
        connection: &mut transaction,
    };
    registry.lock().await?;
    match change {
        Change::Switch => switch(&mut registry, version, false).await?,
        Change::Replace => switch(&mut registry, version, true).await?,
        Change::Drop => drop_version(&mut registry, version).await?,
    }
    transaction.commit().await?;
    connections.put_back(connection);
    Ok(())
}

async fn switch(
    registry: &mut Registry<'_>,
    version: &ReadModelVersion,
    may_be_behind: bool,
) -> Result<(), Refused> {
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
) -> Result<(), Refused> {
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

pub(super) async fn confirm(
    store: &PostgresStore,
    version: &ReadModelVersion,
) -> Result<bool, StoreError> {
    let confirmed = confirm_or_forget(store, version).await;
    confirmed.map_err(|error| refused::store_error("look for a read model", error))
}

/// Nobody makes the version between the check and the forgetting.
async fn confirm_or_forget(
    store: &PostgresStore,
    version: &ReadModelVersion,
) -> Result<bool, Error> {
    let connections = store.user_connections();
    let mut connection = connections.get().await?;
    let mut transaction = connections.begin(&mut connection, CHANGE).await?;
    let mut registry = Registry {
        store,
        connection: &mut transaction,
    };
    registry.lock().await?;
    let all = registry.versions(Some(version.name())).await?;
    let is_there = VersionStatus::find(&all, version).is_ok();
    if !is_there {
        registry.forget(version).await?;
    }
    transaction.commit().await?;
    connections.put_back(connection);
    Ok(is_there)
}
