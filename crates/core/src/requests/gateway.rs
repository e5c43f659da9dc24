//! Defines the seam through which commands and facts reach aggregates, wherever they run.

use crate::{CommandRequest, EventStore, FactRequest, Receipt, RejectedEffect, SubmitError};

/// Accepts commands, facts and rejected effects. The coordinator implements it in process, and a client implements it
/// over the wire.
#[async_trait::async_trait]
pub trait CommandGateway: Send + Sync + std::fmt::Debug + 'static {
    /// Runs a command. Returns when the outcome is durable.
    ///
    /// # Cancel safety
    /// Dropping the future does not undo the command: once admitted, it runs to its end. To learn its outcome, send it
    /// again under the same external id (the idempotency key).
    async fn submit(&self, request: CommandRequest) -> Result<Receipt, SubmitError>;

    /// Records a fact. Returns when it is durable. Cancel safety is as for [`CommandGateway::submit`].
    async fn record(&self, request: FactRequest) -> Result<Receipt, SubmitError>;

    /// Tells the aggregate whose event was reacted to that an effect was rejected. Returns when the events of
    /// [`Aggregate::on_rejected`](crate::Aggregate::on_rejected) are durable. The aggregate is told once, however often
    /// this is called. Cancel safety is as for [`CommandGateway::submit`].
    async fn hand_back(&self, rejected: RejectedEffect) -> Result<Receipt, SubmitError>;

    /// Returns the store in which the aggregates behind this gateway keep the outcomes of effects, for audits; `None`
    /// if that store is out of reach.
    fn outcomes(&self) -> Option<&dyn EventStore>;
}
