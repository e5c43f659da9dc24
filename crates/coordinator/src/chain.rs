//! The first half of a round: judges jobs one on top of another, and collects what they write.

use std::collections::VecDeque;
use std::sync::Arc;

use seriatim_core::{
    Aggregate, Append, Claim, CommandLetter, Conflict, ContentHash, LetterStatus, NewEvent,
    ParkReason, Rejected, Sequence, StreamId, StreamWrite, Timestamp, Write,
};
use uuid::Uuid;

use crate::answer::{self, Answer};
use crate::beside::beside;
use crate::collision;
use crate::guard::guarded;
use crate::history::Standing;
use crate::job::{Job, Work};
use crate::judge::{Draft, Refusal, Verdict, judge, merge};
use crate::shared::Shared;

/// The jobs of one round, judged, and the state that they will leave.
pub(crate) struct Chain<'r, A: Aggregate> {
    shared: &'r Shared,
    stream: &'r StreamId,
    pub(crate) standing: Standing<A>,
    /// `true` if the store was seen at the place where this chain began.
    verified: bool,
    /// `true` if there are events in `appends`: later jobs are then decided on events that are not durable yet.
    ahead: bool,
    /// `true` if `standing` can be used after this round.
    pub(crate) sound: bool,
    /// The steps in the order of the jobs.
    pub(crate) steps: Vec<Step<A>>,
    /// One append for each step with [`Plan::Append`], in order.
    pub(crate) appends: Vec<Append>,
}

/// A judged job and its plan.
pub(crate) struct Step<A: Aggregate> {
    pub(crate) job: Job<A>,
    pub(crate) plan: Plan,
}

pub(crate) enum Plan {
    /// Nothing is written; the answer is given as it is.
    Answer(Answer),
    /// The next append of the round.
    Append(Planned),
}

/// The content of an append, as its receipt needs it.
pub(crate) enum Planned {
    Events {
        after: Option<Sequence>,
        events: Arc<[NewEvent]>,
        merged: bool,
    },
    Letter {
        id: Uuid,
        reason: ParkReason,
    },
    Rejection(Rejected),
    /// Nothing is written; the answer holds if the stream is where it was judged.
    Check(Answer),
}

impl<'r, A: Aggregate> Chain<'r, A> {
    /// Makes a chain that begins at `standing`. `verified` is `true` if that was loaded just now.
    pub(crate) fn new(
        shared: &'r Shared,
        stream: &'r StreamId,
        standing: Standing<A>,
        verified: bool,
    ) -> Self {
        Self {
            shared,
            stream,
            standing,
            verified,
            ahead: false,
            sound: true,
            steps: Vec::new(),
            appends: Vec::new(),
        }
    }

    /// Judges jobs from the front of `waiting` until one must wait for the jobs ahead of it.
    ///
    /// Rare cases are boxed: they would make the task of every command larger.
    pub(crate) async fn judge(&mut self, waiting: &mut VecDeque<Job<A>>) {
        while self.sound
            && let Some(job) = waiting.pop_front()
        {
            let verdict = match judge(&job.work, &self.standing) {
                Verdict::Collides(_) if self.ahead => return waiting.push_front(job),
                Verdict::Collides(conflict) => Box::pin(self.merge(&job, conflict)).await,
                verdict => verdict,
            };
            match verdict.within(&self.shared.settings.limits) {
                Verdict::Append { drafts, merged } if !drafts.is_empty() || job.claim.is_some() => {
                    self.append(job, drafts, merged);
                }
                Verdict::Refuse(refusal) if job.is_effect => match refusal.lasting(self.stream) {
                    Some(rejected) => self.keep(job, rejected),
                    None => {
                        let verdict = Verdict::Refuse(refusal);
                        Box::pin(self.check(job, verdict, waiting)).await;
                    }
                },
                verdict => Box::pin(self.check(job, verdict, waiting)).await,
            }
        }
    }

    async fn merge(&self, job: &Job<A>, conflict: Conflict) -> Verdict<A> {
        let Shared { log, settings, .. } = self.shared;
        merge(
            log,
            settings,
            self.stream,
            &job.work,
            conflict,
            &self.standing,
        )
        .await
    }

    /// Adds the step of a verdict that writes no events.
    async fn check(&mut self, job: Job<A>, verdict: Verdict<A>, waiting: &mut VecDeque<Job<A>>) {
        let answer = match verdict {
            Verdict::Stale => return self.reload(job, waiting),
            Verdict::Park { conflict, reason } => {
                return self.park(job, conflict, reason).await;
            }
            Verdict::Refuse(refusal) => Answer::No(refusal),
            Verdict::Append { .. } => Answer::Unchanged(self.standing.current),
            Verdict::Collides(_) => unreachable!("it was merged"),
        };
        let plan = match self.verified || self.ahead {
            true => Plan::Answer(answer),
            false => {
                let write = self.nothing();
                self.push(write, None);
                // Later steps of this round hold only if this one does.
                self.verified = true;
                Plan::Append(Planned::Check(answer))
            }
        };
        self.steps.push(Step { job, plan });
    }

    /// Puts the job back to the front; the next round loads the state.
    fn reload(&mut self, job: Job<A>, waiting: &mut VecDeque<Job<A>>) {
        self.sound = false;
        let attempts = job.attempts + 1;
        match attempts < self.shared.settings.attempts {
            true => waiting.push_front(Job { attempts, ..job }),
            false => {
                answer::reply(self.shared, self.stream, job, Answer::Contended(attempts));
            }
        }
    }

    /// Returns a write without events, which compares the store's sequence with that of this state. A kept state may be
    /// wrong in both directions: another process wrote, or a backup was restored.
    fn nothing(&self) -> Write {
        Write::Events {
            after: self.standing.current,
            last: self.standing.last,
            events: Arc::new([]),
        }
    }

    fn push(&mut self, write: Write, claim: Option<Claim>) {
        self.appends.push(Append {
            stream: self.stream.clone(),
            write,
            claim,
            beside: Vec::new(),
        });
    }

    fn append(&mut self, job: Job<A>, drafts: Vec<Draft<A>>, merged: bool) {
        let (after, last) = (self.standing.current, self.standing.last);
        let plan = match self.take(&drafts) {
            Ok(()) => {
                let events: Arc<[NewEvent]> = drafts.into_iter().map(new_event).collect();
                self.ahead |= !events.is_empty();
                self.standing.last = events.last().map(|last| last.id).or(self.standing.last);
                let write = Write::Events {
                    after,
                    last,
                    events: Arc::clone(&events),
                };
                self.push(write, job.claim.clone());
                Plan::Append(Planned::Events {
                    after,
                    events,
                    merged,
                })
            }
            Err(refusal) => Plan::Answer(Answer::No(*refusal)),
        };
        self.steps.push(Step { job, plan });
    }

    /// Records a rejection as the result of an effect, if the stream is where it was judged.
    fn keep(&mut self, job: Job<A>, rejected: Rejected) {
        let claim = job.claim.clone().map(|claim| Claim {
            refusal: Some(Box::new(rejected.clone())),
            ..claim
        });
        let write = self.nothing();
        self.push(write, claim);
        self.steps.push(Step {
            job,
            plan: Plan::Append(Planned::Rejection(rejected)),
        });
    }

    /// Folds the drafts into the state.
    fn take(&mut self, drafts: &[Draft<A>]) -> Result<(), Box<Refusal>> {
        let next = Sequence::advance(self.standing.current, drafts.len())
            .map_err(|full| Box::new(Refusal::Full(full)))?;
        let state = &mut self.standing.state;
        let evolved = guarded("evolve", || {
            drafts.iter().for_each(|draft| state.evolve(&draft.event));
        });
        if let Err(fault) = evolved {
            // From here on the state may be half-made.
            self.sound = false;
            return Err(Box::new(Refusal::Broken(fault)));
        }
        self.standing.current = next;
        for draft in drafts {
            self.standing.size.grow(draft.payload.data.len());
        }
        Ok(())
    }

    async fn park(&mut self, job: Job<A>, conflict: Conflict, reason: ParkReason) {
        let Work::Commands(work) = &job.work else {
            unreachable!("only commands collide")
        };
        let believed = conflict.expected.believed().flatten();
        let base = collision::base::<A>(&self.shared.log, self.stream, believed)
            .await
            .ok();
        let letter = CommandLetter {
            id: Uuid::now_v7(),
            request: work.request.clone(),
            conflict,
            intervening: Sequence::after(believed).ok().zip(conflict.current),
            base_hash: match base {
                Some(base) => hash(base).await.map(|hash| hash.to_string()),
                None => None,
            },
            reason: reason.clone(),
            parked_at: Timestamp::now(),
            attempts: Vec::new(),
            status: LetterStatus::Parked,
        };
        let id = letter.id;
        self.appends.push(Append {
            stream: self.stream.clone(),
            write: Write::Letter(Box::new(letter)),
            claim: job.claim.clone(),
            beside: vec![StreamWrite {
                stream: self.stream.clone(),
                after: self.standing.current,
                last: self.standing.last,
                events: Arc::new([]),
            }],
        });
        self.steps.push(Step {
            job,
            plan: Plan::Append(Planned::Letter { id, reason }),
        });
    }
}

/// Returns the hash of the state that a sender decided upon, if it can be built.
async fn hash<A: Aggregate>(base: Standing<A>) -> Option<ContentHash> {
    let hash = move || guarded("serialize", || ContentHash::of_state(&base.state));
    beside(hash).await.ok()?.ok()?.ok()
}

fn new_event<A: Aggregate>(draft: Draft<A>) -> NewEvent {
    NewEvent {
        id: Uuid::now_v7(),
        payload: draft.payload,
        metadata: draft.metadata,
    }
}
