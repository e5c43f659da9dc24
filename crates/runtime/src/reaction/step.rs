//! One try at some events: the heartbeat goes on beside it, and what happens to it happens to nobody else.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use seriatim_core::{
    Advance, Domain, Hold, Reaction, ReactionError, RecordedEvent, Step, StoreError, Tenure,
};

/// What came of a try.
#[derive(Debug)]
pub(crate) enum Tried {
    /// The events are handled, and that is written down.
    Done,
    /// The work is not ours any more.
    Lost,
    /// A store does not answer.
    StoreDown(StoreError),
    /// An aggregate that the component needs does not answer.
    TargetDown(Domain, String),
    /// The component failed.
    Failed(String),
}

/// Tries to handle events, and prolongs the lease as long as that takes. If the tenure is lost meanwhile, the component
/// is stopped where it is.
pub(crate) async fn attempt(
    reaction: &dyn Reaction,
    tenure: &Tenure,
    events: &[&RecordedEvent],
    advance: &Advance,
    lease: Duration,
) -> Tried {
    let step = Step {
        tenure,
        events,
        advance,
        lease,
    };
    let handled = AssertUnwindSafe(reaction.handle(step)).catch_unwind();
    tokio::select! {
        handled = handled => match handled {
            Ok(Ok(Hold::Held)) => Tried::Done,
            Ok(Ok(Hold::Lost)) => Tried::Lost,
            Ok(Err(ReactionError::Store(error))) => Tried::StoreDown(error),
            Ok(Err(ReactionError::Unavailable { target, source })) => {
                Tried::TargetDown(target, with_causes(source.as_ref()))
            }
            Ok(Err(ReactionError::Failed(error))) => Tried::Failed(with_causes(error.as_ref())),
            Err(panic) => Tried::Failed(format!("it panicked: {}", message(panic.as_ref()))),
        },
        () = lost(reaction, tenure, lease) => Tried::Lost,
    }
}

/// Returns when the tenure is lost. A store that does not answer proves nothing: whether the tenure is still in force
/// is seen when the checkpoint is moved.
pub(crate) async fn lost(reaction: &dyn Reaction, tenure: &Tenure, lease: Duration) {
    loop {
        tokio::time::sleep(lease / 3).await;
        match reaction.checkpoints().prolong(tenure, lease).await {
            Ok(Hold::Held) => {}
            Ok(Hold::Lost) => return,
            Err(error) => {
                tracing::warn!(work = %tenure.work, %error, "the lease could not be prolonged");
            }
        }
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

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
