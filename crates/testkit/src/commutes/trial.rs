//! One case: a history, what came between, and a command, held against the rules.

use serde_json::Value;

use seriatim_core::merge::{Collision, Resolution, resolve};
use seriatim_core::{Aggregate, Event, MergeStrategy, Message, Rejection, fold};

use super::problem::Problem;
use super::report::{Met, Outcome};
use crate::round_trip::{self, stored};
use crate::{quiet, text};

type Checked<T> = Result<T, Box<Problem>>;

/// What came of the collision, or the rule that is broken. `None`: nothing came between.
pub(super) fn run<A: Aggregate>(
    known: &[A::Command],
    between: &[A::Command],
    command: &A::Command,
) -> Checked<Option<Met>> {
    let mut story = Vec::new();
    check::<A>(known, between, command, &mut story).map_err(|mut problem| {
        problem.story = story;
        problem
    })
}

type Story = Vec<(&'static str, Vec<String>)>;

fn check<A: Aggregate>(
    known: &[A::Command],
    between: &[A::Command],
    command: &A::Command,
    story: &mut Story,
) -> Checked<Option<Met>> {
    story.push(("history", Vec::new()));
    let (base, known) = play(&A::default(), known, &mut story[0].1)?;
    story.push(("came between", Vec::new()));
    let (current, intervening) = play(&base, between, &mut story[1].1)?;
    story.push(("the command", text::lines(&[command])));
    round_trip::command(command).map_err(Problem::lost)?;
    in_any_order(&A::default(), known.iter().chain(&intervening))?;
    if intervening.is_empty() {
        return Ok(None);
    }
    let trial = Trial {
        base,
        intervening,
        current,
        command,
    };
    trial.check_handled()?;
    let outcome = trial.check_merged(story)?;
    let decided_otherwise = outcome == Outcome::Merged && trial.decided_otherwise(between)?;
    Ok(Some(Met {
        command: command.type_name(),
        events: trial.intervening.iter().map(Message::type_name).collect(),
        outcome,
        decided_otherwise,
    }))
}

/// Runs `commands` one after another, skipping those that are rejected, and tells what each gave.
fn play<A: Aggregate>(
    state: &A,
    commands: &[A::Command],
    told: &mut Vec<String>,
) -> Checked<(A, Vec<A::Event>)> {
    let mut state = state.clone();
    let mut all = Vec::new();
    for command in commands {
        let before = told.len();
        told.extend(text::lines(&[command]));
        round_trip::command(command).map_err(Problem::lost)?;
        match decide(&state, command)? {
            Ok(events) => {
                told.extend(
                    text::lines(&events)
                        .into_iter()
                        .map(|line| format!("  -> {line}")),
                );
                state = evolve(&state, &events)?;
                all.extend(events);
            }
            Err(_) => told.truncate(before),
        }
    }
    Ok((state, all))
}

/// Decides twice: both times must give the same.
fn decide<A: Aggregate>(
    state: &A,
    command: &A::Command,
) -> Checked<Result<Vec<A::Event>, A::Rejection>> {
    let decide = || {
        quiet::catch(|| state.decide(command))
            .map_err(|message| Problem::panicked("decide", &message))
    };
    let (first, second) = (decide()?, decide()?);
    if told(&first) != told(&second) {
        return Err(Problem::new(
            "`decide` gives something else when it is asked again",
            "it must be pure: what it takes from a clock, an id generator or a random number belongs in the \
             command; or leave it out of the comparison by `#[seriatim(canonical = ...)]`",
        )
        .shows("command", text::lines(&[command]))
        .shows("first", answer(&first))
        .shows("again", answer(&second)));
    }
    for event in first.iter().flatten() {
        round_trip::event(event).map_err(Problem::lost)?;
    }
    Ok(first)
}

/// What a decision comes to, comparable.
fn told<E: Event, R: Rejection>(decision: &Result<Vec<E>, R>) -> impl PartialEq + use<E, R> {
    match decision {
        Ok(events) => Ok(canonical(events)),
        Err(rejection) => Err((rejection.code(), rejection.to_string())),
    }
}

fn answer<E: Event, R: Rejection>(decision: &Result<Vec<E>, R>) -> Vec<String> {
    match decision {
        Ok(events) => text::lines(events),
        Err(rejection) => vec![format!("rejected as {}: {rejection}", rejection.code())],
    }
}

/// What would be stored of the canonical events.
fn canonical<E: Event>(events: &[E]) -> round_trip::Stored {
    let canonical: Vec<_> = events
        .iter()
        .map(|event| event.canonical().into_owned())
        .collect();
    stored(&canonical)
}

/// Folds twice: both times must give the same, and survive being kept.
fn evolve<'a, A: Aggregate>(
    state: &A,
    events: impl IntoIterator<Item = &'a A::Event> + Clone,
) -> Checked<A> {
    let (first, second) = (
        fold_quietly(state, events.clone())?,
        fold_quietly(state, events)?,
    );
    if json(&first) != json(&second) {
        return Err(Problem::new(
            "`evolve` gives another state for the same events",
            "it must be pure: whatever it takes from a clock, an id generator or a random number belongs in the event",
        )
        .shows("state", text::diff(&shown(&first), &shown(&second)))
        .shows("", vec!["(- first, + again)".into()]));
    }
    round_trip::state(&first).map_err(Problem::lost)?;
    Ok(first)
}

fn fold_quietly<'a, A: Aggregate>(
    state: &A,
    events: impl IntoIterator<Item = &'a A::Event>,
) -> Checked<A> {
    quiet::catch(|| fold(state.clone(), events))
        .map_err(|message| Problem::panicked("evolve", &message))
}

/// `evolve` must not panic, whatever the order.
fn in_any_order<'a, A: Aggregate>(
    state: &A,
    events: impl DoubleEndedIterator<Item = &'a A::Event> + Clone,
) -> Checked<()> {
    evolve(state, events.rev()).map(drop).map_err(|problem| {
        problem.shows(
            "in the order",
            vec!["all of these events, the last one first".into()],
        )
    })
}

fn json<A: Aggregate>(state: &A) -> Option<Value> {
    serde_json::to_value(state).ok()
}

fn shown<A: Aggregate>(state: &A) -> Vec<String> {
    json(state).as_ref().map(text::json).unwrap_or_default()
}

/// A command of a sender who does not know of the intervening events.
struct Trial<'a, A: Aggregate> {
    base: A,
    intervening: Vec<A::Event>,
    current: A,
    command: &'a A::Command,
}

impl<A: Aggregate> Trial<'_, A> {
    fn resolve(&self, strategy: MergeStrategy, function: &str) -> Checked<Resolution<A>> {
        let collision = Collision {
            commands: std::slice::from_ref(self.command),
            base: &self.base,
            intervening: &self.intervening,
            current: &self.current,
            premises: &[],
        };
        quiet::catch(|| resolve(strategy, &collision))
            .map_err(|message| Problem::panicked(function, &message))
    }

    /// Whatever the aggregate's own merge proceeds with folds and survives storage.
    fn check_handled(&self) -> Checked<()> {
        let resolution = self.resolve(MergeStrategy::AggregateHandles, "merge")?;
        if let Resolution::Proceed(events) = resolution {
            let storable = events.iter().try_for_each(round_trip::event);
            storable
                .map_err(Problem::lost)
                .and_then(|()| evolve(&self.current, &events))
                .map_err(|problem| problem.shows("`merge` gave", text::lines(&events)))?;
        }
        Ok(())
    }

    fn check_merged(&self, story: &mut Story) -> Checked<Outcome> {
        let before = decide(&self.base, self.command)?;
        let now = decide(&self.current, self.command)?;
        let merged = match self.resolve(MergeStrategy::Commutative, "evolve")? {
            Resolution::Proceed(events) => events,
            Resolution::Reject(_) => return Ok(Outcome::Rejected),
            Resolution::Refuse { .. } | Resolution::Park(_) => return Ok(Outcome::Refused),
        };
        story.push(("merges as", text::lines(&merged)));
        self.check_order(&merged)?;
        self.check_decision(&before, &merged)?;
        self.check_serial(&now, &merged)?;
        Ok(Outcome::Merged)
    }

    /// The state is the same in both orders, not only by `PartialEq`.
    fn check_order(&self, merged: &[A::Event]) -> Checked<()> {
        let theirs_first = evolve(&self.current, merged)?;
        let ours_first = evolve(&self.base, merged.iter().chain(&self.intervening))?;
        if json(&theirs_first) == json(&ours_first) {
            return Ok(());
        }
        Err(Problem::new(
            "the merge leaves another state than the other order, but the two compare as equal",
            "the `PartialEq` of the state leaves out what is marked: compare it too, or take it out of the state",
        )
        .shows("state", text::diff(&shown(&ours_first), &shown(&theirs_first)))
        .shows("", vec!["(- the command first, + the command last, as merged)".into()]))
    }

    /// The command was decided the same where its sender stood, not only by `PartialEq` and `canonical`.
    fn check_decision(
        &self,
        before: &Result<Vec<A::Event>, A::Rejection>,
        merged: &[A::Event],
    ) -> Checked<()> {
        let decided = || {
            let Ok(before) = before else {
                return (Vec::new(), answer(before));
            };
            (text::lines(before), text::lines(merged))
        };
        let differs = |title: &'static str, advice: &'static str| {
            let (before, merged) = decided();
            Err(Problem::new(title, advice)
                .shows("decided then", before)
                .shows("decided now", merged))
        };
        let events = before.as_deref().unwrap_or_default();
        if canonical(events) != canonical(merged) {
            return differs(
                "the command is merged though it was decided otherwise where its sender stood: the events compare as equal",
                "the `PartialEq` of the event, or of what is in it, leaves out what is stored: compare all of it",
            );
        }
        if json(&evolve(&self.base, events)?) != json(&evolve(&self.base, merged)?) {
            return differs(
                "the command is merged though it was decided otherwise where its sender stood: `canonical` hides a \
                 difference that the state keeps",
                "let `canonical` leave out only what `evolve` does not use",
            );
        }
        Ok(())
    }

    /// The merged events are what the command gives after what came between.
    fn check_serial(
        &self,
        now: &Result<Vec<A::Event>, A::Rejection>,
        merged: &[A::Event],
    ) -> Checked<()> {
        let serial = now
            .as_ref()
            .is_ok_and(|now| canonical(now) == canonical(merged));
        if serial {
            return Ok(());
        }
        Err(Problem::new(
            "the merged events are not what the command gives at the current state",
            "`decide` must be pure: it gave something else when it was asked again",
        )
        .shows("decided now", answer(now)))
    }

    /// Whether `between`, decided after the command, would give other events.
    fn decided_otherwise(&self, between: &[A::Command]) -> Checked<bool> {
        let after = match decide(&self.base, self.command)? {
            Ok(events) => evolve(&self.base, &events)?,
            Err(_) => return Ok(false),
        };
        let (_, events) = play(&after, between, &mut Vec::new())?;
        Ok(canonical(&events) != canonical(&self.intervening))
    }
}
