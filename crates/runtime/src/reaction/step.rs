//! Makes one try at some events. The heartbeat goes on meanwhile, and a failure affects nothing else.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt;
use seriatim_core::{
    Advance, Domain, Hold, Reaction, ReactionError, RecordedEvent, Step, StoreError,
    StoreErrorKind, Tenure, Update, panic_message,
};
use tracing::{Instrument, Span};

use crate::meter;

/// The result of a try.
#[derive(Debug)]
pub(crate) enum Tried {
    /// The events are handled, and that is recorded.
    Done,
    /// The work is not ours any more.
    Lost,
    /// A store failed; the events are not at fault.
    StoreFailed(StoreError),
    /// An aggregate that the component needs does not answer.
    TargetDown(Domain, String),
    /// The component failed.
    Failed(String),
}

impl Tried {
    /// Returns its name in the metrics.
    fn label(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Lost => "lost",
            Self::StoreFailed(_) => "store_failed",
            Self::TargetDown(..) => "target_down",
            Self::Failed(_) => "failed",
        }
    }
}

/// Tries to handle events, and extends the lease until that is done. If the tenure is lost meanwhile, the component is
/// stopped at once.
pub(crate) async fn attempt(
    reaction: &dyn Reaction,
    tenure: &Tenure,
    events: &[&RecordedEvent],
    advance: &Advance,
    (lease, deepest): (Duration, u32),
) -> Tried {
    let step = Step {
        tenure,
        events,
        advance,
        lease,
        deepest,
    };
    let begun = Instant::now();
    let handled = AssertUnwindSafe(reaction.handle(step)).catch_unwind();
    let handled = handled.instrument(span(tenure, events));
    let tried = tokio::select! {
        handled = handled => match handled {
            Ok(Ok(Hold::Held)) => Tried::Done,
            Ok(Ok(Hold::Lost)) => Tried::Lost,
            Ok(Err(ReactionError::Store(error))) => store_failed(error),
            Ok(Err(ReactionError::Unavailable { target, source })) => {
                Tried::TargetDown(target, with_causes(source.as_ref()))
            }
            Ok(Err(ReactionError::Failed(error))) => Tried::Failed(with_causes(error.as_ref())),
            Err(panic) => Tried::Failed(format!("it panicked: {}", panic_message(panic.as_ref()))),
        },
        () = lost(reaction, tenure, lease) => Tried::Lost,
    };
    let component = reaction.component();
    meter::tried(component, events.len(), tried.label(), begun.elapsed());
    tried
}

/// Returns the span that links a command to the reactions to its events. It names one event with its workflow, or the
/// first and the last of several.
fn span(tenure: &Tenure, events: &[&RecordedEvent]) -> Span {
    match events {
        [event] => tracing::debug_span!(
            "react",
            work = %tenure.work,
            stream = %event.stream,
            sequence = %event.sequence,
            position = %event.position,
            correlation_id = event.metadata.correlation_id,
            event_id = %event.id,
        ),
        [first, .., last] => tracing::debug_span!(
            "react",
            work = %tenure.work,
            first = %first.position,
            last = %last.position,
            events = events.len(),
        ),
        [] => Span::none(),
    }
}

/// Renews the lease until the tenure is lost, and returns then.
pub(crate) async fn lost(reaction: &dyn Reaction, tenure: &Tenure, lease: Duration) {
    loop {
        tokio::time::sleep(lease / 3).await;
        if renew(reaction, tenure, lease).await == Hold::Lost {
            return;
        }
    }
}

/// Renews the lease. If the store does not answer, the tenure counts as held: whether it is still in force shows when
/// the checkpoint is moved.
pub(crate) async fn renew(reaction: &dyn Reaction, tenure: &Tenure, lease: Duration) -> Hold {
    let renewed = (reaction.checkpoints()).write(tenure, &Update::Renew, lease);
    renewed.await.unwrap_or_else(|error| {
        tracing::warn!(work = %tenure.work, error = error.to_string(), "the lease could not be renewed");
        Hold::Held
    })
}

/// Returns the result for an error of the store. After a refusal or a missing right it is useless to wait: the step
/// would fail for ever.
fn store_failed(error: StoreError) -> Tried {
    match error.kind {
        StoreErrorKind::Refused | StoreErrorKind::Denied => Tried::Failed(with_causes(&error)),
        StoreErrorKind::Unavailable
        | StoreErrorKind::Full
        | StoreErrorKind::ReadOnly
        | StoreErrorKind::Corrupt => Tried::StoreFailed(error),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        // Many errors repeat their cause in their own text.
        if text.contains(&cause) {
            return text;
        }
        format!("{text}: {cause}")
    })
}
