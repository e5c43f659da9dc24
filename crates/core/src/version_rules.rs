//! What may be done about versions of a read model: the rules that all stores ask.

use crate::{
    ReadModelTables, ReadModelVersion, RegisterError, TableTaken, Timestamp, VersionError,
    VersionStanding, VersionStatus,
};

impl VersionStatus {
    /// The one that is live, among all of a model.
    pub fn live(all: &[Self]) -> Option<&Self> {
        let mut all = all.iter();
        all.find(|status| status.standing == VersionStanding::Live)
    }

    /// Those of a model, among all that there are.
    pub fn of_model(all: &[Self], name: &str) -> Vec<Self> {
        let of_it = all.iter().filter(|status| status.version.name() == name);
        of_it.cloned().collect()
    }

    /// The one that is asked for, among all of a model.
    pub fn find<'a>(all: &'a [Self], version: &ReadModelVersion) -> Result<&'a Self, VersionError> {
        let found = all.iter().find(|status| status.version == *version);
        found.ok_or_else(|| VersionError::Unknown {
            version: version.clone(),
            known: all.iter().map(|status| status.version.version()).collect(),
        })
    }

    /// What a new version begins as, beside all that there are of its model.
    pub fn standing_beside(all: &[Self]) -> VersionStanding {
        match Self::live(all) {
            Some(_) => VersionStanding::Building,
            None => VersionStanding::Live,
        }
    }

    /// Refuses to show this version in place of the live one if somebody would see time go back.
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

    /// Refuses to show it if it has not handled all that it has passed.
    pub fn check_parked(&self, streams: usize) -> Result<(), VersionError> {
        match streams {
            0 => Ok(()),
            streams => Err(VersionError::Parked {
                version: self.version.clone(),
                streams,
            }),
        }
    }

    /// Refuses to drop what is shown.
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
    /// Refuses to show it if a read model that was there before has a table or a view of its names.
    pub fn check_names(&self, all: &[Self]) -> Result<(), TableTaken> {
        let begun_at = Some(self.begun_at);
        self.tables.check_names(&self.version, begun_at, all)
    }

    /// Its tables, as SQL wants their names, but for those that another read model has too, among all that there are.
    pub fn own_tables(&self, all: &[Self]) -> Vec<String> {
        let mut tables: Vec<_> = self.tables.names().collect();
        tables.retain(|name| !self.others(all).any(|other| other.has(name)));
        tables
    }

    /// The plain names of its views, but for those of a read model that was there before.
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

    /// Whether a table or a view of it is called so in SQL.
    fn has(&self, name: &str) -> bool {
        let mut plain = self.tables.plain_names();
        plain.any(|plain| self.tables.name(plain) == name || self.tables.view(plain) == name)
    }

    fn was_before(&self, begun_at: Timestamp, version: &ReadModelVersion) -> bool {
        (self.begun_at, &self.version) < (begun_at, version)
    }
}

impl ReadModelTables {
    /// The names that nothing may have yet when these are made: those of the tables, and of the views that do not show
    /// another version now.
    pub fn new_names(&self, live: Option<&VersionStatus>) -> Vec<String> {
        let is_shown = |plain: &str| {
            live.is_some_and(|live| live.tables.plain_names().any(|shown| shown == plain))
        };
        let views = self.plain_names().filter(|plain| !is_shown(plain));
        self.names()
            .chain(views.map(|plain| self.view(plain)))
            .collect()
    }

    /// Refuses tables that cannot be told from those of a read model which was there before, among all versions that
    /// there are. `begun_at` is set if the version is one of them.
    ///
    /// The names of tables are those of one schema. Each read model has views of its plain names and tables of those
    /// names with a version, so no plain name may be that of another, nor become it by a version.
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

    /// Refuses to take these for those that the version was made with, if they are others.
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

/// Whether a version of one of two plain names is called as the other: `totals_v2` and `totals`.
fn are_versions(one: &str, other: &str) -> bool {
    let is_version = |name: &str, plain: &str| {
        let version = name
            .strip_prefix(plain)
            .and_then(|rest| rest.strip_prefix("_v"));
        version.is_some_and(|version| version.parse::<u32>().is_ok())
    };
    is_version(one, other) || is_version(other, one)
}
