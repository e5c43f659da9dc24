//! Calls each function of the aggregate twice: both calls must give the same result without a panic, and the result
//! must survive storage.

use seriatim_core::{Aggregate, Event, Fact, Merge, Rejection, Tree, fold};

use super::problem::{Checked, Problem};
use crate::round_trip::{self, Stored, stored};
use crate::{quiet, text};

const BE_PURE: &str = "it must be pure: what it takes from a clock, an id generator or a random number belongs in the \
                       command; or leave it out of the comparison by `#[seriatim(canonical = ...)]`";

/// The result of a decision.
pub(super) type Decision<A> = Result<Vec<<A as Aggregate>::Event>, <A as Aggregate>::Rejection>;

pub(super) fn decide<A: Aggregate>(state: &A, command: &A::Command) -> Checked<Decision<A>> {
    let decision = call("decide", || state.decide(command))?;
    same_decision(state, command, &decision)?;
    if let Some(restored) = restored(state) {
        let again = call("decide", || restored.decide(command))?;
        if comparable(&decision) != comparable(&again) {
            // A clock may have moved on just now, which is another fault.
            same_decision(state, command, &decision)?;
            return Err(Problem::new(
                "`decide` gives something else on the same state when that was stored and read back",
                "it must not depend on the order of a `HashMap` or a `HashSet`, which is another one in each process: use a \
                 `BTreeMap`; nor on what is left out of the stored state by `#[serde(skip)]`",
            )
            .shows("command", text::lines(&[command]))
            .shows("first", answer(&decision))
            .shows("read back", answer(&again)));
        }
    }
    for event in decision.iter().flatten() {
        round_trip::event(event)?;
    }
    Ok(decision)
}

/// The aggregate decides the same again.
pub(super) fn same_decision<A: Aggregate>(
    state: &A,
    command: &A::Command,
    decision: &Decision<A>,
) -> Checked<()> {
    let again = call("decide", || state.decide(command))?;
    if comparable(decision) == comparable(&again) {
        return Ok(());
    }
    Err(differs("decide")
        .shows("command", text::lines(&[command]))
        .shows("first", answer(decision))
        .shows("again", answer(&again)))
}

/// Returns the state as another process would read it: it is made from what is stored, and equal by its own comparison.
/// `None` means that it is not stored unchanged, which matters only if it is stored at all.
fn restored<A: Aggregate>(state: &A) -> Option<A> {
    let text = serde_json::to_string(state).ok()?;
    let restored: A = serde_json::from_str(&text).ok()?;
    (restored == *state).then_some(restored)
}

/// The aggregate's own answer to a collision. It must be the same on a second call.
pub(super) fn merge<A: Aggregate>(
    current: &A,
    command: &A::Command,
    base: &A,
    intervening: &[A::Event],
) -> Checked<Option<Vec<A::Event>>> {
    let merge = |current: &A, base: &A| -> Checked<_> {
        let merge = call("merge", || current.merge(command, base, intervening))?;
        Ok(match merge {
            Merge::Proceed(events) => Some(events),
            Merge::Reject(_) | Merge::Conflict | Merge::Manual(_) => None,
        })
    };
    let first = merge(current, base)?;
    let again = match (restored(current), restored(base)) {
        (Some(current), Some(base)) => merge(&current, &base)?,
        _ => merge(current, base)?,
    };
    if first.as_deref().map(canonical) != again.as_deref().map(canonical) {
        let lines =
            |events: &Option<Vec<A::Event>>| text::lines(events.as_deref().unwrap_or_default());
        return Err(differs("merge")
            .shows("first", lines(&first))
            .shows("again", lines(&again)));
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
    if !is_same(&first, &second) {
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

/// Calls one of the aggregate's functions. A panic is a problem.
pub(super) fn call<T>(function: &str, call: impl FnOnce() -> T) -> Checked<T> {
    quiet::catch(call).map_err(|message| Problem::panicked(function, &message))
}

fn differs(function: &str) -> Box<Problem> {
    Problem::new(
        format!("`{function}` gives something else when it is asked again"),
        BE_PURE,
    )
}

/// The result of a decision in a form that can be compared.
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

/// Returns what would be stored of the canonical events.
pub(super) fn canonical<E: Event>(events: &[E]) -> Stored {
    let canonical: Vec<_> = events
        .iter()
        .map(|event| event.canonical().into_owned())
        .collect();
    stored(&canonical)
}

/// Returns whether two states are stored as the same, including the order of lists and sets.
pub(super) fn is_stored_alike<A: Aggregate>(left: &A, right: &A) -> bool {
    match (Tree::of(left), Tree::of(right)) {
        (Ok(left), Ok(right)) => left == right,
        _ => false,
    }
}

/// Returns whether two states are stored as the same, apart from the order of sets, which serde does not distinguish
/// from lists.
fn is_same<A: Aggregate>(left: &A, right: &A) -> bool {
    match (Tree::of(left), Tree::of(right)) {
        (Ok(left), Ok(right)) => left.differences(&right).is_empty(),
        (Err(_), Err(_)) => true,
        _ => false,
    }
}

/// A state, for people.
pub(super) fn shown<A: Aggregate>(state: &A) -> Vec<String> {
    Tree::of(state).as_ref().map(text::json).unwrap_or_default()
}
