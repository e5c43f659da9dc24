//! The door through which commands and facts reach aggregates, wherever they run.

use crate::{CommandRequest, FactRequest, Receipt, SubmitError};

/// Takes commands and facts: implemented by the coordinator in process, and by a client over the wire.
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
}
