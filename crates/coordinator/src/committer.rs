//! Group commit: one durable commit for all waiting appends, of all aggregates.
//!
//! There is no timer. While a commit is in progress new appends gather for the next batch: a lone sender waits for
//! nobody, and many senders share one disk sync.

use std::sync::Arc;
use std::time::Instant;

use seriatim_core::{Append, AppendError, AppendOutcome, Store, StoreError, StoreErrorKind};
use tokio::sync::{mpsc, oneshot};

use crate::meter::CommitMeter;
use crate::{gather, lookup};

/// How many rounds may wait for the committer. Admission bounds the requests; this only bounds memory.
const WAITING_ROUNDS: usize = 4096;

/// The handle to the committing task. The task ends when the last handle is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Committer {
    rounds: mpsc::Sender<Round>,
}

/// The appends of one stream's round, in order.
struct Round {
    appends: Vec<Append>,
    reply: Reply,
}

type Reply = oneshot::Sender<Result<Vec<AppendOutcome>, StoreError>>;

impl Committer {
    /// Starts the task; batches hold about `batch_appends` appends at most.
    pub(crate) fn start(store: Arc<dyn Store>, batch_appends: usize) -> Self {
        let (rounds, waiting) = mpsc::channel(WAITING_ROUNDS);
        tokio::spawn(run(store, waiting, batch_appends.max(1)));
        Self { rounds }
    }

    /// Appends them in one commit, perhaps with others', and returns the answers when they are durable.
    ///
    /// An error means that nothing was written, or that the outcome could not be found out.
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
    let meter = CommitMeter::new();
    let mut size = 0;
    while let Some(first) = waiting.recv().await {
        if size > 1 {
            gather::others_first().await;
        }
        size = first.appends.len();
        let mut rounds = vec![first];
        while size < batch_appends
            && let Ok(next) = waiting.try_recv()
        {
            size += next.appends.len();
            rounds.push(next);
        }
        commit(&*store, &meter, rounds, size).await;
    }
}

async fn commit(store: &dyn Store, meter: &CommitMeter, rounds: Vec<Round>, size: usize) {
    let mut batch = Vec::with_capacity(size);
    let mut replies = Vec::with_capacity(rounds.len());
    for round in rounds {
        replies.push((round.appends.len(), round.reply));
        batch.extend(round.appends);
    }
    // The batch is kept for the search after an unknown outcome; the events themselves are shared, not copied.
    let kept = batch.clone();
    let begun = Instant::now();
    match store.append(batch).await {
        Ok(outcomes) => {
            meter.answered(size, begun.elapsed());
            let lost = |outcome: &&AppendOutcome| matches!(outcome, AppendOutcome::Conflict { .. });
            meter.lost_races(outcomes.iter().filter(lost).count());
            let mut outcomes = outcomes.into_iter();
            for (count, reply) in replies {
                // The sender may have stopped listening; the events are written all the same.
                let _ = reply.send(Ok(outcomes.by_ref().take(count).collect()));
            }
        }
        Err(AppendError::NotWritten(error)) => {
            meter.failed("not_written");
            tracing::warn!(
                error = error.to_string(),
                appends = size,
                "a batch could not be committed"
            );
            for (_, reply) in replies {
                let _ = reply.send(Err(error.clone()));
            }
        }
        Err(AppendError::Unknown(error)) => {
            meter.failed("unknown");
            tracing::warn!(
                error = error.to_string(),
                "the outcome of a commit is unknown; looking for its events"
            );
            find_out(store, &kept, replies, error).await;
        }
    }
}

/// Answers each round with the part of it that is found. A store that cannot be asked is not asked again for the next
/// round.
async fn find_out(
    store: &dyn Store,
    batch: &[Append],
    replies: Vec<(usize, Reply)>,
    unknown: StoreError,
) {
    let (mut rest, mut silent) = (batch, None);
    for (count, reply) in replies {
        let (round, others) = rest.split_at(count);
        rest = others;
        let found = match &silent {
            Some(error) => Err(StoreError::clone(error)),
            None => lookup::look_for(store, round).await,
        };
        let answer = match found {
            Ok(found) => found.ok_or_else(|| unknown.clone()),
            Err(error) => {
                silent = Some(error.clone());
                Err(error)
            }
        };
        let _ = reply.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use seriatim_core::{Domain, EventStore, LogPartition, NewEvent, Payload, StreamId, Write};
    use seriatim_store_memory::MemoryStore;
    use seriatim_testkit::faults::{Fault, FaultyStore};
    use uuid::Uuid;

    use super::*;

    fn events(stream: &StreamId) -> Append {
        let event = NewEvent {
            id: Uuid::now_v7(),
            payload: Payload::json("Noted", "{}"),
            metadata: Arc::default(),
        };
        Append {
            stream: stream.clone(),
            write: Write::Events {
                after: None,
                last: None,
                events: Arc::new([event]),
            },
            claim: None,
        }
    }

    /// A commit of several partitions that was lost is settled stream by stream: what was written in one partition
    /// is answered, though in another nothing is found.
    #[tokio::test]
    async fn an_unknown_outcome_is_found_out_for_each_stream() {
        let partitions = NonZero::new(2).unwrap();
        let store = FaultyStore::new(Arc::new(MemoryStore::with_partitions(partitions)));
        let written = LogPartition(1);
        store.fail_next(Fault::UnknownButWrittenIn(written));
        let streams: Vec<_> = (0..20)
            .map(|_| StreamId::new(Domain::new("note").unwrap(), Uuid::now_v7()))
            .collect();
        let (rounds, answers): (Vec<_>, Vec<_>) = streams
            .iter()
            .map(|stream| {
                let (reply, answer) = oneshot::channel();
                let appends = vec![events(stream)];
                (Round { appends, reply }, answer)
            })
            .unzip();
        commit(&store, &CommitMeter::new(), rounds, streams.len()).await;
        for (stream, mut answer) in streams.iter().zip(answers) {
            let answer = answer.try_recv().unwrap();
            let is_there = LogPartition::of(stream, partitions) == written;
            assert_eq!(answer.is_ok(), is_there, "{answer:?}");
        }
        assert!(store.head(written).await.unwrap().0 > 0);
        assert_eq!(store.head(LogPartition::FIRST).await.unwrap().0, 0);
    }
}
