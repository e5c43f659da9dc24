//! Lists the parts that an audit could not check.

use std::fmt;

use seriatim_core::{Component, Position, Work};

/// A part that a sound result says nothing about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// These components were not asked again, because only their application can do that.
    NotAsked {
        /// The components.
        components: Vec<Component>,
    },
    /// The work of a projector or a read model.
    Projected {
        /// The component.
        component: Component,
    },
    /// Effects whose targets are in another program.
    OutOfReach {
        /// The component.
        component: Component,
    },
    /// Effects of a component that has no progress here: it reacts to another log.
    OtherSource {
        /// The component.
        component: Component,
        /// The number of effects.
        effects: u64,
    },
    /// Progress of a read model in a database without events: its events are elsewhere.
    OtherLog {
        /// The piece of work.
        work: Work,
        /// Its position in that log.
        position: Position,
    },
    /// It is unknown whether each timer was kept from when it was set until it ran out or was cancelled.
    Timers {
        /// The component that keeps it.
        component: Component,
    },
    /// Effects are missing that may belong to skipped events: so many events were skipped that not all are known.
    ManySkipped {
        /// The component.
        component: Component,
    },
}

impl Unproven {
    /// Returns the name of its kind, for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotAsked { .. } => "not_asked",
            Self::Projected { .. } => "projected",
            Self::OutOfReach { .. } => "out_of_reach",
            Self::OtherSource { .. } => "other_source",
            Self::OtherLog { .. } => "other_log",
            Self::Timers { .. } => "timers",
            Self::ManySkipped { .. } => "many_skipped",
        }
    }
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked { components } => {
                let names: Vec<_> = components.iter().map(Component::as_str).collect();
                let names = names.join(", ");
                write!(
                    f,
                    "what {names} did because of events, which only their application can tell, by `App::audit`"
                )
            }
            Self::Projected { component } => write!(f, "what {component} made of events"),
            Self::OutOfReach { component } => write!(
                f,
                "the effects of {component}, whose targets are in another program"
            ),
            Self::OtherSource { component, effects } => write!(
                f,
                "where {effects} effects of {component} came from, which has no progress here"
            ),
            Self::OtherLog { work, position } => write!(
                f,
                "{work}, which stands at position {position} of a log that is not in this database"
            ),
            Self::Timers { component } => {
                write!(f, "whether a timer that {component} was to keep is lost")
            }
            Self::ManySkipped { component } => write!(
                f,
                "effects of {component} that are missing, because it has skipped more events than are looked at"
            ),
        }
    }
}
