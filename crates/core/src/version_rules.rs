//! What may be done about versions of a read model: the rules that all stores ask.

use crate::{
    ReadModelTables, ReadModelVersion, RegisterError, VersionError, VersionStanding, VersionStatus,
};

impl VersionStatus {
    /// The one that is live, among all of a model.
    pub fn live(all: &[Self]) -> Option<&Self> {
        let mut all = all.iter();
        all.find(|status| status.standing == VersionStanding::Live)
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

impl ReadModelTables {
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
