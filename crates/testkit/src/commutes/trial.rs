//! One case: a history, what came between, and a command, held against the rules.

use serde_json::Value;
use seriatim_core::merge::{Collision, Resolution, resolve};
use seriatim_core::{Aggregate, MergeStrategy, Message};

use super::problem::{Checked, Problem};
use super::pure::{self, answer, canonical, json, shown};
use super::report::{Met, Outcome};
use super::step::{StepOf, play};
use crate::{round_trip, text};

/// What came of the collision, or the rule that is broken. `None`: nothing came between.
pub(super) fn run<A: Aggregate>(
    known: &[StepOf<A>],
    between: &[StepOf<A>],
    command: &A::Command,
) -> Checked<Option<Met>> {
    let mut story = Vec::new();
    check::<A>(known, between, command, &mut story).map_err(|mut problem| {
        problem.story = story;
        problem
    })
}

/// The case so far, for people: labels and lines.
type Story = Vec<(&'static str, Vec<String>)>;

fn check<A: Aggregate>(
    known: &[StepOf<A>],
    between: &[StepOf<A>],
    command: &A::Command,
    story: &mut Story,
) -> Checked<Option<Met>> {
    story.push(("history", Vec::new()));
    let (base, known) = play(&A::default(), known, &mut story[0].1)?;
    story.push(("came between", Vec::new()));
    let (current, intervening) = play(&base, between, &mut story[1].1)?;
    story.push(("the command", text::lines(&[command])));
    round_trip::command(command)?;
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

/// `evolve` must not panic, whatever the order.
fn in_any_order<'a, A: Aggregate>(
    state: &A,
    events: impl DoubleEndedIterator<Item = &'a A::Event> + Clone,
) -> Checked<()> {
    let evolved = pure::evolve(state, events.rev());
    evolved.map(drop).map_err(|problem| {
        let order = "all of these events, the last one first";
        problem.shows("in the order", vec![order.into()])
    })
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
        pure::call(function, || resolve(strategy, &collision))
    }

    /// Whatever the aggregate's own merge proceeds with folds and survives storage.
    fn check_handled(&self) -> Checked<()> {
        let resolution = self.resolve(MergeStrategy::AggregateHandles, "merge")?;
        if let Resolution::Proceed(events) = resolution {
            let storable = events.iter().try_for_each(round_trip::event);
            storable
                .map_err(Into::into)
                .and_then(|()| pure::evolve(&self.current, &events))
                .map_err(|problem: Box<Problem>| {
                    problem.shows("`merge` gave", text::lines(&events))
                })?;
        }
        Ok(())
    }

    fn check_merged(&self, story: &mut Story) -> Checked<Outcome> {
        let before = pure::decide(&self.base, self.command)?;
        let now = pure::decide(&self.current, self.command)?;
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
        let theirs_first = pure::evolve(&self.current, merged)?;
        let ours_first = pure::evolve(&self.base, merged.iter().chain(&self.intervening))?;
        let (left, right) = (json(&ours_first), json(&theirs_first));
        if left == right {
            return Ok(());
        }
        let advice = if left.map(sorted) == right.map(sorted) {
            "only the order in a list differs: for a set, use a `BTreeSet`, because a `HashSet` is stored in another \
             order each time; for a list, compare the order in `PartialEq` too"
        } else {
            "the `PartialEq` of the state leaves out what is marked: compare it too, or take it out of the state"
        };
        let title =
            "the merge leaves another state than the other order, but the two compare as equal";
        Err(Problem::new(title, advice)
            .shows(
                "state",
                text::diff(&shown(&ours_first), &shown(&theirs_first)),
            )
            .shows(
                "",
                vec!["(- the command first, + the command last, as merged)".into()],
            ))
    }

    /// The command was decided the same where its sender stood, not only by `PartialEq` and `canonical`.
    fn check_decision(
        &self,
        before: &Result<Vec<A::Event>, A::Rejection>,
        merged: &[A::Event],
    ) -> Checked<()> {
        let differs = |why: &str, advice: &'static str| {
            let title =
                "the command is merged though it was decided otherwise where its sender stood";
            Err(Problem::new(format!("{title}: {why}"), advice)
                .shows("decided then", answer(before))
                .shows("decided now", text::lines(merged)))
        };
        let events = before.as_deref().unwrap_or_default();
        if canonical(events) != canonical(merged) {
            return differs(
                "the events compare as equal",
                "the `PartialEq` of the event, or of what is in it, leaves out what is stored: compare all of it",
            );
        }
        let (then, now) = (
            pure::evolve(&self.base, events)?,
            pure::evolve(&self.base, merged)?,
        );
        if json(&then) != json(&now) {
            return differs(
                "`canonical` hides a difference that the state keeps",
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
        let same = |now: &Vec<A::Event>| canonical(now) == canonical(merged);
        if now.as_ref().is_ok_and(same) {
            return Ok(());
        }
        Err(Problem::new(
            "the merged events are not what the command gives at the current state",
            "`decide` must be pure: it gave something else when it was asked again",
        )
        .shows("decided now", answer(now)))
    }

    /// Whether what came between would have given other events after the command.
    fn decided_otherwise(&self, between: &[StepOf<A>]) -> Checked<bool> {
        let Ok(events) = pure::decide(&self.base, self.command)? else {
            return Ok(false);
        };
        let after = pure::evolve(&self.base, &events)?;
        let (_, events) = play(&after, between, &mut Vec::new())?;
        Ok(canonical(&events) != canonical(&self.intervening))
    }
}

/// The same with every list in one order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(sorted).collect();
            items.sort_by_cached_key(Value::to_string);
            items.into()
        }
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, sorted(value)))
            .collect(),
        scalar => scalar,
    }
}
