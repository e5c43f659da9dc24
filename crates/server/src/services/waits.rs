//! Waits for components on behalf of a sender.

use seriatim_core::{Receipt, WaitFor};
use seriatim_proto::{convert, v1};
use seriatim_runtime::Waiter;
use tokio::sync::watch;
use tonic::Status;

use super::status;

/// The means to wait until components have handled what a sender has written, or the server shuts down.
#[derive(Clone, Debug)]
pub(crate) struct Waits {
    waiter: Waiter,
    closed: watch::Receiver<bool>,
}

impl Waits {
    pub(crate) fn new(waiter: Waiter, closed: watch::Receiver<bool>) -> Self {
        Self { waiter, closed }
    }

    /// Reads the components that a request names. Fails if one does not exist. Call it before anything is written.
    pub(super) async fn read(&self, wait: Option<v1::WaitFor>) -> Result<Option<WaitFor>, Status> {
        let Some(wait) = convert::optional_wait_for(wait).map_err(status)? else {
            return Ok(None);
        };
        // Few requests wait: the others must not be larger for it.
        Box::pin(self.waiter.check(&wait)).await.map_err(status)?;
        Ok(Some(wait))
    }

    /// Waits for all of them. Returns the component that has not handled the events, if there is one.
    pub(super) async fn for_all(
        &self,
        receipt: &Receipt,
        wait: &WaitFor,
    ) -> Option<v1::NotHandled> {
        let mut closed = self.closed.clone();
        let closing = async move {
            // This fails if the server is gone, which means the same.
            let _ = closed.wait_for(|closed| *closed).await;
        };
        let waited = self.waiter.wait(receipt, wait, closing).await;
        waited.err().as_ref().map(Into::into)
    }
}
