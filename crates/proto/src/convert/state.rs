//! Converts states, and the choice of the state that is asked for.

use prost_types::{Any, Timestamp as WireTime};
use seriatim_core::{At, Codec, Payload, Sequence, StateView, Tree};

use super::identity::{cover, stream};
use super::invalid::{Invalid, required};
use super::payload::{json_any, payload};
use super::time::time;
use crate::v1;

impl From<&StateView> for v1::State {
    /// Takes the domain as the type name of the state.
    fn from(view: &StateView) -> Self {
        Self {
            cover: Some(cover(&view.stream)),
            sequence: view.sequence.map(|Sequence(sequence)| sequence),
            state: Some(json_any(view.stream.domain.as_str(), view.state.clone())),
        }
    }
}

impl TryFrom<v1::State> for StateView {
    type Error = Invalid;

    fn try_from(state: v1::State) -> Result<Self, Invalid> {
        Ok(Self {
            stream: stream(state.cover.as_ref())?,
            sequence: state.sequence.map(Sequence),
            state: json(state.state)?,
        })
    }
}

fn json(state: Option<Any>) -> Result<String, Invalid> {
    let Payload { codec, data, .. } = payload(state, "state")?;
    let text = String::from_utf8(data.into()).ok();
    text.filter(|text| codec == Codec::Json && Tree::parse(text.as_bytes()).is_ok())
        .ok_or_else(|| Invalid::field("state", "is not JSON"))
}

/// Reads a state that must be there.
pub(super) fn state_view(state: Option<v1::State>, field: &str) -> Result<StateView, Invalid> {
    required(state, field, "give a state")?
        .try_into()
        .map_err(|invalid: Invalid| invalid.within(field))
}

/// Reads which state a `GetState` asks for.
pub fn at_of_state(at: Option<v1::get_state_request::At>) -> Result<At, Invalid> {
    use v1::get_state_request::At as Wire;
    match at {
        None => Ok(At::Current),
        Some(Wire::AtSequence(sequence)) => Ok(At::Sequence(Sequence(sequence))),
        Some(Wire::AsOf(as_of)) => as_of_time(as_of),
    }
}

/// Reads which state a `Simulate` asks for.
pub(super) fn at_of_simulation(at: Option<v1::simulate_request::At>) -> Result<At, Invalid> {
    use v1::simulate_request::At as Wire;
    match at {
        None => Ok(At::Current),
        Some(Wire::AtSequence(sequence)) => Ok(At::Sequence(Sequence(sequence))),
        Some(Wire::AsOf(as_of)) => as_of_time(as_of),
    }
}

/// Writes which state a `GetState` asks for.
pub fn state_at(at: At) -> Option<v1::get_state_request::At> {
    use v1::get_state_request::At as Wire;
    match at {
        At::Current => None,
        At::Sequence(Sequence(sequence)) => Some(Wire::AtSequence(sequence)),
        At::Time(time) => Some(Wire::AsOf(time.into())),
    }
}

/// Writes which state a `Simulate` asks for.
pub(super) fn simulation_at(at: At) -> Option<v1::simulate_request::At> {
    use v1::simulate_request::At as Wire;
    match at {
        At::Current => None,
        At::Sequence(Sequence(sequence)) => Some(Wire::AtSequence(sequence)),
        At::Time(time) => Some(Wire::AsOf(time.into())),
    }
}

fn as_of_time(as_of: WireTime) -> Result<At, Invalid> {
    time(Some(as_of), "as_of").map(At::Time)
}
