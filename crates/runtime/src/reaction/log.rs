//! What the program's log says of a piece of work: each change of what it is doing, once, with its reason.

use seriatim_core::Work;

use super::status::PieceState;

/// Says that a piece of work does something else than before.
///
/// The end of a trouble is said at the level of its beginning, so that whoever reads of the one reads of the other.
///
/// Texts of errors are given as strings: so every subscriber escapes what they may have from outside.
pub(super) fn changed(work: &Work, before: &PieceState, now: &PieceState) {
    use PieceState::{Paused, Retrying, StandingBy, Stopped, Working};
    use PieceState::{WaitingForStore, WaitingForTarget};
    match (before, now) {
        (WaitingForStore { .. }, WaitingForStore { .. })
        | (WaitingForTarget { .. }, WaitingForTarget { .. }) => {}
        (_, WaitingForStore { error }) => tracing::warn!(%work, error, "waiting for the store"),
        (_, WaitingForTarget { target, error }) => {
            tracing::warn!(%work, %target, error, "waiting for the target");
        }
        (WaitingForStore { .. }, Working | StandingBy { .. }) => {
            tracing::warn!(%work, "the store answers again");
        }
        (WaitingForTarget { .. }, Working) => tracing::warn!(%work, "the target answers again"),
        (Paused { .. }, Working) => tracing::info!(%work, "resumed"),
        (Retrying { failure, tried }, Working) => {
            let (stream, sequence) = (&failure.stream, failure.sequence);
            tracing::info!(%work, %stream, %sequence, tried, "goes on");
        }
        (_, StandingBy { owner: Some(owner) }) => {
            tracing::info!(%work, owner, "stands by: another process has the work");
        }
        (
            _,
            Paused {
                failure: Some(failure),
                error,
            },
        ) => {
            let (stream, sequence) = (&failure.stream, failure.sequence);
            tracing::warn!(%work, %stream, %sequence, reason = error, "paused");
        }
        (
            _,
            Paused {
                failure: None,
                error,
            },
        ) => tracing::warn!(%work, reason = error, "paused"),
        (_, Stopped) => tracing::info!(%work, "stopped: the program ends"),
        // That it was taken is said with the place, and that an event failed with how often.
        (_, Working | StandingBy { owner: None } | Retrying { .. }) => {}
    }
}
