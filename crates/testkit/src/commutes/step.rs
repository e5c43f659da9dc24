//! The steps of a case: a command is decided, or a fact arrives.

use proptest::prelude::{BoxedStrategy, Strategy};
use proptest::prop_oneof;
use seriatim_core::{Aggregate, Fact, FactOrigin};

use super::problem::Checked;
use super::pure;
use crate::round_trip;
use crate::text;

/// A command that is decided, or a fact that arrives.
#[derive(Clone, Debug)]
pub(super) enum Step<C, E> {
    Command(C),
    Fact(E),
}

/// A step in the life of `A`.
pub(super) type StepOf<A> = Step<<A as Aggregate>::Command, <A as Aggregate>::Event>;

/// Commands, and sometimes a fact.
pub(super) fn steps<A: Aggregate>(
    commands: &BoxedStrategy<A::Command>,
    facts: Option<&BoxedStrategy<A::Event>>,
) -> BoxedStrategy<StepOf<A>> {
    let commands = commands.clone().prop_map(Step::Command);
    match facts {
        None => commands.boxed(),
        Some(facts) => prop_oneof![3 => commands, 1 => facts.clone().prop_map(Step::Fact)].boxed(),
    }
}

/// Takes `steps` one after another and skips commands that are rejected. Returns what each step gave.
pub(super) fn play<A: Aggregate>(
    state: &A,
    steps: &[StepOf<A>],
    told: &mut Vec<String>,
) -> Checked<(A, Vec<A::Event>)> {
    let mut state = state.clone();
    let mut all = Vec::new();
    for step in steps {
        let before = told.len();
        told.extend(shown::<A>(step));
        let Some(events) = take(&state, step)? else {
            told.truncate(before);
            continue;
        };
        let gave = text::lines(&events).into_iter();
        told.extend(gave.map(|line| format!("  -> {line}")));
        state = pure::evolve(&state, &events)?;
        all.extend(events);
    }
    Ok((state, all))
}

fn shown<A: Aggregate>(step: &StepOf<A>) -> Vec<String> {
    match step {
        Step::Command(command) => text::lines(&[command]),
        Step::Fact(event) => {
            let mut lines = text::lines(&[event]);
            lines[0].insert_str(0, "the fact ");
            lines
        }
    }
}

/// Returns the events of a step; `None` if it is rejected.
fn take<A: Aggregate>(state: &A, step: &StepOf<A>) -> Checked<Option<Vec<A::Event>>> {
    match step {
        Step::Command(command) => {
            round_trip::command(command)?;
            Ok(pure::decide(state, command)?.ok())
        }
        Step::Fact(event) => {
            round_trip::event(event)?;
            let origin = FactOrigin {
                source: "elsewhere".into(),
                description: String::new(),
            };
            let event = event.clone();
            pure::on_fact(state, &Fact { event, origin }).map(Some)
        }
    }
}
