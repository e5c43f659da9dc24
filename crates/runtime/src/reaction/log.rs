//! Logs each change of the state of a piece of work, once, with the reason.

use seriatim_core::Work;

use super::status::PieceState;

/// Logs that a piece of work has changed its state.
///
/// The end of a problem is logged at the same level as its beginning, so that a reader who sees one also sees the
/// other.
///
/// Error texts are logged as strings, so that every subscriber escapes what they may hold from outside.
pub(super) fn changed(work: &Work, before: &PieceState, now: &PieceState) {
    use PieceState::{Beginning, CannotBegin, Paused, Retrying, StandingBy, Stopped, Working};
    use PieceState::{WaitingForStore, WaitingForTarget};
    match (before, now) {
        (WaitingForStore { .. }, WaitingForStore { .. })
        | (WaitingForTarget { .. }, WaitingForTarget { .. }) => {}
        (_, WaitingForStore { error }) => tracing::warn!(%work, error, "waiting for the store"),
        (_, WaitingForTarget { target, error }) => {
            tracing::warn!(%work, %target, error, "waiting for the target");
        }
        (_, CannotBegin { error }) => tracing::warn!(%work, reason = error, "cannot begin"),
        (CannotBegin { .. }, Beginning) => tracing::warn!(%work, "begins after all"),
        (WaitingForStore { .. }, Working | Beginning | StandingBy { .. }) => {
            tracing::warn!(%work, "the store answers again");
        }
        (WaitingForTarget { .. }, Working) => tracing::warn!(%work, "the target answers again"),
        (Paused { .. }, Working) => tracing::warn!(%work, "resumed"),
        (Retrying { failure, tried }, Working) => {
            let (stream, sequence) = (&failure.stream, failure.sequence);
            tracing::warn!(%work, %stream, %sequence, tried, "goes on");
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
        // The taking of work is logged with its place, and a failure with the number of tries.
        (_, Beginning | Working | StandingBy { owner: None } | Retrying { .. }) => {}
    }
}
