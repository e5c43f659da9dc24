//! The work that the contenders have to do.

use std::fmt;
use std::str::FromStr;

/// One kind of work, and how many callers do it at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// The first command of a new stream.
    New(usize),
    /// One more command on a stream of 10 events that this process has never seen, each stream once.
    Cold(usize),
    /// One more command on a stream of 10 events, of a set that was touched before.
    Warm(usize),
    /// Commands of 64 callers on so many streams that begin empty, tried again until accepted.
    Contended(u32),
    /// Building the state of a stream of so many events, 8 callers.
    Load(u32),
    /// Reading the whole log, one reader.
    Log,
}

use Workload::{Cold, Contended, Load, Log, New, Warm};

/// Callers of a contended workload.
const RIVALS: usize = 64;
const LOADERS: usize = 8;

impl Workload {
    pub(crate) const ALL: [Self; 18] = [
        New(1),
        New(16),
        New(64),
        New(256),
        Cold(1),
        Cold(16),
        Cold(64),
        Cold(256),
        Warm(1),
        Warm(16),
        Warm(64),
        Warm(256),
        Contended(10),
        Contended(1),
        Load(10),
        Load(100),
        Load(1000),
        Log,
    ];

    /// Enough for a rough answer.
    pub(crate) const QUICK: [Self; 6] = [
        New(64),
        Cold(64),
        Warm(64),
        Contended(10),
        Contended(1),
        Load(100),
    ];

    pub(crate) fn in_flight(self) -> usize {
        match self {
            New(in_flight) | Cold(in_flight) | Warm(in_flight) => in_flight,
            Contended(_) => RIVALS,
            Load(_) => LOADERS,
            Log => 1,
        }
    }

    /// Returns what is counted in a second of it.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            New(_) | Cold(_) | Warm(_) | Contended(_) => "commands/s",
            Load(_) | Log => "events/s",
        }
    }

    /// Returns how much longer than others it is measured: where callers wait for each other, one call may take a
    /// second.
    pub(crate) fn patience(self) -> f64 {
        match self {
            Contended(_) => 3.0,
            _ => 1.0,
        }
    }

    /// Returns whether it needs a database that has streams already.
    pub(crate) fn needs_streams(self) -> bool {
        !matches!(self, New(_) | Contended(_))
    }

    /// Returns its name as people say it.
    pub(crate) fn in_words(self) -> String {
        match self {
            New(n) => format!("new streams, {n} in flight"),
            Cold(n) => format!("cold streams of 10, {n} in flight"),
            Warm(n) => format!("warm streams of 10, {n} in flight"),
            Contended(1) => format!("{RIVALS} clients on 1 stream"),
            Contended(n) => format!("{RIVALS} clients on {n} streams"),
            Load(n) => format!("loading streams of {n}, {LOADERS} in flight"),
            Log => "reading the whole log".into(),
        }
    }
}

/// Short, for the command line and for programs: `new-64`.
impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            New(n) => write!(f, "new-{n}"),
            Cold(n) => write!(f, "cold-{n}"),
            Warm(n) => write!(f, "warm-{n}"),
            Contended(n) => write!(f, "contended-{n}"),
            Load(n) => write!(f, "load-{n}"),
            Log => write!(f, "log"),
        }
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.to_string() == text);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(ToString::to_string).collect();
            format!("there are {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_is_found_by_its_name() {
        for workload in Workload::ALL {
            assert_eq!(workload.to_string().parse(), Ok(workload));
        }
        assert!("new-63".parse::<Workload>().is_err());
    }
}
