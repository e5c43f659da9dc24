//! Converts simulations of commands: `SimulateRequest`, `SimulateResponse`, `Simulated`.

use seriatim_core::{At, CommandRequest, ParkReason, Simulated, Simulation};

use super::command::command_book;
use super::expectation::{field_paths, path_texts};
use super::invalid::{Found, Invalid, required};
use super::payload::{any, payload};
use super::state::{at_of_simulation, simulation_at, state_view};
use crate::v1;
use v1::simulated::Outcome;

/// Reads a `Simulate`: the command, and the state to try it on.
pub fn simulation_request(request: v1::SimulateRequest) -> Result<(CommandRequest, At), Invalid> {
    let mut found = Found::default();
    let at = found.take(at_of_simulation(request.at));
    let premises = found.take(field_paths(request.premises, "premises"));
    let book = found.take(command_book(request.book));
    let command = book
        .zip(premises)
        .map(|(book, premises)| book.with(None, premises));
    found.give(command.zip(at))
}

/// Makes the request to simulate `request` on a state.
pub fn simulate_request(request: &CommandRequest, at: At) -> v1::SimulateRequest {
    v1::SimulateRequest {
        book: Some(request.into()),
        premises: path_texts(&request.premises),
        unknown_fields: v1::UnknownFields::Unspecified.into(),
        at: simulation_at(at),
    }
}

impl From<&Simulation> for v1::SimulateResponse {
    fn from(simulation: &Simulation) -> Self {
        Self {
            before: Some((&simulation.before).into()),
            outcome: Some((&simulation.outcome).into()),
        }
    }
}

impl TryFrom<v1::SimulateResponse> for Simulation {
    type Error = Invalid;

    fn try_from(response: v1::SimulateResponse) -> Result<Self, Invalid> {
        Ok(Self {
            before: state_view(response.before, "before")?,
            outcome: response.outcome.unwrap_or_default().try_into()?,
        })
    }
}

impl From<&Simulated> for v1::Simulated {
    fn from(simulated: &Simulated) -> Self {
        let outcome = match simulated {
            Simulated::Commits {
                events,
                merged,
                after,
            } => Outcome::Commits(v1::simulated::WouldCommit {
                events: events.iter().map(any).collect(),
                merged: *merged,
                after: Some(after.into()),
            }),
            Simulated::Unchanged => Outcome::Unchanged(v1::Unchanged::default()),
            Simulated::Duplicate(first) => Outcome::Duplicate(first.into()),
            Simulated::ExternalIdReused(first) => Outcome::ExternalIdReused(first.into()),
            Simulated::Rejected(rejected) => Outcome::Rejected(rejected.into()),
            Simulated::Conflict(conflict) => Outcome::Conflict(conflict.as_ref().into()),
            Simulated::Parks(reason) => Outcome::Parks(reason.into()),
        };
        Self {
            outcome: Some(outcome),
        }
    }
}

impl TryFrom<v1::Simulated> for Simulated {
    type Error = Invalid;

    fn try_from(simulated: v1::Simulated) -> Result<Self, Invalid> {
        Ok(match required(simulated.outcome, "outcome", "give one")? {
            Outcome::Commits(commits) => Self::Commits {
                events: commits
                    .events
                    .into_iter()
                    .enumerate()
                    .map(|(at, event)| payload(Some(event), &format!("events[{at}]")))
                    .collect::<Result<_, _>>()?,
                merged: commits.merged,
                after: state_view(commits.after, "after")?,
            },
            Outcome::Unchanged(_) => Self::Unchanged,
            Outcome::Duplicate(first) => Self::Duplicate(first.try_into()?),
            Outcome::ExternalIdReused(first) => Self::ExternalIdReused(first.try_into()?),
            Outcome::Rejected(rejection) => Self::Rejected(rejection.try_into()?),
            Outcome::Conflict(conflict) => Self::Conflict(Box::new(conflict.try_into()?)),
            Outcome::Parks(reason) => Self::Parks(reason.try_into()?),
        })
    }
}

impl From<&ParkReason> for v1::ParkReason {
    fn from(reason: &ParkReason) -> Self {
        use v1::park_reason as wire;
        Self {
            reason: Some(match reason {
                ParkReason::Manual => wire::Reason::Manual(wire::Manual {}),
                ParkReason::Aggregate(reason) => wire::Reason::Aggregate(wire::Aggregate {
                    reason: reason.clone(),
                }),
            }),
        }
    }
}

impl TryFrom<v1::ParkReason> for ParkReason {
    type Error = Invalid;

    fn try_from(reason: v1::ParkReason) -> Result<Self, Invalid> {
        use v1::park_reason::Reason;
        Ok(match required(reason.reason, "reason", "give one")? {
            Reason::Manual(_) => Self::Manual,
            Reason::Aggregate(aggregate) => Self::Aggregate(aggregate.reason),
        })
    }
}
