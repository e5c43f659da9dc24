//! The door through which commands and facts reach aggregates, wherever they run.

use crate::{CommandRequest, EventStore, FactRequest, Receipt, RejectedEffect, SubmitError};

/// Takes commands, facts and what comes back of them: implemented by the coordinator in process, and by a client over the wire.
#[async_trait::async_trait]
pub trait CommandGateway: Send + Sync + std::fmt::Debug + 'static {
    /// Runs a command and answers when the outcome is durable.
    ///
    /// # Cancel safety
    /// Dropping the future does not undo the command: once admitted it runs to its end. To learn what became of
    /// it, send it again under the same external id.
    async fn submit(&self, request: CommandRequest) -> Result<Receipt, SubmitError>;

    /// Records a fact and answers when it is durable. Cancel safety as for [`CommandGateway::submit`].
    async fn record(&self, request: FactRequest) -> Result<Receipt, SubmitError>;

    /// Tells the aggregate whose event was reacted to that an effect was rejected, and answers when what it makes of
    /// that ([`Aggregate::on_rejected`](crate::Aggregate::on_rejected)) is durable. It is told once, however often this
    /// is called. Cancel safety as for [`CommandGateway::submit`].
    async fn hand_back(&self, rejected: RejectedEffect) -> Result<Receipt, SubmitError>;

    /// Where aggregates behind this door keep what became of effects, for those who check it; `None`: out of reach.
    fn outcomes(&self) -> Option<&dyn EventStore>;
}
