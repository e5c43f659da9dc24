//! All components of a process: their pieces of work, each on a task of its own.

use std::fmt;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use seriatim_core::{
    Begin, EventFilter, LONGEST_LEASE, Log, LogPartition, Owner, Position, Reaction, Share, Work,
};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::host_process::HostProcess;
use super::piece::Piece;
use super::policy::FailurePolicy;
use super::rota::{Call, Rota};
use super::status::{PieceState, PieceStatus};
use crate::Feed;

/// How long an owner that is silent keeps its work.
const LEASE: Duration = Duration::from_secs(10);

/// How many effects may follow one another.
const DEEPEST: u32 = 128;

/// The shortest lease there is: a third of it is the period of a timer, which cannot be nothing.
const SHORTEST_LEASE: Duration = Duration::from_millis(3);

/// A component, and how it is to be run.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// What it does.
    pub reaction: Arc<dyn Reaction>,
    /// Into how many shares its work is cut, in each partition of the log: as many processes can work for it at once, and
    /// each gets its fair part. A multiple of how many there will be spreads most evenly. To be chosen once: with another
    /// number its progress is another.
    pub shares: NonZero<u16>,
    /// What becomes of an event that it fails on.
    pub policy: FailurePolicy,
    /// Where it begins. That is decided once, for all of its work, when the first of it is taken in any process; what is
    /// said here later is not looked at.
    pub begin: Begin,
    /// The filter that it had before, if what that has passed over is to be left out though today's lets it through. It
    /// counts only while a checkpoint stands for that filter, so it may be said longer than that.
    pub widened_from: Option<EventFilter>,
}

impl Enrolled {
    /// As one piece of work in each partition, with the default policy, from the first event on.
    pub fn new(reaction: Arc<dyn Reaction>) -> Self {
        Self {
            reaction,
            shares: NonZero::<u16>::MIN,
            policy: FailurePolicy::default(),
            begin: Begin::AtTheFirst,
            widened_from: None,
        }
    }
}

/// How components are run in this process.
#[derive(Clone, Debug)]
pub struct ReactionSettings {
    /// What other processes call this one, for people.
    pub owner: String,
    /// How long work stays with this process after it has fallen silent: the time until another takes over, and the
    /// longest that its clock may run slower than that of the storage. Prolonged at a third of it. Timers that ring here
    /// ring elsewhere after that time too, if they were not acted upon.
    /// Where it can be seen that this process has ended, on the same host, others need not wait for it.
    /// Less than 3 ms counts as 3 ms, and more than five minutes as five minutes ([`LONGEST_LEASE`]).
    pub lease: Duration,
    /// How many effects may follow one another, each because of the one before, until sagas or process managers are taken
    /// to answer one another for ever. What would go deeper is a failure of its event, which names the last of them. What
    /// a sender writes or a timer sets off begins anew. Default 128.
    pub deepest: u32,
}

impl Default for ReactionSettings {
    fn default() -> Self {
        Self {
            owner: format!("process {}", std::process::id()),
            lease: LEASE,
            deepest: DEEPEST,
        }
    }
}

/// The components that run in this process. Dropped, they end by themselves after the step they are at; see
/// [`Reactions::shutdown`].
pub struct Reactions {
    pub(crate) feed: Feed,
    enrolled: Vec<Arc<dyn Reaction>>,
    /// To be rung when a person has decided something about the work.
    pub(super) bells: Vec<(Work, Arc<Notify>)>,
    pieces: Vec<watch::Receiver<PieceStatus>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

impl fmt::Debug for Reactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactions")
            .field("pieces", &self.status())
            .finish_non_exhaustive()
    }
}

impl Reactions {
    /// Begins to feed components with the log. Must be called on a Tokio runtime.
    pub fn start(feed: &Feed, components: Vec<Enrolled>, settings: &ReactionSettings) -> Self {
        let (stop, stopping) = watch::channel(false);
        let mut reactions = Self {
            feed: feed.clone(),
            enrolled: Vec::new(),
            bells: Vec::new(),
            pieces: Vec::new(),
            tasks: Mutex::default(),
            stop,
        };
        let me = Owner {
            process: HostProcess::this().map(|process| process.to_string().into()),
            ..Owner::new(&settings.owner)
        };
        let lease = settings.lease.clamp(SHORTEST_LEASE, LONGEST_LEASE);
        for enrolled in components {
            let rota = Rota {
                reaction: Arc::clone(&enrolled.reaction),
                me: me.clone(),
                lease,
                back_off: enrolled.policy.back_off,
                pieces: Vec::new(),
                bell: Arc::default(),
                stop: stopping.clone(),
            };
            reactions.run(enrolled, rota, settings.deepest);
        }
        reactions
    }

    /// Runs a component: its pieces, and the rota that calls them.
    fn run(&mut self, enrolled: Enrolled, mut rota: Rota, deepest: u32) {
        let mut tasks = Vec::new();
        for work in works(&enrolled, self.feed.partitions()) {
            let (status, watched) = watch::channel(PieceStatus {
                work: work.clone(),
                state: PieceState::StandingBy { owner: None },
                position: Position::START,
                parked: 0,
            });
            self.pieces.push(watched);
            let bell = Arc::<Notify>::default();
            self.bells.push((work.clone(), Arc::clone(&bell)));
            let (caller, call) = watch::channel(Call::Wait(None));
            rota.pieces.push((work.clone(), caller));
            let piece = Piece {
                reaction: Arc::clone(&enrolled.reaction),
                work,
                feed: self.feed.clone(),
                owner: rota.me.clone(),
                lease: rota.lease,
                deepest,
                policy: enrolled.policy.clone(),
                begin: enrolled.begin.clone(),
                widened_from: enrolled.widened_from.clone(),
                status,
                bell,
                call,
                rota: Arc::clone(&rota.bell),
                stop: rota.stop.clone(),
            };
            tasks.push(tokio::spawn(piece.run()));
        }
        tasks.push(tokio::spawn(rota.run()));
        self.enrolled.push(enrolled.reaction);
        let all = self.tasks.get_mut();
        all.unwrap_or_else(PoisonError::into_inner).extend(tasks);
    }

    /// How each piece of work is getting on in this process.
    pub fn status(&self) -> Vec<PieceStatus> {
        let pieces = self.pieces.iter();
        pieces.map(|piece| piece.borrow().clone()).collect()
    }

    /// What they are fed with.
    pub(crate) fn log(&self) -> &Log {
        self.feed.log()
    }

    /// The components that run here.
    pub(crate) fn enrolled(&self) -> &[Arc<dyn Reaction>] {
        &self.enrolled
    }

    /// To be told of each change of a piece of work, in the order of [`Reactions::status`].
    pub fn watch(&self) -> Vec<watch::Receiver<PieceStatus>> {
        self.pieces.clone()
    }

    /// Lets every piece of work finish the step it is at, releases it, and returns. May be called more than once.
    ///
    /// A step takes as long as its component does: give it a time limit if the end of the program must not wait.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            // It fails only if the runtime ends first; a component that panics is fenced.
            let _ = task.await;
        }
    }
}

/// All pieces of its work.
pub(super) fn works(enrolled: &Enrolled, partitions: NonZero<u16>) -> impl Iterator<Item = Work> {
    let component = enrolled.reaction.component().clone();
    LogPartition::all(partitions).flat_map(move |partition| {
        let component = component.clone();
        Share::all(enrolled.shares).map(move |share| Work {
            component: component.clone(),
            partition,
            share,
        })
    })
}
