//! Shows read models and their versions to a person, and compares, switches and drops them.

use std::collections::{BTreeMap, BTreeSet};

use seriatim_core::{
    CompareTables, ComparedTables, ReadModelOverview, ReadModelTables, ReadModelVersion,
    VersionError, VersionStanding, VersionStatus, VersionStore,
};

use super::runner::Reactions;

/// The requests of a person. They reach all versions of the read models that this process was started with in some
/// version, whichever process feeds them. If a version is in several databases, the one that this process feeds is
/// used.
impl Reactions {
    /// Returns the versions of one read model or of all, with their progress.
    pub async fn read_models(
        &self,
        name: Option<&str>,
    ) -> Result<Vec<ReadModelOverview>, VersionError> {
        // The order matters, so that no version seems to have handled more events than there are.
        let mut statuses = self.version_statuses(name).await?;
        let heads = self.feed.heads().await?;
        for (_, status) in &mut statuses {
            self.feed.confront(&mut status.checkpoints).await?;
        }
        let statuses = statuses.iter();
        Ok(statuses
            .map(|(_, status)| ReadModelOverview::of(status, &heads))
            .collect())
    }

    /// Compares the rows of a version with those of the live one, table by table.
    pub async fn compare_read_model(
        &self,
        wanted: &CompareTables,
    ) -> Result<ComparedTables, VersionError> {
        let version = &wanted.version;
        let store = self.store_of(version).await?;
        let all = store.versions(Some(version.name())).await?;
        let other = VersionStatus::find(&all, version)?;
        let live = VersionStatus::live(&all).unwrap_or(other);
        let names = |tables: &ReadModelTables| -> BTreeSet<_> {
            tables.plain_names().map(str::to_owned).collect()
        };
        let (theirs, ours) = (names(&live.tables), names(&other.tables));
        let mut in_both: Vec<_> = ours.intersection(&theirs).cloned().collect();
        let mut only_in_one: Vec<_> = ours.symmetric_difference(&theirs).cloned().collect();
        if let Some(table) = &wanted.table {
            if !in_both.contains(table) {
                return Err(VersionError::UnknownTable {
                    version: version.clone(),
                    table: table.clone(),
                    known: in_both,
                });
            }
            (in_both, only_in_one) = (vec![table.clone()], Vec::new());
        }
        let mut tables = Vec::with_capacity(in_both.len());
        for table in in_both {
            let (plain, columns) = (table.clone(), wanted.columns.clone());
            let select = move |tables: &ReadModelTables| tables.select(&plain, &columns);
            tables.push((table, store.compare(version, &select).await?));
        }
        Ok(ComparedTables {
            live: live.version.clone(),
            tables,
            only_in_one,
        })
    }

    /// Makes the views show a version. The version before it is kept.
    ///
    /// A version cannot catch up with a live one whose log was replaced. In this case it need only have handled all
    /// events.
    pub async fn switch_read_model(&self, version: &ReadModelVersion) -> Result<(), VersionError> {
        let store = self.store_of(version).await?;
        let mut all = store.versions(Some(version.name())).await?;
        // The order matters, so that the version does not seem to have handled more events than there are.
        let heads = self.feed.heads().await?;
        let mut is_lost = false;
        for status in &mut all {
            let before: Vec<_> = status.checkpoints.iter().map(|one| one.at).collect();
            self.feed.confront(&mut status.checkpoints).await?;
            let after = status.checkpoints.iter().map(|one| one.at);
            is_lost |= status.standing == VersionStanding::Live && !after.eq(before);
        }
        let is_done = VersionStatus::find(&all, version)?
            .progress(&heads)
            .is_done();
        match is_lost && is_done {
            true => store.replace(version).await,
            false => store.switch(version).await,
        }
    }

    /// Drops a version that is not live, with its tables and its progress.
    pub async fn drop_read_model(&self, version: &ReadModelVersion) -> Result<(), VersionError> {
        self.store_of(version).await?.drop_version(version).await
    }

    /// Returns the store of a version.
    async fn store_of(
        &self,
        version: &ReadModelVersion,
    ) -> Result<&dyn VersionStore, VersionError> {
        let all = self.version_statuses(Some(version.name())).await?;
        let found = all.iter().find(|(_, status)| status.version == *version);
        let (store, _) = found.ok_or_else(|| VersionError::Unknown {
            version: version.clone(),
            known: (all.iter())
                .map(|(_, status)| status.version.version())
                .collect(),
        })?;
        Ok(*store)
    }

    /// Returns all versions, with the store of each, in order.
    async fn version_statuses(
        &self,
        name: Option<&str>,
    ) -> Result<Vec<(&dyn VersionStore, VersionStatus)>, VersionError> {
        let enrolled = self.enrolled().iter();
        let enrolled: Vec<_> = enrolled.filter_map(|one| one.read_model()).collect();
        let mut found = BTreeMap::new();
        for (fed, store) in &enrolled {
            if name.is_some_and(|name| name != fed.name()) {
                continue;
            }
            for status in store.versions(Some(fed.name())).await? {
                let version = status.version.clone();
                // This process feeds a version if it has the component of exactly that version.
                if version == **fed || !found.contains_key(&version) {
                    found.insert(version, (*store, status));
                }
            }
        }
        match name {
            Some(name) if !enrolled.iter().any(|(fed, _)| fed.name() == name) => {
                let known: BTreeSet<_> = enrolled.iter().map(|(fed, _)| fed.name()).collect();
                Err(VersionError::UnknownModel {
                    name: name.into(),
                    known: known.into_iter().map(str::to_owned).collect(),
                })
            }
            _ => Ok(found.into_values().collect()),
        }
    }
}
