//! The aggregate's functions, asked twice: both times they must give the same, without a panic, and what they give
//! must survive storage.

use serde_json::Value;
use seriatim_core::{Aggregate, Event, Fact, Rejection, fold};

use super::problem::{Checked, Problem};
use crate::round_trip::{self, Stored, stored};
use crate::{quiet, text};

const BE_PURE: &str = "it must be pure: what it takes from a clock, an id generator or a random number belongs in the \
                       command; or leave it out of the comparison by `#[seriatim(canonical = ...)]`";

pub(super) fn decide<A: Aggregate>(
    state: &A,
    command: &A::Command,
) -> Checked<Result<Vec<A::Event>, A::Rejection>> {
    let decide = || call("decide", || state.decide(command));
    let (first, second) = (decide()?, decide()?);
    if comparable(&first) != comparable(&second) {
        return Err(differs("decide")
            .shows("command", text::lines(&[command]))
            .shows("first", answer(&first))
            .shows("again", answer(&second)));
    }
    for event in first.iter().flatten() {
        round_trip::event(event)?;
    }
    Ok(first)
}

pub(super) fn on_fact<A: Aggregate>(state: &A, fact: &Fact<A::Event>) -> Checked<Vec<A::Event>> {
    let on_fact = || call("on_fact", || state.on_fact(fact));
    let (first, second) = (on_fact()?, on_fact()?);
    if canonical(&first) != canonical(&second) {
        return Err(differs("on_fact")
            .shows("fact", text::lines(&[&fact.event]))
            .shows("first", text::lines(&first))
            .shows("again", text::lines(&second)));
    }
    for event in &first {
        round_trip::event(event)?;
    }
    Ok(first)
}

pub(super) fn evolve<'a, A: Aggregate>(
    state: &A,
    events: impl IntoIterator<Item = &'a A::Event> + Clone,
) -> Checked<A> {
    let first = call("evolve", || fold(state.clone(), events.clone()))?;
    let second = call("evolve", || fold(state.clone(), events))?;
    if json(&first) != json(&second) {
        return Err(Problem::new(
            "`evolve` gives another state for the same events",
            "it must be pure: whatever it takes from a clock, an id generator or a random number belongs in the event",
        )
        .shows("state", text::diff(&shown(&first), &shown(&second)))
        .shows("", vec!["(- first, + again)".into()]));
    }
    round_trip::state(&first)?;
    Ok(first)
}

/// Calls one of the aggregate's functions, whose panic is a problem.
pub(super) fn call<T>(function: &str, call: impl FnOnce() -> T) -> Checked<T> {
    quiet::catch(call).map_err(|message| Problem::panicked(function, &message))
}

fn differs(function: &str) -> Box<Problem> {
    Problem::new(
        format!("`{function}` gives something else when it is asked again"),
        BE_PURE,
    )
}

/// What a decision comes to, comparable.
fn comparable<E: Event, R: Rejection>(
    decision: &Result<Vec<E>, R>,
) -> Result<Stored, (&'static str, String)> {
    match decision {
        Ok(events) => Ok(canonical(events)),
        Err(rejection) => Err((rejection.code(), rejection.to_string())),
    }
}

/// A decision, for people.
pub(super) fn answer<E: Event, R: Rejection>(decision: &Result<Vec<E>, R>) -> Vec<String> {
    match decision {
        Ok(events) => text::lines(events),
        Err(rejection) => vec![format!("rejected as {}: {rejection}", rejection.code())],
    }
}

/// What would be stored of the canonical events.
pub(super) fn canonical<E: Event>(events: &[E]) -> Stored {
    let canonical: Vec<_> = events
        .iter()
        .map(|event| event.canonical().into_owned())
        .collect();
    stored(&canonical)
}

/// What would be stored of a state; `None`: it has no JSON.
pub(super) fn json<A: Aggregate>(state: &A) -> Option<Value> {
    serde_json::to_value(state).ok()
}

/// A state, for people.
pub(super) fn shown<A: Aggregate>(state: &A) -> Vec<String> {
    json(state).as_ref().map(text::json).unwrap_or_default()
}
