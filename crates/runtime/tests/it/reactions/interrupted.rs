//! Interrupts the loop at each point where it waits: the store fails there, or the process dies there.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use seriatim_core::{
    CheckpointStore, Component, EventFilter, LetterDecision, LetterFilter, LetterStatus, Log,
    LogPartition, Position, ReactionLetter, RecordedEvent, Sequence, Timestamp, Verb,
};
use seriatim_runtime::{
    AtLeastOnce, Enrolled, FailurePolicy, Feed, Projector, ReactionSettings, Reactions,
};
use seriatim_store_memory::MemoryStore;
use seriatim_testkit::PATIENCE;
use seriatim_testkit::faults::{FaultyStore, Interruption};

use super::model::assert_in_order;
use super::tally::{Does, IMPATIENT, Tally, until};
use crate::support::{append, fill, stream};

/// Every point at which the loop waits for anything but the clock. Add each new point here.
const POINTS: [&str; 19] = [
    "advance a checkpoint",
    "decide where a component begins",
    "handle events",
    "list the checkpoints",
    "list the parked streams",
    "list who does the work",
    "look for a pause",
    "look what the checkpoints speak of",
    "look where a component begins",
    "park a stream",
    "park a stream again",
    "pause a piece of work",
    "read a stream",
    "read the log",
    "record the scope of a checkpoint",
    "release a piece of work",
    "renew a lease",
    "skip an event",
    "take a piece of work",
];

/// The wait that may return at any time without harm to the loop.
const WAITING: &str = "wait for the log";

/// The number of times that each point is interrupted, each at another moment.
const TIMES: usize = 3;

/// A tally whose work can be interrupted too.
struct Interruptible(FaultyStore, Tally);

impl Projector for Interruptible {
    async fn project(&self, events: &[&RecordedEvent]) -> Result<(), Box<dyn Error + Send + Sync>> {
        let work = async { Ok(self.1.project(events).await) };
        self.0.call("handle events", work).await?
    }
}

/// A process with two components. It dies with its runtime.
struct Process {
    reactions: Option<Reactions>,
    runtime: Option<tokio::runtime::Runtime>,
}

struct Stage {
    plain: MemoryStore,
    faulty: FaultyStore,
    healed: Arc<AtomicBool>,
    parking: Tally,
    pausing: Tally,
}

/// Makes the stage. Stream 1 fails at its second event until it is healed; the failing event of stream 2 may be
/// skipped, and that of stream 3 fails for ever. For the second component only stream 1 fails.
fn stage() -> Stage {
    let plain = MemoryStore::new();
    let healed = Arc::new(AtomicBool::new(false));
    let fails = |always: &'static [u128]| {
        let healed = Arc::clone(&healed);
        Tally::that(move |event| {
            let of = |root: &u128| event.stream == stream("order", *root);
            let is_bad = event.sequence == Sequence(1)
                && (always.iter().any(of) || (of(&1) && !healed.load(Ordering::Relaxed)));
            if is_bad { Does::Fails } else { Does::Notes }
        })
    };
    Stage {
        faulty: FaultyStore::new(Arc::new(plain.clone())),
        parking: fails(&[2, 3]),
        pausing: fails(&[]),
        healed,
        plain,
    }
}

impl Stage {
    async fn fill(&self) {
        fill(&self.plain, 4, 1).await;
        for root in 0..4 {
            let second = if root == 2 { "Optional" } else { "Noted" };
            append(&self.plain, &stream("order", root), 1, &[second, "Noted"]).await;
        }
    }

    fn start(&self) -> Process {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let _inside = runtime.enter();
        let component = |name: &str, tally: &Tally, policy: FailurePolicy| {
            let reaction = AtLeastOnce::new(
                Component::new(name).unwrap(),
                EventFilter::default(),
                Arc::new(self.faulty.clone()),
                Interruptible(self.faulty.clone(), tally.clone()),
            );
            Enrolled {
                policy: FailurePolicy {
                    back_off: IMPATIENT,
                    skip: vec!["Optional".into()],
                    ..policy
                },
                ..Enrolled::new(Arc::new(reaction))
            }
        };
        let components = vec![
            component("parking", &self.parking, FailurePolicy::park()),
            component("pausing", &self.pausing, FailurePolicy::pause()),
        ];
        let settings = ReactionSettings {
            owner: "it".into(),
            lease: Duration::from_millis(60),
            ..ReactionSettings::default()
        };
        let feed = Feed::new(Log::as_stored(Arc::new(self.faulty.clone())));
        Process {
            reactions: Some(Reactions::start(&feed, components, &settings)),
            runtime: Some(runtime),
        }
    }

    /// Decides as a person would now. Returns true if nothing is left to do.
    async fn decide(&self) -> bool {
        let parked = self.plain.parked(None).await.unwrap();
        let at = |root: u128| {
            let of_it = |parked: &&ReactionLetter| parked.stream == stream("order", root);
            parked.iter().find(of_it)
        };
        if !self.healed.load(Ordering::Relaxed) {
            let (Some(one), Some(three)) = (at(1), at(3)) else {
                return false;
            };
            // Until an event is given up it is tried again, and then nobody has decided about it.
            if one.decision.is_some() || three.decision.is_some() {
                return false;
            }
            match one.attempts.is_empty() {
                // This try fails.
                true => self.wish(one, Verb::Resubmit).await,
                false => {
                    self.healed.store(true, Ordering::Relaxed);
                    self.wish(one, Verb::Resubmit).await;
                    self.wish(three, Verb::Discard).await;
                }
            }
            return false;
        }
        let checkpoints = self.plain.checkpoints(None).await.unwrap();
        for checkpoint in &checkpoints {
            if checkpoint.paused.is_some() {
                self.plain.resume(&checkpoint.work).await.unwrap();
            }
        }
        let is_done = |position| position == Position(12);
        parked.is_empty()
            && checkpoints.len() == 2
            && (checkpoints.iter()).all(|one| one.paused.is_none() && is_done(one.at.position))
    }

    async fn wish(&self, parked: &ReactionLetter, verb: Verb) {
        let wish = LetterDecision {
            verb,
            actor: None,
            reason: None,
            at: Timestamp::now(),
        };
        let (work, stream) = (&parked.work, &parked.stream);
        let noted = self.plain.decide(work, stream, parked.sequence, &wish);
        noted.await.unwrap();
    }

    /// Runs until all is done and the process has ended. If it dies, it is started again.
    async fn run(&self, dies: bool) {
        self.fill().await;
        let begin = Instant::now();
        let mut process = self.start();
        let mut has_died = false;
        while !self.decide().await {
            if dies && !has_died && self.faulty.was_interrupted() {
                // The old process is gone before the new one begins.
                drop(process);
                process = self.start();
                has_died = true;
            }
            assert!(begin.elapsed() < PATIENCE, "{:?}", process.reactions);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let reactions = process.reactions.as_ref().unwrap();
        tokio::select! {
            () = reactions.shutdown() => {}
            () = until("it died at the end", || dies && self.faulty.was_interrupted()) => {}
        }
    }

    async fn check(&self) {
        let head = seriatim_core::EventStore::head(&self.plain, LogPartition::FIRST).await;
        assert_eq!(head.unwrap(), Position(12));
        let discarded = LetterFilter {
            component: Some(Component::new("parking").unwrap()),
            status: Some(LetterStatus::Discarded),
            ..LetterFilter::default()
        };
        let skipped = self.plain.reaction_letters(&discarded, 9).await;
        let skipped = skipped.unwrap();
        let skipped = skipped.iter().map(|one| (&one.stream, one.sequence.0));
        let skipped = BTreeSet::from_iter(skipped);
        let expected = [(stream("order", 2), 1), (stream("order", 3), 1)];
        let expected = expected
            .iter()
            .map(|(stream, sequence)| (stream, *sequence));
        assert_eq!(skipped, BTreeSet::from_iter(expected));
        for (tally, all) in [
            (&self.parking, [true, true, false, false]),
            (&self.pausing, [true; 4]),
        ] {
            for (root, all) in (0..).zip(all) {
                let id = stream("order", root);
                let seen = tally.seen().into_iter().filter(|(of, _)| *of == id);
                let seen: Vec<_> = seen.map(|(_, sequence)| sequence.0).collect();
                let expected: &[u32] = if all { &[0, 1, 2] } else { &[0, 2] };
                assert_in_order(&seen, expected);
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its work is not released.
        std::mem::forget(self.reactions.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn interrupted(action: &'static str, nth: usize, how: Interruption) -> bool {
    let stage = stage();
    stage.faulty.interrupt(action, nth, how);
    let dies = matches!(how, Interruption::DiesBefore | Interruption::DiesAfter);
    stage.run(dies).await;
    stage.check().await;
    stage.faulty.was_interrupted()
}

#[tokio::test]
async fn every_point_at_which_the_loop_waits_is_known() {
    let stage = stage();
    stage.run(false).await;
    stage.check().await;
    let mut points = BTreeSet::from(POINTS);
    points.insert(WAITING);
    let waited: BTreeSet<_> = stage.faulty.calls().into_keys().collect();
    assert_eq!(waited, points);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn wherever_it_is_broken_off_nothing_is_lost_or_overtaken() {
    let mut runs = tokio::task::JoinSet::new();
    for action in POINTS {
        for nth in 1..=TIMES {
            for how in Interruption::ALL {
                while runs.len() >= 8 {
                    runs.join_next().await.unwrap().unwrap();
                }
                runs.spawn(async move {
                    println!("begin: {action}, {nth}, {how:?}");
                    let reached = interrupted(action, nth, how).await;
                    println!("end: {action}, {nth}, {how:?}");
                    // The number of later calls depends on the clock.
                    assert!(reached || nth > 1, "{action} was never reached");
                });
            }
        }
    }
    while let Some(run) = runs.join_next().await {
        run.unwrap();
    }
}

#[tokio::test]
async fn who_is_woken_in_vain_and_too_early_sees_everything_once() {
    let stage = stage();
    stage.faulty.wake_in_vain();
    stage.healed.store(true, Ordering::Relaxed);
    fill(&stage.plain, 1, 5).await;
    let process = stage.start();
    until("they are seen", || stage.pausing.count() == 5).await;
    for before in 5..20 {
        append(&stage.plain, &stream("order", 0), before, &["Noted"]).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    until("all are seen", || stage.pausing.count() == 20).await;
    until("all are seen", || stage.parking.count() == 20).await;
    process.reactions.as_ref().unwrap().shutdown().await;
    stage.pausing.assert_exactly(1, 20);
    stage.parking.assert_exactly(1, 20);
}
