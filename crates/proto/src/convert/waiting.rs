//! Converts `WaitFor` and `NotHandled`, for senders that wait for components.

use std::time::Duration;

use seriatim_core::{Component, NotHandled, Position, Sequence, WaitFor, WhyNotHandled};

use super::invalid::{Found, Invalid, given, required};
use super::time::length;
use crate::v1;
use v1::not_handled::{self as wire, Why};

/// Reads the components that a request waits for, if there are any.
pub fn optional_wait_for(wait: Option<v1::WaitFor>) -> Result<Option<WaitFor>, Invalid> {
    given(wait)
        .map(|wait| wait_for(&wait))
        .transpose()
        .map_err(|invalid| invalid.within("wait_for"))
}

fn wait_for(wait: &v1::WaitFor) -> Result<WaitFor, Invalid> {
    let mut found = Found::default();
    if wait.components.is_empty() {
        let invalid = Invalid::field("components", "is empty; name at least one");
        found.take::<()>(Err(invalid));
    }
    let names = wait.components.iter().enumerate();
    let components: Vec<_> =
        names
            .filter_map(|(at, name)| {
                let component = Component::new(name);
                found.take(component.map_err(|error| {
                    Invalid::field(format!("components[{at}]"), error.to_string())
                }))
            })
            .collect();
    let limit = found.take(limit(wait.limit));
    let read = limit.map(|limit| WaitFor { components, limit });
    found.give(read)
}

fn limit(limit: Option<prost_types::Duration>) -> Result<Duration, Invalid> {
    let Some(limit) = limit else {
        return Ok(WaitFor::LIMIT);
    };
    length(limit).ok_or_else(|| {
        let wrong = "is negative or malformed; give a length of time";
        Invalid::field("limit", wrong)
    })
}

impl From<&WaitFor> for v1::WaitFor {
    fn from(wait: &WaitFor) -> Self {
        Self {
            components: wait.components.iter().map(ToString::to_string).collect(),
            // Only a time of more than 10,000 years cannot be converted.
            limit: wait.limit.try_into().ok(),
        }
    }
}

impl From<&NotHandled> for v1::NotHandled {
    fn from(not_handled: &NotHandled) -> Self {
        Self {
            component: not_handled.component.to_string(),
            why: Some(match &not_handled.why {
                WhyNotHandled::TimePassed { limit, position } => {
                    Why::TimePassed(wire::TimePassed {
                        limit: (*limit).try_into().ok(),
                        position: position.0,
                    })
                }
                WhyNotHandled::Parked { sequence, failure } => Why::Parked(wire::Parked {
                    sequence: sequence.0,
                    failure: failure.clone(),
                }),
                WhyNotHandled::Paused { failure } => Why::Paused(wire::Paused {
                    failure: failure.clone(),
                }),
                WhyNotHandled::ShuttingDown => Why::ShuttingDown(wire::ShuttingDown {}),
            }),
        }
    }
}

/// Reads what an answer says about the components that were waited for.
pub fn not_handled(not_handled: v1::NotHandled) -> Result<NotHandled, Invalid> {
    let component = Component::new(&not_handled.component);
    let component = component.map_err(|error| Invalid::field("component", error.to_string()));
    let why = required(not_handled.why, "why", "every answer has one");
    let read = || {
        Ok(NotHandled {
            component: component?,
            why: match why? {
                Why::TimePassed(passed) => WhyNotHandled::TimePassed {
                    limit: limit(passed.limit)?,
                    position: Position(passed.position),
                },
                Why::Parked(parked) => WhyNotHandled::Parked {
                    sequence: Sequence(parked.sequence),
                    failure: parked.failure,
                },
                Why::Paused(paused) => WhyNotHandled::Paused {
                    failure: paused.failure,
                },
                Why::ShuttingDown(wire::ShuttingDown {}) => WhyNotHandled::ShuttingDown,
            },
        })
    };
    read().map_err(|invalid: Invalid| invalid.within("not_handled"))
}
