//! Converts what resubmitting letters would give.

use seriatim_core::{Forecast, LetterFilter, LetterSimulation, Simulation};
use v1::dead_letter_service_simulate_response::{Letter, SimulatedLetter};

use super::desk::{letter_filter, list_request};
use super::invalid::{Invalid, required};
use super::state::state_view;
use crate::v1;

impl From<&LetterSimulation> for v1::DeadLetterServiceSimulateResponse {
    fn from(simulation: &LetterSimulation) -> Self {
        Self {
            letter: Some(match simulation {
                LetterSimulation::Command(simulation) => Letter::Command(SimulatedLetter {
                    before: Some((&simulation.before).into()),
                    outcome: Some((&simulation.outcome).into()),
                }),
                LetterSimulation::Reaction(given_up) => Letter::Reaction((&**given_up).into()),
            }),
        }
    }
}

impl TryFrom<v1::DeadLetterServiceSimulateResponse> for LetterSimulation {
    type Error = Invalid;

    fn try_from(answer: v1::DeadLetterServiceSimulateResponse) -> Result<Self, Invalid> {
        let letter = required(answer.letter, "letter", "every answer has one")?;
        Ok(match letter {
            Letter::Command(simulated) => Self::Command(Box::new(Simulation {
                before: state_view(simulated.before, "before")?,
                outcome: simulated.outcome.unwrap_or_default().try_into()?,
            })),
            Letter::Reaction(given_up) => Self::Reaction(Box::new(given_up.try_into()?)),
        })
    }
}

/// Returns the filter that a `Forecast` asks for. Its token is the id of the last letter of the part before.
pub fn forecast_filter(
    request: v1::DeadLetterServiceForecastRequest,
) -> Result<LetterFilter, Invalid> {
    letter_filter(&v1::DeadLetterServiceListRequest {
        domain: request.domain,
        root: request.root,
        kind: request.kind,
        component: request.component,
        page_token: request.page_token,
        fault: request.fault,
        assignee: request.assignee,
        ..v1::DeadLetterServiceListRequest::default()
    })
}

/// Makes the request to count the letters that pass a filter. The caller sets its page token.
pub(crate) fn forecast_request(filter: &LetterFilter) -> v1::DeadLetterServiceForecastRequest {
    let list = list_request(filter);
    v1::DeadLetterServiceForecastRequest {
        domain: list.domain,
        root: list.root,
        kind: list.kind,
        component: list.component,
        page_size: 0,
        page_token: String::new(),
        fault: list.fault,
        assignee: list.assignee,
    }
}

impl From<&Forecast> for v1::Forecast {
    fn from(forecast: &Forecast) -> Self {
        Self {
            committed: forecast.committed,
            unchanged: forecast.unchanged,
            rejected: forecast.rejected,
            conflicting: forecast.conflicting,
            failing: forecast.failing,
            handed: forecast.handed,
            decided: forecast.decided,
        }
    }
}

impl From<v1::Forecast> for Forecast {
    fn from(forecast: v1::Forecast) -> Self {
        Self {
            committed: forecast.committed,
            unchanged: forecast.unchanged,
            rejected: forecast.rejected,
            conflicting: forecast.conflicting,
            failing: forecast.failing,
            handed: forecast.handed,
            decided: forecast.decided,
        }
    }
}
