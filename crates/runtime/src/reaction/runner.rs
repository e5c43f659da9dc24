//! Runs all components of a process: each piece of their work has a task of its own.

use std::fmt;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use seriatim_core::{
    Begin, Component, EventFilter, LONGEST_LEASE, Log, LogPartition, Owner, Position, Reaction,
    Share, Work,
};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior};

use super::host_process::HostProcess;
use super::piece::Piece;
use super::policy::FailurePolicy;
use super::rota::{Call, Rota};
use super::status::{PieceState, PieceStatus};
use crate::Feed;

/// The time for which an owner that does not respond keeps its work.
const LEASE: Duration = Duration::from_secs(10);

/// The number of effects that may follow one another.
const DEEPEST: u32 = 128;

/// The shortest lease: a third of it is the period of a timer, which cannot be zero.
const SHORTEST_LEASE: Duration = Duration::from_millis(3);

/// A component, and the settings that it runs with.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// The component.
    pub reaction: Arc<dyn Reaction>,
    /// The number of shares that its work is cut into, in each partition of the log. As many processes can work for it
    /// at once, and each gets its fair part. A multiple of the number of processes spreads the work most evenly. Choose
    /// the number once: the progress belongs to it, and another number begins without any.
    pub shares: NonZero<u16>,
    /// The policy for events that it fails on.
    pub policy: FailurePolicy,
    /// The place at which it begins. It is decided once for all of its work, when a process takes the first piece;
    /// later settings are ignored.
    pub begin: Begin,
    /// Its former filter. If it is set, events that the former filter passed over stay left out although today's lets
    /// them through. It matters only while a checkpoint stands for that filter, so it is harmless to leave it in.
    pub widened_from: Option<EventFilter>,
}

impl Enrolled {
    /// Makes a component with one piece of work in each partition and the default policy. It begins at the first event.
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

/// The settings of all components in this process.
#[derive(Clone, Debug)]
pub struct ReactionSettings {
    /// The name of this process, for people.
    pub owner: String,
    /// The time for which work stays with this process after it has stopped responding. Another process takes over
    /// after that time, and the clock of this process may run slower than that of the storage by at most as much. The
    /// lease is extended at a third of it. Timers that ring here and are not acted upon ring elsewhere after that time
    /// too. Other processes on the same host need not wait for it if they can see that this process has ended. Less
    /// than 3 ms counts as 3 ms, and more than five minutes as five minutes ([`LONGEST_LEASE`]).
    pub lease: Duration,
    /// The number of effects that may follow one another, each because of the one before. If there are more, sagas or
    /// process managers count as answering one another for ever: a deeper effect is a failure of its event, and the
    /// error names the last of them. The count begins again at an event that a sender writes or a timer causes. The
    /// default is 128.
    pub deepest: u32,
}

impl ReactionSettings {
    /// Returns the lease that is in force.
    pub fn bounded_lease(&self) -> Duration {
        self.lease.clamp(SHORTEST_LEASE, LONGEST_LEASE)
    }
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

/// The components that run in this process. Dropping it ends them after their current step; see
/// [`Reactions::shutdown`].
pub struct Reactions {
    pub(crate) feed: Feed,
    enrolled: Vec<Arc<dyn Reaction>>,
    /// Rung when a person has decided something about the work.
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
    /// Begins to feed components with the log. It must be called on a Tokio runtime.
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
        let process = HostProcess::this();
        let me = Owner {
            process: (process.as_ref()).map(|process| process.to_string().into()),
            ..Owner::new(&settings.owner)
        };
        for enrolled in components {
            let rota = Rota {
                reaction: Arc::clone(&enrolled.reaction),
                me: me.clone(),
                process: process.clone(),
                lease: settings.bounded_lease(),
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
                heartbeat: heartbeat(rota.lease),
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

    /// Returns the state of each piece of work in this process.
    pub fn status(&self) -> Vec<PieceStatus> {
        let pieces = self.pieces.iter();
        pieces.map(|piece| piece.borrow().clone()).collect()
    }

    /// Returns the log that feeds them.
    pub(crate) fn log(&self) -> &Log {
        self.feed.log()
    }

    /// Returns the components that run here.
    pub(crate) fn enrolled(&self) -> &[Arc<dyn Reaction>] {
        &self.enrolled
    }

    /// Returns the components of this process.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.enrolled.iter().map(|reaction| reaction.component())
    }

    /// Returns a receiver for the changes of each piece of work, in the order of [`Reactions::status`].
    pub fn watch(&self) -> Vec<watch::Receiver<PieceStatus>> {
        self.pieces.clone()
    }

    /// Lets every piece of work finish its current step, releases it, and returns. It may be called more than once.
    ///
    /// A step takes as long as its component does: give the component a time limit if the end of the program must not
    /// wait.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            // This fails only if the runtime ends first: a panic of a component is caught.
            let _ = task.await;
        }
    }
}

fn heartbeat(lease: Duration) -> Interval {
    let mut heartbeat = tokio::time::interval(lease / 3);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heartbeat
}

/// Returns all pieces of a component's work.
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
