//! Contains a domain of JSON types in which changes can commute, clash and depend on one another: a till.

use serde::{Deserialize, Serialize};
use seriatim_core::{Aggregate, Fact, Merge, RejectedEffect};
use seriatim_derive::{Command, Event, Rejection};

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[seriatim(crate = "seriatim_core")]
pub(crate) enum Happened {
    Opened { owner: String },
    Filled { coins: i64 },
    Labelled { label: String },
    Settled { cents: u64 },
    Flagged,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[seriatim(crate = "seriatim_core")]
pub(crate) enum Do {
    Open {
        owner: String,
    },
    Fill {
        coins: i64,
    },
    Take {
        coins: i64,
    },
    Label {
        label: String,
    },
    /// Adds as many coins as are there.
    Double,
    Nothing,
    Panic,
}

#[derive(Rejection, Debug, PartialEq, Eq)]
#[seriatim(crate = "seriatim_core")]
pub(crate) enum No {
    AlreadyOpen,
    TooFew { coins: i64 },
}

impl std::fmt::Display for No {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AlreadyOpen => f.write_str("the till is open already"),
            Self::TooFew { coins } => write!(f, "there are only {coins} coins"),
        }
    }
}

impl std::error::Error for No {}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Till {
    pub(crate) owner: Option<String>,
    pub(crate) coins: i64,
    pub(crate) label: String,
    pub(crate) settled: u64,
    pub(crate) flagged: bool,
}

impl Aggregate for Till {
    const DOMAIN: &'static str = "till";
    type Command = Do;
    type Event = Happened;
    type Rejection = No;

    fn decide(&self, command: &Do) -> Result<Vec<Happened>, No> {
        Ok(match command.clone() {
            Do::Open { .. } if self.owner.is_some() => return Err(No::AlreadyOpen),
            Do::Open { owner } => vec![Happened::Opened { owner }],
            Do::Take { coins } if coins > self.coins => {
                return Err(No::TooFew { coins: self.coins });
            }
            Do::Fill { coins } => vec![Happened::Filled { coins }],
            Do::Take { coins } => vec![Happened::Filled { coins: -coins }],
            Do::Label { label } => vec![Happened::Labelled { label }],
            Do::Double => vec![Happened::Filled { coins: self.coins }],
            Do::Nothing => vec![],
            Do::Panic => panic!("the drawer is stuck"),
        })
    }

    fn evolve(&mut self, event: &Happened) {
        match event.clone() {
            Happened::Opened { owner } => self.owner = Some(owner),
            Happened::Filled { coins } => self.coins = self.coins.saturating_add(coins),
            Happened::Labelled { label } => self.label = label,
            Happened::Settled { cents } => self.settled += cents,
            Happened::Flagged => self.flagged = true,
        }
    }

    /// Records money for a till that is not open, and flags it.
    fn on_fact(&self, fact: &Fact<Happened>) -> Vec<Happened> {
        match (&fact.event, &self.owner) {
            (Happened::Settled { .. }, None) => vec![fact.event.clone(), Happened::Flagged],
            _ => vec![fact.event.clone()],
        }
    }

    /// Records what was rejected, and why, as its label.
    fn on_rejected(&self, effect: &RejectedEffect) -> Vec<Happened> {
        let label = format!("{} of {}", effect.rejected.code, effect.target);
        vec![Happened::Labelled { label }]
    }

    fn merge(&self, command: &Do, _: &Self, _: &[Happened]) -> Merge<Self> {
        match command {
            Do::Label { label } => Merge::Proceed(vec![Happened::Labelled {
                label: format!("{} + {label}", self.label),
            }]),
            Do::Open { .. } => Merge::Reject(No::AlreadyOpen),
            Do::Double => Merge::Manual("double what?".into()),
            Do::Fill { .. } | Do::Take { .. } | Do::Nothing | Do::Panic => Merge::Conflict,
        }
    }
}
