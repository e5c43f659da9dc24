//! The versions that there are: listed, switched, dropped.

use seriatim_core::{ReadModelVersion, StoreError, VersionError, VersionStanding, VersionStatus};
use sqlx::Error;

use super::registry::Registry;
use crate::PostgresStore;
use crate::refused::{self, Meaning};

/// Of a reader, all of one moment.
pub(super) const SNAPSHOT: &str = "ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Of who changes versions; what it reads after the lock is what is there.
pub(super) const CHANGE: &str = "ISOLATION LEVEL READ COMMITTED READ WRITE";

/// How often a change is tried that a step was in the way of.
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
    let connections = store.read_models();
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

/// Why a change was not made.
pub(super) enum Refused {
    ByUs(VersionError),
    ByServer(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::ByServer(error)
    }
}

impl Refused {
    pub(super) fn into_error(self, action: &'static str) -> VersionError {
        match self {
            Self::ByUs(error) => error,
            Self::ByServer(error) => refused::store_error(action, error).into(),
        }
    }

    /// Locks of a step and of the change were taken the other way round.
    fn is_a_race(&self) -> bool {
        matches!(self, Self::ByServer(error) if refused::meaning(error) == Meaning::Again)
    }
}

pub(super) async fn switch(
    store: &PostgresStore,
    version: &ReadModelVersion,
) -> Result<(), VersionError> {
    let mut attempt = 1;
    loop {
        match switch_once(store, version).await {
            Err(refused) if refused.is_a_race() && attempt < ATTEMPTS => attempt += 1,
            result => return result.map_err(|refused| refused.into_error("switch a read model")),
        }
    }
}

async fn switch_once(store: &PostgresStore, version: &ReadModelVersion) -> Result<(), Refused> {
    let connections = store.read_models();
    let mut connection = connections.get().await?;
    let mut transaction = connections.begin(&mut connection, CHANGE).await?;
    let mut registry = Registry {
        store,
        connection: &mut transaction,
    };
    registry.lock().await?;
    let all = registry.versions(Some(version.name())).await?;
    find(version, &all)?;
    if let Some(live) = live(&all).filter(|live| live.version != *version) {
        let components = [version.component(), live.version.component()];
        registry.hold_still(components.each_ref()).await?;
        let all = registry.versions(Some(version.name())).await?;
        let (next, live) = (find(version, &all)?, self::live(&all).unwrap_or(live));
        if let Some((partition, position, live)) = next.behind(live) {
            let version = version.clone();
            return Err(Refused::ByUs(VersionError::Behind {
                version,
                partition,
                position,
                live,
            }));
        }
        let streams = registry.parked(version).await?;
        if streams > 0 {
            let version = version.clone();
            return Err(Refused::ByUs(VersionError::Parked { version, streams }));
        }
        // First the old one: two cannot be live.
        registry.stand(&live.version, VersionStanding::Kept).await?;
        registry.stand(version, VersionStanding::Live).await?;
        registry.show(&next.tables, Some(&live.tables)).await?;
    }
    transaction.commit().await?;
    connections.put_back(connection);
    Ok(())
}

pub(super) async fn drop_version(
    store: &PostgresStore,
    version: &ReadModelVersion,
) -> Result<(), VersionError> {
    let mut attempt = 1;
    loop {
        match drop_once(store, version).await {
            Err(refused) if refused.is_a_race() && attempt < ATTEMPTS => attempt += 1,
            result => return result.map_err(|refused| refused.into_error("drop a read model")),
        }
    }
}

async fn drop_once(store: &PostgresStore, version: &ReadModelVersion) -> Result<(), Refused> {
    let connections = store.read_models();
    let mut connection = connections.get().await?;
    let mut transaction = connections.begin(&mut connection, CHANGE).await?;
    let mut registry = Registry {
        store,
        connection: &mut transaction,
    };
    registry.lock().await?;
    let all = registry.versions(Some(version.name())).await?;
    let dropped = find(version, &all)?;
    if dropped.standing == VersionStanding::Live {
        let version = version.clone();
        return Err(Refused::ByUs(VersionError::Live { version }));
    }
    // The tables before the checkpoint, as a step locks them.
    for table in dropped.tables.names() {
        registry
            .run(format!("DROP TABLE IF EXISTS {table}"))
            .await?;
    }
    registry.forget(version).await?;
    transaction.commit().await?;
    connections.put_back(connection);
    Ok(())
}

pub(super) fn find<'a>(
    version: &ReadModelVersion,
    all: &'a [VersionStatus],
) -> Result<&'a VersionStatus, Refused> {
    let found = all.iter().find(|status| status.version == *version);
    found.ok_or_else(|| {
        Refused::ByUs(VersionError::Unknown {
            version: version.clone(),
            known: all.iter().map(|status| status.version.version()).collect(),
        })
    })
}

pub(super) fn live(all: &[VersionStatus]) -> Option<&VersionStatus> {
    all.iter()
        .find(|status| status.standing == VersionStanding::Live)
}
