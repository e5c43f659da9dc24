//! Contains the rules about versions of a read model that all stores use.

use crate::{
    ReadModelTables, ReadModelVersion, RegisterError, TableTaken, Timestamp, VersionError,
    VersionStanding, VersionStatus,
};

impl VersionStatus {
    /// Returns the live version, among all versions of a model.
    pub fn live(all: &[Self]) -> Option<&Self> {
        let mut all = all.iter();
        all.find(|status| status.standing == VersionStanding::Live)
    }

    /// Returns the versions of a model, among all versions.
    pub fn of_model(all: &[Self], name: &str) -> Vec<Self> {
        let of_it = all.iter().filter(|status| status.version.name() == name);
        of_it.cloned().collect()
    }

    /// Returns the version that is asked for, among all versions of a model. Fails if there is none.
    pub fn find<'a>(all: &'a [Self], version: &ReadModelVersion) -> Result<&'a Self, VersionError> {
        let found = all.iter().find(|status| status.version == *version);
        found.ok_or_else(|| VersionError::Unknown {
            version: version.clone(),
            known: all.iter().map(|status| status.version.version()).collect(),
        })
    }

    /// Returns the standing that a new version begins with, beside all existing versions of its model.
    pub fn standing_beside(all: &[Self]) -> VersionStanding {
        match Self::live(all) {
            Some(_) => VersionStanding::Building,
            None => VersionStanding::Live,
        }
    }

    /// Fails if a reader would see time go back when this version replaces the live one.
    pub fn check_behind(&self, live: &Self) -> Result<(), VersionError> {
        match self.behind(live) {
            None => Ok(()),
            Some((partition, position, live)) => Err(VersionError::Behind {
                version: self.version.clone(),
                partition,
                position,
                live,
            }),
        }
    }

    /// Fails if it has parked streams, because it has then not handled all the events that it has passed.
    pub fn check_parked(&self, streams: usize) -> Result<(), VersionError> {
        match streams {
            0 => Ok(()),
            streams => Err(VersionError::Parked {
                version: self.version.clone(),
                streams,
            }),
        }
    }

    /// Fails if it is live, because a live version must not be dropped.
    pub fn check_drop(&self) -> Result<(), VersionError> {
        match self.standing {
            VersionStanding::Live => Err(VersionError::Live {
                version: self.version.clone(),
            }),
            VersionStanding::Building | VersionStanding::Kept => Ok(()),
        }
    }
}

impl VersionStatus {
    /// Fails if an older read model has a table or a view with one of its names.
    pub fn check_names(&self, all: &[Self]) -> Result<(), TableTaken> {
        let begun_at = Some(self.begun_at);
        self.tables.check_names(&self.version, begun_at, all)
    }

    /// Returns its tables, by their names in SQL, without those that another read model has too.
    pub fn own_tables(&self, all: &[Self]) -> Vec<String> {
        let mut tables: Vec<_> = self.tables.names().collect();
        tables.retain(|name| !self.others(all).any(|other| other.has(name)));
        tables
    }

    /// Returns the plain names of its views, without those of an older read model.
    pub fn own_views(&self, all: &[Self]) -> Vec<&str> {
        let is_taken = |view: &str| {
            let mut others = self.others(all);
            others.any(|other| other.was_before(self.begun_at, &self.version) && other.has(view))
        };
        let mut views: Vec<_> = self.tables.plain_names().collect();
        views.retain(|plain| !is_taken(&self.tables.view(plain)));
        views
    }

    fn others<'a>(&'a self, all: &'a [Self]) -> impl Iterator<Item = &'a Self> {
        let others = all.iter();
        others.filter(|other| other.version.name() != self.version.name())
    }

    /// Returns whether one of its tables or views has this name in SQL.
    fn has(&self, name: &str) -> bool {
        let mut plain = self.tables.plain_names();
        plain.any(|plain| self.tables.name(plain) == name || self.tables.view(plain) == name)
    }

    fn was_before(&self, begun_at: Timestamp, version: &ReadModelVersion) -> bool {
        (self.begun_at, &self.version) < (begun_at, version)
    }
}

impl ReadModelTables {
    /// Returns the names that must be free when these tables are made: those of the tables, and of the views that do
    /// not show another version now.
    pub fn new_names(&self, live: Option<&VersionStatus>) -> Vec<String> {
        let is_shown = |plain: &str| {
            live.is_some_and(|live| live.tables.plain_names().any(|shown| shown == plain))
        };
        let views = self.plain_names().filter(|plain| !is_shown(plain));
        self.names()
            .chain(views.map(|plain| self.view(plain)))
            .collect()
    }

    /// Fails if a table cannot be told from one of an older read model, among all existing versions. `begun_at` is set
    /// if the version is one of them.
    ///
    /// The names of tables are those of one schema. Each read model has views under its plain names, and tables under
    /// those names with a version. A plain name may therefore not equal that of another read model, with or without a
    /// version.
    pub fn check_names(
        &self,
        version: &ReadModelVersion,
        begun_at: Option<Timestamp>,
        all: &[VersionStatus],
    ) -> Result<(), TableTaken> {
        let taken = |table: &str, by: &ReadModelVersion| TableTaken {
            version: version.clone(),
            table: table.into(),
            by: by.clone(),
        };
        let plain: Vec<_> = self.plain_names().collect();
        for (place, table) in plain.iter().enumerate() {
            let mut others = plain[place + 1..].iter();
            if others.any(|other| table == other || are_versions(table, other)) {
                return Err(taken(table, version));
            }
        }
        let was_before = |other: &&VersionStatus| {
            begun_at.is_none_or(|begun_at| other.was_before(begun_at, version))
        };
        let others = all.iter().filter(|other| other.version != *version);
        for other in others.filter(was_before) {
            let is_same_model = other.version.name() == version.name();
            for table in &plain {
                let mut theirs = other.tables.plain_names();
                let clashes = |theirs: &str| {
                    are_versions(table, theirs) || (*table == theirs && !is_same_model)
                };
                if theirs.any(clashes) {
                    return Err(taken(table, &other.version));
                }
            }
        }
        Ok(())
    }

    /// Fails if these are not the tables that the version was made with.
    pub fn check_made(&self, made: &Self, version: &ReadModelVersion) -> Result<(), RegisterError> {
        if self == made {
            return Ok(());
        }
        let names = |tables: &Self| tables.plain_names().map(str::to_owned).collect();
        Err(RegisterError::OtherTables {
            version: version.clone(),
            made: names(made),
            declared: names(self),
        })
    }
}

/// Returns whether a version of one plain name has the other name: `totals_v2` and `totals`.
fn are_versions(one: &str, other: &str) -> bool {
    let is_version = |name: &str, plain: &str| {
        let version = name
            .strip_prefix(plain)
            .and_then(|rest| rest.strip_prefix("_v"));
        version.is_some_and(|version| version.parse::<u32>().is_ok())
    };
    is_version(one, other) || is_version(other, one)
}
