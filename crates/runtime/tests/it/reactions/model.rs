//! Checks that in the end each stream was handled in order, and that nothing is missing but what was skipped, whatever
//! fails, is parked, retried, skipped, paused, resumed, restarted or dropped in the middle.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use seriatim_core::{
    Component, EventFilter, LetterFilter, LetterSource, LetterStatus, Log, Progress,
    ReactionLetter, Sequence, Store, StreamId, Verb,
};
use seriatim_runtime::{
    AtLeastOnce, BackOff, Enrolled, FailurePolicy, Feed, ReactionSettings, Reactions, Then,
};
use seriatim_testkit::PATIENCE;

use super::desk;
use super::tally::{Does, NAME, Tally};
use crate::support::{all_kinds, append, stream};

const STREAMS: usize = 4;

#[derive(Clone, Debug)]
enum Action {
    /// Appends events of these types to a stream.
    Append(usize, Vec<Kind>),
    RetryAll,
    Decide(Verb, Index),
    Resume,
    Restart,
    /// Drops the tasks wherever they are.
    Crash,
    Wait(u64),
}

/// The number of times that the component fails on an event before it handles it.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Good,
    Fails(u32),
    /// An event of a type that may be skipped.
    Optional(u32),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        5 => Just(Kind::Good),
        3 => (1_u32..9).prop_map(Kind::Fails),
        1 => (1_u32..9).prop_map(Kind::Optional),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let kinds = prop::collection::vec(kind(), 1..5);
    prop_oneof![
        6 => (0..STREAMS, kinds).prop_map(|(stream, kinds)| Action::Append(stream, kinds)),
        2 => Just(Action::RetryAll),
        2 => any::<Index>().prop_map(|index| Action::Decide(Verb::Resubmit, index)),
        2 => any::<Index>().prop_map(|index| Action::Decide(Verb::Discard, index)),
        2 => Just(Action::Resume),
        1 => Just(Action::Restart),
        2 => Just(Action::Crash),
        4 => (0_u64..8).prop_map(Action::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        max_shrink_iters: 50,
        ..ProptestConfig::with_cases(40)
    })]

    #[test]
    fn every_stream_is_handled_in_order_whatever_happens(
        actions in prop::collection::vec(action(), 5..40),
        then in prop_oneof![3 => Just(Then::Park), 1 => Just(Then::Pause)],
        retries in 0_u32..3,
    ) {
        let policy = FailurePolicy {
            back_off: BackOff {
                first: Duration::from_millis(1),
                longest: Duration::from_millis(2),
                retries,
            },
            skip: vec!["Optional".into()],
            then,
        };
        let builder = || tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        builder().block_on(async {
            for storage in all_kinds().await {
                run(&storage.store, &actions, &policy).await;
            }
        });
    }
}

/// The number of times that the component will still fail on an event.
type Failures = Arc<Mutex<HashMap<(StreamId, Sequence), u32>>>;

struct Model {
    store: Arc<dyn Store>,
    policy: FailurePolicy,
    tally: Tally,
    failures: Failures,
    lengths: [u32; STREAMS],
    running: Running,
}

/// A process. Everything that it starts ends with its runtime.
struct Running {
    reactions: Option<Reactions>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Running {
    fn start(store: &Arc<dyn Store>, policy: &FailurePolicy, tally: &Tally) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let _inside = runtime.enter();
        let reaction = AtLeastOnce::new(
            Component::new(NAME).unwrap(),
            EventFilter::default(),
            Arc::clone(store) as _,
            tally.clone(),
        );
        let component = Enrolled {
            policy: policy.clone(),
            ..Enrolled::new(Arc::new(reaction))
        };
        let settings = ReactionSettings {
            owner: "it".into(),
            lease: Duration::from_millis(15),
            ..ReactionSettings::default()
        };
        let feed = Feed::new(Log::as_stored(Arc::clone(store) as _));
        Self {
            reactions: Some(Reactions::start(&feed, vec![component], &settings)),
            runtime: Some(runtime),
        }
    }

    fn reactions(&self) -> &Reactions {
        self.reactions.as_ref().expect("it runs")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its work is not released.
        std::mem::forget(self.reactions.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn run(store: &Arc<dyn Store>, actions: &[Action], policy: &FailurePolicy) {
    let failures = Failures::default();
    let plan = Arc::clone(&failures);
    let tally = Tally::that(move |event| {
        let place = (event.stream.clone(), event.sequence);
        match plan.lock().unwrap().get_mut(&place) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Does::Fails
            }
            _ => Does::Notes,
        }
    });
    let mut model = Model {
        store: Arc::clone(store),
        policy: policy.clone(),
        running: Running::start(store, policy, &tally),
        tally,
        failures,
        lengths: [0; STREAMS],
    };
    for action in actions {
        model.act(action).await;
    }
    model.settle().await;
    model.check().await;
}

impl Model {
    async fn act(&mut self, action: &Action) {
        let name = Component::new(NAME).unwrap();
        match action {
            Action::Append(root, kinds) => self.append(*root, kinds).await,
            Action::RetryAll => {
                desk::resubmit_all(self.running.reactions()).await;
            }
            Action::Decide(verb, index) => self.decide(*verb, *index).await,
            Action::Resume => {
                self.running.reactions().resume(&name).await.unwrap();
            }
            Action::Restart => {
                self.running.reactions().shutdown().await;
                self.start();
            }
            Action::Crash => self.start(),
            Action::Wait(millis) => tokio::time::sleep(Duration::from_millis(*millis)).await,
        }
    }

    fn start(&mut self) {
        self.running = Running::start(&self.store, &self.policy, &self.tally);
    }

    async fn append(&mut self, root: usize, kinds: &[Kind]) {
        let id = stream("order", root as u128);
        let mut types = Vec::new();
        for (kind, sequence) in kinds.iter().zip(self.lengths[root]..) {
            let (name, failures) = match kind {
                Kind::Good => ("Noted", 0),
                Kind::Fails(failures) => ("Noted", *failures),
                Kind::Optional(failures) => ("Optional", *failures),
            };
            types.push(name);
            let place = (id.clone(), Sequence(sequence));
            self.failures.lock().unwrap().insert(place, failures);
        }
        append(&*self.store, &id, self.lengths[root], &types).await;
        self.lengths[root] += u32::try_from(types.len()).unwrap();
    }

    async fn decide(&self, verb: Verb, index: Index) {
        let reactions = self.running.reactions();
        let parked = desk::letters(reactions, LetterStatus::Parked).await;
        if parked.is_empty() {
            return;
        }
        // The letter may have been closed since.
        let _ = reactions
            .decide(&desk::decision(verb, index.get(&parked)))
            .await;
    }

    /// Waits until everything is handled.
    async fn settle(&mut self) {
        let name = Component::new(NAME).unwrap();
        let reactions = self.running.reactions();
        let settled = async {
            loop {
                let progress = reactions.progress().await.unwrap();
                let partitions = usize::from(self.store.partitions().get());
                let is_done = |progress: &Progress| {
                    progress.lag() == 0
                        && progress.parked == 0
                        && progress.checkpoint.paused.is_none()
                };
                if progress.len() == partitions && progress.iter().all(is_done) {
                    return;
                }
                desk::resubmit_all(reactions).await;
                reactions.resume(&name).await.unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let settled = tokio::time::timeout(PATIENCE, settled).await;
        assert!(settled.is_ok(), "{reactions:?}");
        reactions.shutdown().await;
    }

    async fn check(&self) {
        let (mut skipped, mut closed) = (BTreeMap::<_, BTreeSet<u32>>::new(), BTreeSet::new());
        let every = LetterFilter {
            component: Some(Component::new(NAME).unwrap()),
            ..LetterFilter::default()
        };
        let all = self.store.reaction_letters(&every, usize::MAX).await;
        let is_closed = |letter: &ReactionLetter| letter.closed_at.is_some();
        for letter in all.unwrap().into_iter().filter(is_closed) {
            let place = (letter.stream.clone(), letter.sequence.0);
            assert!(closed.insert(place), "closed twice");
            if letter.status == LetterStatus::Discarded {
                let of_stream = skipped.entry(letter.stream).or_default();
                of_stream.insert(letter.sequence.0);
            }
        }
        for (root, length) in self.lengths.iter().enumerate() {
            let id = stream("order", root as u128);
            let skipped = skipped.remove(&id).unwrap_or_default();
            let expected: Vec<_> = (0..*length).filter(|at| !skipped.contains(at)).collect();
            let of_it = self.tally.seen().into_iter().filter(|(of, _)| *of == id);
            let seen: Vec<_> = of_it.map(|(_, sequence)| sequence.0).collect();
            assert_in_order(&seen, &expected);
        }
    }
}

/// Fails unless all expected events were seen in order. After a crash some may come again, from some event on.
pub(super) fn assert_in_order(seen: &[u32], expected: &[u32]) {
    let mut next = 0;
    for sequence in seen {
        let place = expected.binary_search(sequence);
        let place = place.unwrap_or_else(|_| panic!("{sequence} was skipped: {seen:?}"));
        assert!(
            place <= next,
            "{sequence} has overtaken: {seen:?} {expected:?}"
        );
        next = place + 1;
    }
    assert_eq!(next, expected.len(), "{seen:?} {expected:?}");
}
