//! Runs the commands of one stream one after another, and different streams beside one another.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use foldhash::HashMap;
use seriatim_core::{Aggregate, StreamId};
use uuid::Uuid;

use crate::history::{self, Standing};
use crate::job::Job;
use crate::meter::DomainMeter;
use crate::newness::Newness;
use crate::round::round;
use crate::shared::Shared;
use crate::states::StatesOf;
use crate::{answer, gather, snapshots};

/// The number of jobs of one stream that are decided on top of one another in one round.
const CHAIN: usize = 1024;

/// The mailboxes of one domain, and the states of its recently used aggregates.
pub(crate) struct Mailboxes<A: Aggregate> {
    /// The waiting jobs of each stream. A stream has an entry exactly while a task drives it.
    queues: Mutex<HashMap<Uuid, VecDeque<Job<A>>>>,
    /// The states of streams that nobody drives: a driver takes its state out, and puts it back when it ends.
    states: StatesOf,
    newness: Newness,
    meter: DomainMeter,
}

impl<A: Aggregate> Mailboxes<A> {
    pub(crate) fn new(states: StatesOf, meter: DomainMeter) -> Self {
        Self {
            queues: Mutex::default(),
            states,
            newness: Newness::default(),
            meter,
        }
    }

    /// Returns the metrics of the domain.
    pub(crate) fn meter(&self) -> &DomainMeter {
        &self.meter
    }

    /// Reports the metrics that are measured rather than counted.
    pub(crate) fn observe(&self) {
        self.meter.keeps_states(self.states.count());
    }

    /// Puts a job behind those of its stream, and starts a task that drives the stream if there is none.
    pub(crate) fn post(self: &Arc<Self>, shared: &Arc<Shared>, stream: StreamId, job: Job<A>) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get_mut(&stream.root) {
            queue.push_back(job);
            return;
        }
        queues.insert(stream.root, VecDeque::new());
        drop(queues);
        let driver = Driver {
            mailboxes: Arc::clone(self),
            shared: Arc::clone(shared),
            stream,
            done: false,
        };
        tokio::spawn(driver.drive(job));
    }
}

/// Drives one stream until nothing waits for it.
struct Driver<A: Aggregate> {
    mailboxes: Arc<Mailboxes<A>>,
    shared: Arc<Shared>,
    stream: StreamId,
    done: bool,
}

impl<A: Aggregate> Driver<A> {
    async fn drive(mut self, first: Job<A>) {
        let mut kept = self.mailboxes.states.take(self.stream.root);
        if !first.begins_a_stream() {
            self.mailboxes.meter.looked_for_state(kept.is_some());
        }
        if kept.is_none() && self.seems_new(&first) {
            kept = Some(Standing::new());
        }
        let mut jobs = VecDeque::from([first]);
        loop {
            let crowd = jobs.len() > 1;
            jobs = self.round(jobs, &mut kept).await;
            if let Some(most) = jobs.iter().map(|job| job.attempts).max() {
                back_off(most).await;
            }
            if let Some(standing) = &mut kept {
                snapshots::keep(&self.shared, &self.stream, standing, jobs.is_empty());
            }
            if crowd {
                gather::others_first().await;
            }
            if !self.refill(&mut jobs, &mut kept) {
                return;
            }
        }
    }

    /// Returns `true` if the stream need not be loaded for its first job, because the sender says that it has no events
    /// or because that is likely.
    fn seems_new(&self, first: &Job<A>) -> bool {
        let is_likely = || self.mailboxes.newness.guess(self.stream.root);
        first.begins_a_stream() || (first.may_begin_a_stream() && is_likely())
    }

    /// Loads the state if none is kept, and runs the jobs once on it. Returns those that must go round again.
    async fn round(
        &self,
        jobs: VecDeque<Job<A>>,
        kept: &mut Option<Standing<A>>,
    ) -> VecDeque<Job<A>> {
        let (standing, is_loaded) = match kept.take() {
            Some(standing) => (standing, false),
            // Loads are boxed: they would make the task of every command larger.
            None => match Box::pin(history::load(&self.shared.log, &self.stream, None)).await {
                Ok(standing) => (standing, true),
                Err(trouble) => {
                    let told = answer::all_in_trouble(&self.shared, &self.stream, jobs, &trouble);
                    Box::pin(told).await;
                    return VecDeque::new();
                }
            },
        };
        if is_loaded {
            let is_new = standing.current.is_none();
            self.mailboxes.newness.learn(self.stream.root, is_new);
        }
        round(&self.shared, &self.stream, standing, is_loaded, jobs, kept).await
    }

    /// Adds the jobs that came meanwhile. If there are none at all, puts the state back and gives up the stream.
    fn refill(&mut self, jobs: &mut VecDeque<Job<A>>, kept: &mut Option<Standing<A>>) -> bool {
        let mut queues = self
            .mailboxes
            .queues
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = queues.get_mut(&self.stream.root) else {
            unreachable!("a driven stream has a queue")
        };
        let room = CHAIN.saturating_sub(jobs.len()).min(queue.len());
        jobs.extend(queue.drain(..room));
        if jobs.is_empty() {
            // This comes before the stream is given up, so that the next driver finds the state.
            if let Some(standing) = kept.take() {
                self.mailboxes.states.put(self.stream.root, standing);
            }
            queues.remove(&self.stream.root);
            self.done = true;
        }
        !jobs.is_empty()
    }
}

impl<A: Aggregate> Drop for Driver<A> {
    /// Gives up the stream if the driver ends by a panic of ours. The waiting senders hear of it because their replies
    /// are dropped, and the next command starts a new driver.
    fn drop(&mut self) {
        if !self.done {
            let mut queues = self
                .mailboxes
                .queues
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            queues.remove(&self.stream.root);
        }
    }
}

/// Waits so that other writers can finish: not at all after the first lost race, then up to 1, 2, 4 ... 64 ms, at
/// random.
async fn back_off(attempts: u32) {
    if attempts > 1 {
        let most = 1000u64 << (attempts - 2).min(6);
        let random = RandomState::new().hash_one(attempts);
        tokio::time::sleep(Duration::from_micros(random % most)).await;
    }
}
