//! A club: an aggregate with every kind of field that changes can collide in.

// Each test file uses its own part of this module.
#![allow(dead_code, unreachable_pub)]

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use seriatim_core::merge::{Collision, Resolution, resolve};
use seriatim_core::{Aggregate, FieldPath, MergeStrategy, Overlap, Sequence, fold};
use seriatim_derive::{Command, Event, Rejection};

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Club {
    /// A counter that also goes down.
    pub cents: u64,
    /// A counter that only grows.
    pub visits: u64,
    pub members: BTreeSet<String>,
    pub prices: BTreeMap<String, u64>,
    pub name: String,
    /// Two texts within another field.
    pub address: Address,
    /// A place for one person.
    pub seat: Option<String>,
    /// A list whose order counts.
    pub minutes: Vec<String>,
}

#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Address {
    pub street: String,
    pub city: String,
}

#[derive(Command, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core")]
pub enum ClubCommand {
    Deposit {
        cents: u64,
    },
    Withdraw {
        cents: u64,
    },
    /// Withdraws the whole balance, so the decision depends on the state.
    PayOut,
    Visit,
    Join {
        member: String,
    },
    Price {
        item: String,
        cents: u64,
    },
    Rename {
        name: String,
    },
    Street {
        street: String,
    },
    City {
        city: String,
    },
    TakeSeat {
        member: String,
    },
    LeaveSeat,
    Minute {
        text: String,
    },
    /// The event carries the number of members at the decision, which its canonical form leaves out.
    Poll {
        question: String,
    },
}

#[derive(Event, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[seriatim(crate = "seriatim_core", canonical = without_turnout)]
pub enum ClubEvent {
    Deposited { cents: u64 },
    Withdrawn { cents: u64 },
    Visited,
    Joined { member: String },
    Priced { item: String, cents: u64 },
    Renamed { name: String },
    StreetChanged { street: String },
    CityChanged { city: String },
    SeatTaken { member: String },
    SeatLeft,
    MinuteTaken { text: String },
    Polled { question: String, turnout: usize },
}

fn without_turnout(event: &ClubEvent) -> ClubEvent {
    match event.clone() {
        ClubEvent::Polled { question, .. } => ClubEvent::Polled {
            question,
            turnout: 0,
        },
        other => other,
    }
}

#[derive(Rejection, Clone, Debug, PartialEq, thiserror::Error)]
#[seriatim(crate = "seriatim_core")]
pub enum ClubRejection {
    #[error("there are only {cents} cents")]
    TooPoor { cents: u64 },
    #[error("{member} sits there")]
    Occupied { member: String },
}

impl Club {
    fn decide_one(&self, command: &ClubCommand) -> Result<Option<ClubEvent>, ClubRejection> {
        use {ClubCommand as C, ClubEvent as E};
        let event = match command.clone() {
            C::Deposit { cents } => E::Deposited { cents },
            C::Withdraw { cents } if cents > self.cents => {
                return Err(ClubRejection::TooPoor { cents: self.cents });
            }
            C::Withdraw { cents } => E::Withdrawn { cents },
            C::PayOut => E::Withdrawn { cents: self.cents },
            C::Visit => E::Visited,
            C::Join { member } if self.members.contains(&member) => return Ok(None),
            C::Join { member } => E::Joined { member },
            C::Price { item, cents } => E::Priced { item, cents },
            C::Rename { name } => E::Renamed { name },
            C::Street { street } => E::StreetChanged { street },
            C::City { city } => E::CityChanged { city },
            C::TakeSeat { member } => match &self.seat {
                Some(member) => {
                    return Err(ClubRejection::Occupied {
                        member: member.clone(),
                    });
                }
                None => E::SeatTaken { member },
            },
            C::LeaveSeat => E::SeatLeft,
            C::Minute { text } => E::MinuteTaken { text },
            C::Poll { question } => E::Polled {
                question,
                turnout: self.members.len(),
            },
        };
        Ok(Some(event))
    }
}

impl Aggregate for Club {
    const DOMAIN: &'static str = "club";
    type Command = ClubCommand;
    type Event = ClubEvent;
    type Rejection = ClubRejection;

    fn decide(&self, command: &ClubCommand) -> Result<Vec<ClubEvent>, ClubRejection> {
        Ok(self.decide_one(command)?.into_iter().collect())
    }

    fn evolve(&mut self, event: &ClubEvent) {
        use ClubEvent as E;
        match event.clone() {
            E::Deposited { cents } => self.cents += cents,
            E::Withdrawn { cents } => self.cents = self.cents.saturating_sub(cents),
            E::Visited => self.visits += 1,
            E::Joined { member } => drop(self.members.insert(member)),
            E::Priced { item, cents } => drop(self.prices.insert(item, cents)),
            E::Renamed { name } => self.name = name,
            E::StreetChanged { street } => self.address.street = street,
            E::CityChanged { city } => self.address.city = city,
            E::SeatTaken { member } => self.seat = Some(member),
            E::SeatLeft => self.seat = None,
            E::MinuteTaken { text } => self.minutes.push(text),
            E::Polled { .. } => {}
        }
    }
}

/// The same club under the narrower rule.
#[derive(Default, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CarefulClub(pub Club);

impl Aggregate for CarefulClub {
    const DOMAIN: &'static str = "careful-club";
    const OVERLAP: Overlap = Overlap::Fields;
    type Command = ClubCommand;
    type Event = ClubEvent;
    type Rejection = ClubRejection;

    fn decide(&self, command: &ClubCommand) -> Result<Vec<ClubEvent>, ClubRejection> {
        self.0.decide(command)
    }

    fn evolve(&mut self, event: &ClubEvent) {
        self.0.evolve(event);
    }
}

/// The state at the expected sequence, and the events after it.
pub struct Past<A: Aggregate> {
    pub expected: Option<Sequence>,
    pub base: A,
    pub intervening: Vec<A::Event>,
    pub premises: Vec<FieldPath>,
}

impl<A: Aggregate> Past<A> {
    /// Makes the past of a sender who knows of `known`; `missed` came after that.
    pub fn new(known: &[A::Event], missed: &[A::Event]) -> Self {
        Self {
            expected: Some(Sequence::FIRST),
            base: fold(A::default(), known),
            intervening: missed.to_vec(),
            premises: Vec::new(),
        }
    }

    pub fn premise(mut self, path: &str) -> Self {
        self.premises.push(path.parse().unwrap());
        self
    }

    pub fn current(&self) -> A {
        fold(self.base.clone(), &self.intervening)
    }

    /// Makes the past of a sender who expected a stream without events.
    pub fn of_none(missed: &[A::Event]) -> Self {
        Self {
            expected: None,
            ..Self::new(&[], missed)
        }
    }

    pub fn resolve(&self, strategy: MergeStrategy, commands: &[A::Command]) -> Resolution<A> {
        let collision = Collision {
            commands,
            expected: self.expected,
            base: &self.base,
            intervening: &self.intervening,
            current: &self.current(),
            premises: &self.premises,
        };
        resolve(strategy, &collision)
    }
}

/// Short names for commands and events.
pub mod say {
    use super::{ClubCommand, ClubEvent};
    use proptest::prelude::*;

    pub fn deposit(cents: u64) -> ClubCommand {
        ClubCommand::Deposit { cents }
    }
    pub fn withdraw(cents: u64) -> ClubCommand {
        ClubCommand::Withdraw { cents }
    }
    pub fn join(member: &str) -> ClubCommand {
        ClubCommand::Join {
            member: member.into(),
        }
    }
    pub fn rename(name: &str) -> ClubCommand {
        ClubCommand::Rename { name: name.into() }
    }
    pub fn take_seat(member: &str) -> ClubCommand {
        ClubCommand::TakeSeat {
            member: member.into(),
        }
    }

    pub fn deposited(cents: u64) -> ClubEvent {
        ClubEvent::Deposited { cents }
    }
    pub fn withdrawn(cents: u64) -> ClubEvent {
        ClubEvent::Withdrawn { cents }
    }
    pub fn joined(member: &str) -> ClubEvent {
        ClubEvent::Joined {
            member: member.into(),
        }
    }
    pub fn priced(item: &str, cents: u64) -> ClubEvent {
        ClubEvent::Priced {
            item: item.into(),
            cents,
        }
    }
    pub fn renamed(name: &str) -> ClubEvent {
        ClubEvent::Renamed { name: name.into() }
    }
    pub fn city(city: &str) -> ClubEvent {
        ClubEvent::CityChanged { city: city.into() }
    }
    pub fn seat_taken(member: &str) -> ClubEvent {
        ClubEvent::SeatTaken {
            member: member.into(),
        }
    }
    pub fn minute(text: &str) -> ClubEvent {
        ClubEvent::MinuteTaken { text: text.into() }
    }

    /// Returns commands with few different values, so that they collide often.
    pub fn any_command() -> impl Strategy<Value = ClubCommand> {
        use ClubCommand as C;
        let word = || prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned);
        prop_oneof![
            (0u64..4).prop_map(|cents| C::Deposit { cents }),
            (0u64..4).prop_map(|cents| C::Withdraw { cents }),
            Just(C::PayOut),
            Just(C::Visit),
            word().prop_map(|member| C::Join { member }),
            (word(), 0u64..3).prop_map(|(item, cents)| C::Price { item, cents }),
            word().prop_map(|name| C::Rename { name }),
            word().prop_map(|street| C::Street { street }),
            word().prop_map(|city| C::City { city }),
            word().prop_map(|member| C::TakeSeat { member }),
            Just(C::LeaveSeat),
            word().prop_map(|text| C::Minute { text }),
            word().prop_map(|question| C::Poll { question }),
        ]
    }
}
