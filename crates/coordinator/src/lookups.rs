//! Looks for lost commits in turn, so that a store that does not answer is not asked once for each stream.

use std::time::Instant;

use seriatim_core::StoreError;
use tokio::sync::Mutex;

/// The turn, and the last look-up that failed: when it ended, and why.
#[derive(Debug, Default)]
pub(crate) struct Lookups(Mutex<Option<(Instant, StoreError)>>);

impl Lookups {
    /// Waits for the turn, and runs `look`. If another look-up has failed while this one waited, returns that error
    /// without running it.
    pub(crate) async fn run<T>(
        &self,
        look: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let asked = Instant::now();
        let mut failed = self.0.lock().await;
        if let Some((at, error)) = &*failed
            && *at >= asked
        {
            return Err(error.clone());
        }
        look.await
            .inspect_err(|error| *failed = Some((Instant::now(), error.clone())))
    }
}

#[cfg(test)]
mod tests {
    use futures::future::{join, join_all};
    use seriatim_core::StoreErrorKind;
    use tokio::sync::oneshot;

    use super::*;

    fn down() -> StoreError {
        StoreError::new("read a stream", StoreErrorKind::Unavailable, "it is down")
    }

    #[tokio::test]
    async fn those_who_waited_while_it_failed_do_not_ask() {
        let lookups = Lookups::default();
        let (fail, fails) = oneshot::channel::<()>();
        let first = lookups.run(async {
            let _ = fails.await;
            Err::<(), _>(down())
        });
        let others = (0..3).map(|_| lookups.run(async { panic!("it is asked again") }));
        let release = async { drop(fail) };
        let ((first, others), ()) = join(join(first, join_all(others)), release).await;
        assert_eq!(first.unwrap_err().kind, StoreErrorKind::Unavailable);
        for other in others {
            let error: Result<(), StoreError> = other;
            assert_eq!(error.unwrap_err().kind, StoreErrorKind::Unavailable);
        }
        // A later call asks.
        assert_eq!(lookups.run(async { Ok(7) }).await.unwrap(), 7);
    }
}
