//! What resubmitting dead letters would give, for people and for programs.

use serde_json::{Value, json};
use seriatim_core::{Forecast, GivenUp, LetterSimulation};
use uuid::Uuid;

use super::letters::{cells, given_up_json};
use super::lines::Lines;
use super::{json, text};

pub(crate) fn simulation_json(id: Uuid, simulation: &LetterSimulation) -> Value {
    let (kind, mut value) = match simulation {
        LetterSimulation::Command(simulation) => ("command", json::simulation(simulation)),
        LetterSimulation::Reaction(given_up) => ("reaction", given_up_json(given_up)),
    };
    json::merge(&mut value, json!({ "kind": kind, "id": id }));
    value
}

pub(crate) fn simulation(simulation: &LetterSimulation) -> Lines {
    match simulation {
        LetterSimulation::Command(simulation) => text::simulation(simulation),
        LetterSimulation::Reaction(given_up) => handed(given_up),
    }
}

fn handed(given_up: &GivenUp) -> Lines {
    let letter = &given_up.letter;
    let (component, stream) = (&letter.work.component, &letter.stream);
    let followers = match (given_up.followers, given_up.more_followers) {
        (0, false) => "nothing waits behind it".to_owned(),
        (1, false) => "then the event that waits behind it".to_owned(),
        (count, false) => format!("then the {count} events that wait behind it"),
        (count, true) => format!("then the {count} or more events that wait behind it"),
    };
    let mut lines = Lines::of(&format!(
        "{component} would be handed {stream} at {}; {followers}",
        letter.sequence
    ));
    lines.append(&match &given_up.event {
        Some(event) => text::event_lines(std::slice::from_ref(event)),
        None => Lines::of("the event is not in the log any more; restore a backup"),
    });
    lines.push("what a component does cannot be simulated");
    lines
}

pub(crate) fn forecast_json(forecast: &Forecast) -> Value {
    json!({
        "letters": forecast.letters(),
        "committed": forecast.committed,
        "unchanged": forecast.unchanged,
        "rejected": forecast.rejected,
        "conflicting": forecast.conflicting,
        "failing": forecast.failing,
        "handed": forecast.handed,
        "decided": forecast.decided,
    })
}

/// Returns the counts that are not zero.
pub(crate) fn forecast(forecast: &Forecast) -> Lines {
    let counts = [
        (forecast.committed, "commands would be accepted"),
        (forecast.unchanged, "commands would have nothing to change"),
        (forecast.rejected, "commands would be rejected"),
        (
            forecast.conflicting,
            "commands would be refused: what they rest on has changed",
        ),
        (forecast.failing, "commands would fail"),
        (
            forecast.handed,
            "events would be handed to their components",
        ),
        (forecast.decided, "letters are decided about already"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let rows: Vec<_> = (counts.map(|(count, what)| cells(&count.to_string(), what))).collect();
    Lines::aligned(&rows)
}
