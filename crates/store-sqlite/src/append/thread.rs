//! The thread that writes: it puts all waiting jobs into one transaction, and answers when the transaction is durable.

use std::collections::VecDeque;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use seriatim_core::AppendError;
use seriatim_store_sql::{CommitMeter, Failures, Pace, fill};
use tokio::runtime::Handle;

use crate::append::answering::Answering;
use crate::append::job::{Answer, Job, Request};
use crate::append::session::Session;

pub(super) struct Thread {
    session: Session,
    answering: Answering,
    meter: CommitMeter,
}

impl Thread {
    pub(super) fn new(session: Session, runtime: Option<Handle>) -> Self {
        Self {
            session,
            answering: Answering::new(runtime),
            meter: CommitMeter::default(),
        }
    }

    /// Serves requests until nobody can send any more.
    pub(super) fn run(&mut self, queue: &Receiver<Request>) {
        let (mut waiting, mut share) = (VecDeque::new(), usize::MAX);
        let mut pace = Pace::default();
        while let Some(first) = waiting.pop_front().or_else(|| queue.recv().ok()) {
            waiting.extend(queue.try_iter());
            let mut left = 1..share;
            let next = || left.next().and_then(|_| waiting.pop_front());
            let (taken, rest) = fill(first, next, Request::size);
            rest.into_iter()
                .for_each(|request| waiting.push_front(request));
            let (requests, begun) = (taken.len(), Instant::now());
            self.serve(taken);
            pace.committed(requests, begun.elapsed());

            waiting.extend(queue.try_iter());
            share = pace.share(waiting.len() + requests);
            if waiting.len() < share {
                let answered = Instant::now();
                self.answering.wait();
                if waiting.is_empty() {
                    pace.decided(requests, answered.elapsed());
                }
            }
        }
        self.answering.wait();
    }

    /// Closes the files. Must be called when nobody reads any more.
    pub(super) fn end(&mut self) {
        self.session.end();
    }

    fn serve(&mut self, requests: Vec<Request>) {
        let mut jobs = Vec::with_capacity(requests.len());
        let mut flushes = Vec::new();
        for request in requests {
            match request {
                Request::Job(job) => jobs.push(job),
                Request::Flush(reply) => flushes.push(reply),
            }
        }
        if !jobs.is_empty() {
            self.work(jobs);
        }
        for reply in flushes {
            let _ = reply.send(self.session.flush());
        }
    }

    /// Does all of `jobs` in one transaction. If that fails, their halves are tried, so that no job fails because of the
    /// size or the content of another.
    fn work(&mut self, jobs: Vec<Job>) {
        let mut failures = Failures::default();
        let mut left = vec![jobs];
        while let Some(mut jobs) = left.pop() {
            match self.session.transact(&mut jobs) {
                Ok(answers) => {
                    self.meter
                        .committed(answers.iter().map(Answer::appends).sum());
                    self.answering
                        .answer(jobs.into_iter().zip(answers).collect());
                }
                Err(AppendError::NotWritten(error))
                    if jobs.len() > 1 && self.session.may_be_of_one_job(&error) =>
                {
                    left.push(jobs.split_off(jobs.len() / 2));
                    left.push(jobs);
                }
                Err(error) => {
                    failures.add(jobs.len(), &error);
                    jobs.into_iter().for_each(|job| job.fail(&error));
                }
            }
        }
        failures.log();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::{Arc, mpsc};
    use std::thread;
    use std::time::Duration;

    use futures::FutureExt;
    use rusqlite::{Connection, Error};
    use seriatim_core::{
        Append, AppendOutcome, EventStore, LogPartition, Position, Sequence, StoreErrorKind, Write,
    };
    use seriatim_store_sql::Call;
    use seriatim_testkit::conformance::{append, events, new_stream};
    use seriatim_testkit::until;
    use tokio::sync::watch;

    use super::*;
    use crate::SqliteStore;
    use crate::append::writer::Writer;
    use crate::opening::connection;
    use crate::opening::damage::Damage;
    use crate::opening::files::Files;

    fn one_event() -> Vec<Append> {
        vec![append(&new_stream(), None, events(1))]
    }

    #[tokio::test]
    async fn a_lock_that_is_not_released_is_an_error_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locked.db");
        let store = SqliteStore::open_file(&path).await.unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let (one, two) = tokio::join!(store.append(one_event()), store.append(one_event()));
        for outcome in [one, two] {
            let Err(AppendError::NotWritten(error)) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(error.kind, StoreErrorKind::Unavailable);
        }
        assert_eq!(
            store.head(LogPartition::FIRST).await.unwrap(),
            Position::START
        );
        other.execute_batch("ROLLBACK").unwrap();
        store.append(one_event()).await.unwrap();
        assert_eq!(store.head(LogPartition::FIRST).await.unwrap(), Position(1));
    }

    /// As an opening that fails half-way leaves them.
    #[test]
    fn a_writer_that_nobody_came_to_use_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shared.db");
        let (ended, is_over) = mpsc::channel();
        thread::spawn(move || {
            let (connection, ..) = connection::open(&path).unwrap();
            let (files, damage) = (Files::of(&path), Damage::none_yet(path));
            let started = Writer::start(connection, files, damage, true, watch::Sender::default());
            let (writer, still_reading) = started.unwrap();
            drop((still_reading, writer));
            ended.send(()).unwrap();
        });
        is_over.recv_timeout(Duration::from_secs(60)).unwrap();
    }

    /// A call that never reached the thread has certainly written nothing.
    #[tokio::test]
    async fn nothing_is_unknown_of_a_call_that_finds_no_thread() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open_file(&folder.path().join("ended.db")).await;
        let store = store.unwrap();
        let broken = store.writer().change("break", |_| -> Result<(), Error> {
            panic!("the thread ends by this")
        });
        broken.await.unwrap_err();
        // The panic ends the thread a moment after the answer.
        let unsent = async || {
            matches!(
                store.append(one_event()).await,
                Err(AppendError::NotWritten(error)) if error.kind == StoreErrorKind::Unavailable
            )
        };
        until("the thread has ended", unsent).await;
    }

    /// What another process has written is found out by the key, and the transaction is tried once more.
    #[tokio::test]
    async fn only_a_stream_that_has_events_is_no_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shared.db");
        let other = SqliteStore::open_file(&path).await.unwrap();
        let mut thread = thread_on(&path);
        for _ in 0..3 {
            let theirs = new_stream();
            let append_theirs = || vec![append(&theirs, None, events(1))];
            other.append(append_theirs()).await.unwrap();
            let calls = (0..64).map(|n| match n == 31 {
                true => append_theirs(),
                false => one_event(),
            });
            for (n, answer) in work(&mut thread, calls).into_iter().enumerate() {
                let is_conflict = matches!(
                    answer.unwrap()[..],
                    [AppendOutcome::Conflict {
                        part: 0,
                        current: Some(Sequence(0))
                    }]
                );
                assert_eq!(is_conflict, n == 31);
            }
        }
        let head = other.head(LogPartition::FIRST).await.unwrap();
        assert_eq!(head, Position(3 * 64));
    }

    fn thread_on(path: &Path) -> Thread {
        let (connection, ..) = connection::open(path).unwrap();
        let (files, damage) = (Files::of(path), Damage::none_yet(path.to_owned()));
        let head = watch::Sender::default();
        Thread::new(Session::new(connection, files, damage, true, head), None)
    }

    /// Does the calls in one transaction, if none is refused.
    fn work(
        thread: &mut Thread,
        calls: impl Iterator<Item = Vec<Append>>,
    ) -> Vec<Result<Vec<AppendOutcome>, AppendError>> {
        let (calls, answers): (Vec<_>, Vec<_>) = calls.map(Call::new).unzip();
        thread.work(calls.into_iter().map(Job::Append).collect());
        let answers = answers.into_iter();
        answers
            .map(|answer| answer.get().now_or_never().unwrap())
            .collect()
    }

    #[test]
    fn a_call_that_fails_takes_none_down_that_shared_its_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shared.db");
        let mut thread = thread_on(&path);
        // Stands for anything that only one of the calls runs into.
        thread
            .session
            .connection
            .execute_batch(
                "CREATE TRIGGER refuse BEFORE INSERT ON seriatim_events WHEN new.type = 'Refused'
                 BEGIN SELECT raise(ABORT, 'not this one'); END",
            )
            .unwrap();
        let refused = || {
            let mut batch = one_event();
            batch.extend(one_event());
            let Write::Events { events, .. } = &mut batch[1].write else {
                unreachable!("it is made of events");
            };
            Arc::get_mut(events).unwrap()[0].payload.type_name = "Refused".into();
            batch
        };
        // The refused one stands in each place once.
        for place in [0, 31, 63] {
            let calls = (0..64).map(|n| match n == place {
                true => refused(),
                false => one_event(),
            });
            for (n, answer) in work(&mut thread, calls).into_iter().enumerate() {
                assert_eq!(answer.is_ok(), n != place, "{answer:?}");
            }
        }
        let head = "SELECT position, (SELECT count(*) FROM seriatim_events),
                    (SELECT count(*) FROM seriatim_events WHERE sequence = 0) FROM seriatim_log_head";
        let counts = thread
            .session
            .connection
            .query_row(head, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        assert_eq!(
            counts,
            Ok((189, 189, 189)),
            "nothing of the refused one is there"
        );
    }
}
