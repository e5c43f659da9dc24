//! Hides the type of the step that completes commands before they are decided.

use async_trait::async_trait;
use seriatim_core::{Aggregate, Prepare, PrepareError};

/// A [`Prepare`] step behind a pointer; a trait with an `async fn` cannot be behind one.
#[async_trait]
pub(crate) trait Preparation<A: Aggregate>: Send + Sync + 'static {
    async fn run(&self, command: A::Command) -> Result<A::Command, PrepareError<A::Rejection>>;
}

#[async_trait]
impl<A: Aggregate, P: Prepare<A>> Preparation<A> for P {
    async fn run(&self, command: A::Command) -> Result<A::Command, PrepareError<A::Rejection>> {
        self.prepare(command).await
    }
}
