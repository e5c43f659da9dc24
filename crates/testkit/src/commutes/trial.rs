//! One case: a history, the steps in between, and a command, checked against the rules.

use seriatim_core::merge::{Collision, Resolution, resolve};
use seriatim_core::{Aggregate, MergeStrategy, Message, Overlap, Sequence};

use super::problem::{Checked, Problem, Shown};
use super::pure::{self, answer, canonical};
use super::report::{Met, Outcome};
use super::rules::Rules;
use super::step::{StepOf, play};
use crate::{round_trip, text};

/// Returns the result of the collision, or the broken rule. `None` means that there was nothing in between.
pub(super) fn run<A: Aggregate>(
    rules: &Rules<A>,
    known: &[StepOf<A>],
    between: &[StepOf<A>],
    command: &A::Command,
) -> Checked<Option<Met>> {
    let mut story = Vec::new();
    check::<A>(rules, known, between, command, &mut story).map_err(|mut problem| {
        problem.story = story;
        problem
    })
}

/// The case so far, for people: labels and lines.
type Story = Vec<Shown>;

fn check<A: Aggregate>(
    rules: &Rules<A>,
    known: &[StepOf<A>],
    between: &[StepOf<A>],
    command: &A::Command,
    story: &mut Story,
) -> Checked<Option<Met>> {
    story.push(("history", Vec::new()));
    let (base, known) = play(&A::default(), known, &mut story[0].1)?;
    rules.check(&base, "the history")?;
    story.push(("came between", Vec::new()));
    let (current, intervening) = play(&base, between, &mut story[1].1)?;
    rules.check(&current, "what came between")?;
    story.push(("the command", text::lines(&[command])));
    round_trip::command(command)?;
    in_any_order(&A::default(), known.iter().chain(&intervening))?;
    if intervening.is_empty() {
        return Ok(None);
    }
    let trial = Trial {
        rules,
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
    rules: &'a Rules<A>,
    base: A,
    intervening: Vec<A::Event>,
    current: A,
    command: &'a A::Command,
}

impl<A: Aggregate> Trial<'_, A> {
    fn resolve(&self) -> Checked<Resolution<A>> {
        let collision = Collision {
            commands: std::slice::from_ref(self.command),
            // That nothing merges with a stream which must not exist yet is not a rule of the aggregate.
            expected: Some(Sequence::FIRST),
            base: &self.base,
            intervening: &self.intervening,
            current: &self.current,
            premises: &[],
        };
        let strategy = MergeStrategy::Commutative;
        pure::call("evolve", || resolve(strategy, &collision))
    }

    /// The events that the aggregate's own merge proceeds with must fold, survive storage, and leave a permitted state.
    fn check_handled(&self) -> Checked<()> {
        let (current, base) = (&self.current, &self.base);
        let merged = pure::merge(current, self.command, base, &self.intervening)?;
        let Some(events) = merged else {
            return Ok(());
        };
        let storable = events.iter().try_for_each(round_trip::event);
        storable
            .map_err(Into::into)
            .and_then(|()| pure::evolve(current, &events))
            .and_then(|state| self.rules.check(&state, "`merge`"))
            .map_err(|problem: Box<Problem>| problem.shows("`merge` gave", text::lines(&events)))
    }

    fn check_merged(&self, story: &mut Story) -> Checked<Outcome> {
        let before = pure::decide(&self.base, self.command)?;
        let now = pure::decide(&self.current, self.command)?;
        let merged = match self.resolve()? {
            Resolution::Proceed(events) => events,
            Resolution::Reject(_) => return Ok(Outcome::Rejected),
            Resolution::Refuse { .. } | Resolution::Park(_) | Resolution::Invalid(_) => {
                return Ok(Outcome::Refused);
            }
        };
        story.push(("merges as", text::lines(&merged)));
        self.check_order(&merged)?;
        self.check_decision(&before, &merged)?;
        self.check_serial(&now, &merged)?;
        Ok(Outcome::Merged)
    }

    /// The state must be the same in both orders. `PartialEq` may leave out what makes no difference to any command.
    fn check_order(&self, merged: &[A::Event]) -> Checked<()> {
        let theirs_first = pure::evolve(&self.current, merged)?;
        self.rules.check(&theirs_first, "the merge")?;
        let ours_first = pure::evolve(&self.base, merged.iter().chain(&self.intervening))?;
        if pure::is_stored_alike(&ours_first, &theirs_first) || merged.is_empty() {
            return Ok(());
        }
        let rules = self.rules;
        let Some(shown) = rules.told_apart(&ours_first, &theirs_first, self.command)? else {
            return Ok(());
        };
        let title = "the merge leaves another state than the other order, and a later command is decided otherwise on it, but the two compare as equal";
        let advice = "the `PartialEq` of the state leaves out what is marked: compare it too, or decide nothing by it";
        let diff = text::diff(&pure::shown(&ours_first), &pure::shown(&theirs_first));
        let signs = vec!["(- the command first, + the command last, as merged)".into()];
        let problem = Problem::new(title, advice)
            .shows("state", diff)
            .shows("", signs);
        Err(problem.shows_all(shown))
    }

    /// The command must be decided as it was on the state that its sender knew. `PartialEq` and `canonical` of events
    /// may leave out what makes no difference to any command.
    fn check_decision(
        &self,
        before: &Result<Vec<A::Event>, A::Rejection>,
        merged: &[A::Event],
    ) -> Checked<()> {
        if merged.is_empty() {
            // The command's effect is there already, whatever its result would have been.
            return Ok(());
        }
        let events = before.as_deref().unwrap_or_default();
        let (then, now) = (
            pure::evolve(&self.base, events)?,
            pure::evolve(&self.base, merged)?,
        );
        if A::OVERLAP == Overlap::Converging || pure::is_stored_alike(&then, &now) {
            return Ok(());
        }
        let Some(shown) = self.rules.told_apart(&then, &now, self.command)? else {
            return Ok(());
        };
        let title = "the command is merged though it was decided otherwise where its sender stood, and a later command is decided otherwise because of it";
        let advice = "let `canonical`, and the `PartialEq` of the event and of what is in it, leave out only what nothing is decided by";
        let problem = Problem::new(title, advice)
            .shows("decided then", answer(before))
            .shows("decided now", text::lines(merged));
        Err(problem.shows_all(shown))
    }

    /// The merged events must be those that the command gives after the events in between.
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

    /// Returns whether the steps in between would have given other events after the command.
    fn decided_otherwise(&self, between: &[StepOf<A>]) -> Checked<bool> {
        let Ok(events) = pure::decide(&self.base, self.command)? else {
            return Ok(false);
        };
        let after = pure::evolve(&self.base, &events)?;
        let (_, events) = play(&after, between, &mut Vec::new())?;
        Ok(canonical(&events) != canonical(&self.intervening))
    }
}
