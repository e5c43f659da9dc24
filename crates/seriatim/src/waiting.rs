//! A command or a fact whose sender waits for components.

use std::fmt;
use std::future::{Future, IntoFuture, pending};
use std::pin::Pin;
use std::time::Duration;

use seriatim_core::{
    Aggregate, Component, ExpectedSequence, FieldViolation, InvalidComponent, MergeStrategy,
    NotHandled, Receipt, SubmitError, WaitFor,
};
use seriatim_runtime::Waiter;

/// A command or a fact that is sent when it is awaited; awaiting it ends when components have handled its events. Made
/// by [`SendCommand::wait_for`](crate::SendCommand::wait_for), [`RecordFact::wait_for`](crate::RecordFact::wait_for) and
/// [`App::wait_for`](crate::App::wait_for).
#[must_use = "nothing is sent or waited for before it is awaited"]
pub struct Waiting<S> {
    sending: S,
    waiter: Waiter,
    components: Vec<Result<Component, InvalidComponent>>,
    limit: Duration,
}

impl<S> Waiting<S> {
    pub(crate) fn new(sending: S, waiter: Waiter, component: &str) -> Self {
        Self {
            sending,
            waiter,
            components: vec![component.parse()],
            limit: WaitFor::LIMIT,
        }
    }

    /// Waits for this component too.
    pub fn wait_for(mut self, component: &str) -> Self {
        self.components.push(component.parse());
        self
    }

    /// Sets how long to wait for all components together, once the outcome is durable. Default 15 s.
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    fn with(mut self, change: impl FnOnce(S) -> S) -> Self {
        self.sending = change(self.sending);
        self
    }
}

/// The settings of a command, which may also follow `wait_for`.
impl<A: Aggregate> Waiting<crate::SendCommand<A>> {
    /// As [`SendCommand::and`](crate::SendCommand::and).
    pub fn and(self, command: A::Command) -> Self {
        self.with(|send| send.and(command))
    }

    /// As [`SendCommand::expecting`](crate::SendCommand::expecting).
    pub fn expecting(self, expected: impl Into<ExpectedSequence>) -> Self {
        self.with(|send| send.expecting(expected))
    }

    /// As [`SendCommand::merge`](crate::SendCommand::merge).
    pub fn merge(self, strategy: MergeStrategy) -> Self {
        self.with(|send| send.merge(strategy))
    }

    /// As [`SendCommand::premise`](crate::SendCommand::premise).
    pub fn premise(self, path: &str) -> Self {
        self.with(|send| send.premise(path))
    }

    /// As [`SendCommand::external_id`](crate::SendCommand::external_id).
    pub fn external_id(self, external_id: impl Into<String>) -> Self {
        self.with(|send| send.external_id(external_id))
    }

    /// As [`SendCommand::correlation_id`](crate::SendCommand::correlation_id).
    pub fn correlation_id(self, correlation_id: impl Into<String>) -> Self {
        self.with(|send| send.correlation_id(correlation_id))
    }

    /// As [`SendCommand::actor`](crate::SendCommand::actor).
    pub fn actor(self, actor: impl Into<String>) -> Self {
        self.with(|send| send.actor(actor))
    }
}

/// The settings of a fact, which may also follow `wait_for`.
impl<A: Aggregate> Waiting<crate::RecordFact<A>> {
    /// As [`RecordFact::description`](crate::RecordFact::description).
    pub fn description(self, description: impl Into<String>) -> Self {
        self.with(|record| record.description(description))
    }

    /// As [`RecordFact::route_to_aggregate`](crate::RecordFact::route_to_aggregate).
    pub fn route_to_aggregate(self, route: bool) -> Self {
        self.with(|record| record.route_to_aggregate(route))
    }

    /// As [`RecordFact::correlation_id`](crate::RecordFact::correlation_id).
    pub fn correlation_id(self, correlation_id: impl Into<String>) -> Self {
        self.with(|record| record.correlation_id(correlation_id))
    }

    /// As [`RecordFact::actor`](crate::RecordFact::actor).
    pub fn actor(self, actor: impl Into<String>) -> Self {
        self.with(|record| record.actor(actor))
    }
}

impl<S: fmt::Debug> fmt::Debug for Waiting<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("sending", &self.sending)
            .field("components", &self.components)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<S> IntoFuture for Waiting<S>
where
    S: IntoFuture<Output = Result<Receipt, SubmitError>> + Send + 'static,
    S::IntoFuture: Send,
{
    type Output = Result<Receipt, WaitError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let wait = WaitFor {
                components: components(self.components)?,
                limit: self.limit,
            };
            self.waiter.check(&wait).await?;
            let receipt = self.sending.into_future().await?;
            match self.waiter.wait(&receipt, &wait, pending()).await {
                Ok(()) => Ok(receipt),
                Err(not_handled) => Err(WaitError::NotHandled {
                    receipt: Box::new(receipt),
                    not_handled,
                }),
            }
        })
    }
}

fn components(
    names: Vec<Result<Component, InvalidComponent>>,
) -> Result<Vec<Component>, SubmitError> {
    let names = names.into_iter().enumerate().map(|(at, name)| {
        name.map_err(|error| {
            FieldViolation::new(format!("wait_for.components[{at}]"), error.to_string())
        })
    });
    Ok(names.collect::<Result<_, _>>()?)
}

/// The reason why a sender that waits for components has no result.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// It was not accepted. A component that does not exist is noticed before anything is sent, and gives
    /// [`SubmitError::Invalid`].
    #[error(transparent)]
    Refused(#[from] SubmitError),
    /// It is recorded and must not be sent again, but a component has not handled its events yet.
    /// [`App::wait_for`](crate::App::wait_for) continues waiting.
    #[error("it is recorded, but {not_handled}")]
    NotHandled {
        /// The receipt.
        receipt: Box<Receipt>,
        /// The component that has not handled it, and why.
        #[source]
        not_handled: NotHandled,
    },
}
