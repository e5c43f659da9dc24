//! Contains the two loops that everything else uses: from events to states, and from commands to events.

use crate::Aggregate;

/// Returns the state after `events`.
pub fn fold<'a, A: Aggregate>(mut state: A, events: impl IntoIterator<Item = &'a A::Event>) -> A {
    for event in events {
        state.evolve(event);
    }
    state
}

/// Decides `commands` one after another, beginning at `state`. Returns all their events. Fails with the first
/// rejection.
pub fn decide_all<A: Aggregate>(
    state: &A,
    commands: &[A::Command],
) -> Result<Vec<A::Event>, A::Rejection> {
    match commands {
        [command] => state.decide(command),
        commands => Ok(decide_each(state, commands)?.concat()),
    }
}

/// Decides `commands` one after another. Returns the events of each. Fails with the first rejection.
pub fn decide_each<A: Aggregate>(
    state: &A,
    commands: &[A::Command],
) -> Result<Vec<Vec<A::Event>>, A::Rejection> {
    if let [command] = commands {
        return Ok(vec![state.decide(command)?]);
    }
    let mut state = state.clone();
    let decide = |command| {
        let events = state.decide(command)?;
        events.iter().for_each(|event| state.evolve(event));
        Ok(events)
    };
    commands.iter().map(decide).collect()
}
