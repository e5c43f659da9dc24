//! Group commit: one durable commit for everything that waits, from all aggregates.
//!
//! There is no timer. While a commit is in progress new appends gather, and they are the next batch: a lone sender
//! waits for nobody, and a crowd shares one disk sync.

use std::sync::Arc;

use seriatim_core::{Append, AppendError, AppendOutcome, Store, StoreError, StoreErrorKind};
use tokio::sync::{mpsc, oneshot};

use crate::{gather, lookup};

/// How many rounds may wait for the committer. Admission bounds what there is; this only bounds memory.
const WAITING_ROUNDS: usize = 4096;

/// The handle to the committing task. The task ends when the last handle is gone.
#[derive(Clone, Debug)]
pub(crate) struct Committer {
    rounds: mpsc::Sender<Round>,
}

/// The appends of one stream's round, in order.
struct Round {
    appends: Vec<Append>,
    reply: oneshot::Sender<Result<Vec<AppendOutcome>, StoreError>>,
}

impl Committer {
    /// Starts the task; batches hold about `batch_appends` appends at most.
    pub(crate) fn start(store: Arc<dyn Store>, batch_appends: usize) -> Self {
        let (rounds, waiting) = mpsc::channel(WAITING_ROUNDS);
        tokio::spawn(run(store, waiting, batch_appends.max(1)));
        Self { rounds }
    }

    /// Appends them in one commit, perhaps with others', and answers each when it is durable.
    ///
    /// An error says that nothing was written, or that it could not be found out.
    pub(crate) async fn append(
        &self,
        appends: Vec<Append>,
    ) -> Result<Vec<AppendOutcome>, StoreError> {
        let (reply, answer) = oneshot::channel();
        let gone = || {
            StoreError::new(
                "append a batch",
                StoreErrorKind::Unavailable,
                "the committer has ended",
            )
        };
        let round = Round { appends, reply };
        self.rounds.send(round).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

async fn run(store: Arc<dyn Store>, mut waiting: mpsc::Receiver<Round>, batch_appends: usize) {
    while let Some(first) = waiting.recv().await {
        gather::others_first().await;
        let mut size = first.appends.len();
        let mut rounds = vec![first];
        while size < batch_appends
            && let Ok(next) = waiting.try_recv()
        {
            size += next.appends.len();
            rounds.push(next);
        }
        commit(&*store, rounds, size).await;
    }
}

async fn commit(store: &dyn Store, rounds: Vec<Round>, size: usize) {
    let mut batch = Vec::with_capacity(size);
    let mut replies = Vec::with_capacity(rounds.len());
    for round in rounds {
        replies.push((round.appends.len(), round.reply));
        batch.extend(round.appends);
    }
    match append(store, batch).await {
        Ok(outcomes) => {
            let mut outcomes = outcomes.into_iter();
            for (count, reply) in replies {
                // Whoever asked may have stopped listening; what is written is written.
                let _ = reply.send(Ok(outcomes.by_ref().take(count).collect()));
            }
        }
        Err(error) => {
            tracing::warn!(%error, appends = size, "a batch could not be committed");
            for (_, reply) in replies {
                let _ = reply.send(Err(error.clone()));
            }
        }
    }
}

/// Appends, and finds out what happened where the store does not know.
async fn append(store: &dyn Store, batch: Vec<Append>) -> Result<Vec<AppendOutcome>, StoreError> {
    // Kept for the search after an unknown outcome; the events themselves are shared, not copied.
    let kept = batch.clone();
    match store.append(batch).await {
        Ok(outcomes) => Ok(outcomes),
        Err(AppendError::NotWritten(error)) => Err(error),
        Err(AppendError::Unknown(error)) => {
            tracing::warn!(%error, "the outcome of a commit is unknown; looking for its events");
            lookup::look_for(store, &kept, error).await
        }
    }
}
