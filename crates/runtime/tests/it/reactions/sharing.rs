//! Shares the work of one component among several processes.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use seriatim_core::{CheckpointStore, Component, EventFilter, Owner, Sequence, Work};
use seriatim_runtime::{AtLeastOnce, Enrolled, PieceState, Reactions};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::faults::{FaultyStore, Interruption};

use super::tally::{Does, NAME, Tally, checkpoints, is_paused, named, start_with, until};
use crate::support::{append, fill, stream};

const LEASE: Duration = Duration::from_millis(200);
const STREAMS: u128 = 40;

/// A component with a number of shares, and the processes that run it.
struct Stage {
    store: MemoryStore,
    tally: Tally,
    shares: u16,
}

/// One of the processes, and its way to the store.
struct Process {
    reactions: Reactions,
    store: FaultyStore,
}

impl Stage {
    fn new(shares: u16) -> Self {
        Self {
            store: MemoryStore::new(),
            tally: Tally::new(),
            shares,
        }
    }

    fn join(&self, name: &str) -> Process {
        let store = FaultyStore::new(Arc::new(self.store.clone()));
        self.join_through(store, name)
    }

    fn join_through(&self, store: FaultyStore, name: &str) -> Process {
        let reaction = AtLeastOnce::new(
            Component::new(NAME).unwrap(),
            EventFilter::default(),
            Arc::new(store.clone()),
            self.tally.clone(),
        );
        let component = Enrolled {
            shares: NonZero::new(self.shares).unwrap(),
            reaction: Arc::new(reaction),
            ..named(NAME, &self.store, &self.tally)
        };
        Process {
            reactions: start_with(&self.store, name, LEASE, vec![component]),
            store,
        }
    }

    async fn parts(&self) -> BTreeMap<String, usize> {
        let mut parts = BTreeMap::new();
        for checkpoint in checkpoints(&self.store).await {
            let owner = checkpoint.owner.unwrap_or_default();
            *parts.entry(owner).or_default() += 1;
        }
        parts
    }

    /// Waits until the numbers of pieces are these, whichever process has which number.
    async fn shared(&self, expected: &[usize]) {
        let mut parts = BTreeMap::new();
        for _ in 0..60_000 {
            parts = self.parts().await;
            let mut counts = Vec::from_iter(parts.values().copied());
            counts.sort_unstable();
            if counts == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("shared as {parts:?}, not as {expected:?}");
    }

    /// Returns how often pieces were taken so far.
    async fn takings(&self) -> u64 {
        let all = checkpoints(&self.store).await;
        all.iter().map(|checkpoint| checkpoint.epoch).sum()
    }

    /// Appends one more event to each stream, and waits until all are seen.
    async fn one_more_each(&self, before: u32) {
        for root in 0..STREAMS {
            append(&self.store, &stream("order", root), before, &["Noted"]).await;
        }
        let all = STREAMS as usize * (before as usize + 1);
        until("all are seen", || self.tally.count() >= all).await;
    }
}

/// Waits until each process has looked several times.
async fn all_have_looked(processes: &[&Process]) {
    let looks = |process: &&Process| {
        let made = process.store.calls();
        made.get("list who does the work").copied().unwrap_or(0)
    };
    let before = Vec::from_iter(processes.iter().map(looks));
    until("they have looked", || {
        let now = processes.iter().map(looks);
        now.zip(&before).all(|(now, before)| now > before + 5)
    })
    .await;
}

fn count(process: &Process, is: impl Fn(&PieceState) -> bool) -> usize {
    let status = process.reactions.status();
    status.iter().filter(|piece| is(&piece.state)).count()
}

#[tokio::test]
async fn processes_share_the_work_as_they_come_and_go() {
    let stage = Stage::new(8);
    let first = stage.join("first");
    stage.shared(&[8]).await;
    stage.one_more_each(0).await;
    let second = stage.join("second");
    stage.shared(&[4, 4]).await;
    stage.one_more_each(1).await;
    let third = stage.join("third");
    stage.shared(&[2, 3, 3]).await;
    all_have_looked(&[&first, &second, &third]).await;
    let takings = stage.takings().await;
    all_have_looked(&[&first, &second, &third]).await;
    assert_eq!(stage.takings().await, takings, "nothing moves any more");
    stage.one_more_each(2).await;
    first.reactions.shutdown().await;
    stage.shared(&[4, 4]).await;
    stage.one_more_each(3).await;
    second.reactions.shutdown().await;
    stage.shared(&[8]).await;
    stage.one_more_each(4).await;
    third.reactions.shutdown().await;
    // No event was seen twice, because work is let go between two steps.
    stage.tally.assert_exactly(STREAMS as usize, 5);
}

#[tokio::test]
async fn who_stands_by_says_for_whom() {
    let stage = Stage::new(5);
    let (first, second) = (stage.join("first"), stage.join("second"));
    stage.shared(&[2, 3]).await;
    all_have_looked(&[&first, &second]).await;
    for (one, other, name) in [(&first, &second, "second"), (&second, &first, "first")] {
        let theirs = PieceState::StandingBy {
            owner: Some(name.into()),
        };
        let working = |state: &PieceState| *state == PieceState::Working;
        until("each says that the other has the rest", || {
            let stands_by = count(one, |state| *state == theirs);
            stands_by == count(other, working) && stands_by + count(one, working) == 5
        })
        .await;
    }
    first.reactions.shutdown().await;
    second.reactions.shutdown().await;
}

/// In two containers, each may be process 1.
#[tokio::test]
async fn processes_of_one_name_share_too() {
    let stage = Stage::new(4);
    let (first, second) = (stage.join("process 1"), stage.join("process 1"));
    let working = |process: &Process| count(process, |state| *state == PieceState::Working);
    until("they share", || {
        working(&first) == 2 && working(&second) == 2
    })
    .await;
    first.reactions.shutdown().await;
    second.reactions.shutdown().await;
}

#[tokio::test]
async fn a_single_piece_stays_with_who_has_it() {
    let stage = Stage::new(1);
    let first = stage.join("first");
    stage.shared(&[1]).await;
    let second = stage.join("second");
    all_have_looked(&[&first, &second]).await;
    assert_eq!(
        stage.parts().await,
        BTreeMap::from([("first".to_owned(), 1)])
    );
    assert_eq!(stage.takings().await, 1);
    // A process that stands by writes nothing.
    let calls = second.store.calls();
    assert_eq!(Vec::from_iter(calls.keys()), [&"list who does the work"]);
    first.reactions.shutdown().await;
    second.reactions.shutdown().await;
}

#[tokio::test]
async fn what_a_vanished_process_has_asked_for_is_done_by_others() {
    let stage = Stage::new(2);
    let process = stage.join("alone");
    stage.shared(&[2]).await;
    let work: Work = checkpoints(&stage.store).await[0].work.clone();
    let vanished = Owner::new("vanished").id;
    assert!(stage.store.ask(&work, vanished, LEASE).await.unwrap());
    let let_go = |state: &PieceState| *state == PieceState::StandingBy { owner: None };
    until("it is let go", || count(&process, let_go) == 1).await;
    stage.shared(&[2]).await;
    stage.one_more_each(0).await;
    process.reactions.shutdown().await;
    stage.tally.assert_exactly(STREAMS as usize, 1);
}

#[tokio::test]
async fn what_is_paused_is_not_moved() {
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let stage = Stage {
        tally: Tally::that(move |_| match is_broken.load(Ordering::Relaxed) {
            true => Does::Fails,
            false => Does::Notes,
        }),
        ..Stage::new(4)
    };
    fill(&stage.store, STREAMS, 1).await;
    let first = stage.join("first");
    until("all are paused", || {
        first.reactions.status().iter().all(is_paused)
    })
    .await;
    let second = stage.join("second");
    all_have_looked(&[&first, &second]).await;
    stage.shared(&[4]).await;
    broken.store(false, Ordering::Relaxed);
    (first.reactions.resume(&NAME.parse().unwrap()))
        .await
        .unwrap();
    stage.shared(&[2, 2]).await;
    until("all are seen", || stage.tally.count() >= STREAMS as usize).await;
    first.reactions.shutdown().await;
    second.reactions.shutdown().await;
    stage.tally.assert_in_order();
}

/// Requests and takings that fail, or whose answers are lost, only delay the sharing.
#[tokio::test]
async fn they_share_though_the_store_fails_them() {
    for action in [
        "ask for a piece of work",
        "list who does the work",
        "release a piece of work",
        "take a piece of work",
    ] {
        for how in [Interruption::Refused, Interruption::AnswerLost] {
            let stage = Stage::new(4);
            let first = stage.join("first");
            stage.shared(&[4]).await;
            let faulty = FaultyStore::new(Arc::new(stage.store.clone()));
            let one_is_hit = match action {
                "release a piece of work" => &first.store,
                _ => &faulty,
            };
            one_is_hit.interrupt(action, 1, how);
            let second = stage.join_through(faulty.clone(), "second");
            until("it was hit", || one_is_hit.was_interrupted()).await;
            stage.shared(&[2, 2]).await;
            stage.one_more_each(0).await;
            first.reactions.shutdown().await;
            second.reactions.shutdown().await;
            let seen = stage.tally.seen();
            assert!(seen.iter().all(|(_, sequence)| *sequence == Sequence(0)));
            stage.tally.assert_exactly(STREAMS as usize, 1);
        }
    }
}
