//! The first half of a round: jobs judged one on top of another, and what they are to write.

use std::collections::VecDeque;
use std::sync::Arc;

use seriatim_core::{
    Aggregate, Append, Conflict, ContentHash, DeadLetter, LetterStatus, NewEvent, ParkReason,
    Sequence, StoreError, StreamId, Timestamp, Write,
};
use uuid::Uuid;

use crate::answer::{self, Answer};
use crate::collision;
use crate::guard::guarded;
use crate::history::Standing;
use crate::host::Shared;
use crate::job::{Job, Work};
use crate::judge::{Draft, Refusal, Verdict, collides, judge};

/// The jobs of one round, judged, and the state they will leave.
pub(crate) struct Chain<A: Aggregate> {
    pub(crate) standing: Standing<A>,
    /// Whether the store was seen to stand where this began.
    verified: bool,
    /// Whether there are events in `appends`: what follows is decided on what is not durable yet.
    ahead: bool,
    /// Whether `standing` can be used after this round.
    pub(crate) sound: bool,
    /// In the order of the jobs.
    pub(crate) steps: Vec<Step<A>>,
    /// One for each step with [`Plan::Append`], in order.
    pub(crate) appends: Vec<Append>,
}

/// A judged job, and what it waits for.
pub(crate) struct Step<A: Aggregate> {
    pub(crate) job: Job<A>,
    pub(crate) plan: Plan,
}

pub(crate) enum Plan {
    /// Only to be answered.
    Answer(Answer),
    /// The next append of the round.
    Append(Planned),
}

/// What an append is to write, as far as its receipt needs to know.
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
}

impl<A: Aggregate> Chain<A> {
    /// Begins at `standing`; `verified`: it was loaded just now.
    pub(crate) fn new(standing: Standing<A>, verified: bool) -> Self {
        Self {
            standing,
            verified,
            ahead: false,
            sound: true,
            steps: Vec::new(),
            appends: Vec::new(),
        }
    }

    /// Judges jobs from the front of `waiting` until one must wait for what is ahead of it.
    pub(crate) async fn judge(
        &mut self,
        shared: &Shared,
        stream: &StreamId,
        waiting: &mut VecDeque<Job<A>>,
    ) {
        while let Some(job) = waiting.pop_front() {
            // A collision is judged on what is durable: the intervening events are read from the log, and a
            // letter must not name events that may never be.
            if self.ahead && collides(&job.work, &self.standing) {
                return waiting.push_front(job);
            }
            let verdict = judge(
                &*shared.store,
                &shared.settings,
                stream,
                &job.work,
                &self.standing,
            )
            .await;
            let known = match &verdict {
                Verdict::Stale => Ok(false),
                Verdict::Append { drafts, .. } if !drafts.is_empty() || job.claim.is_some() => {
                    Ok(true)
                }
                // Answered without an append, which would have checked it.
                Verdict::Append { .. } | Verdict::Park { .. } | Verdict::Refuse(_) => {
                    self.verify(shared, stream).await
                }
            };
            match known {
                Ok(true) => self.plan(shared, stream, job, verdict).await,
                Ok(false) => {
                    self.sound = false;
                    let attempts = job.attempts + 1;
                    return match attempts < shared.settings.attempts {
                        true => waiting.push_front(Job { attempts, ..job }),
                        false => {
                            let answer = Answer::Contended(attempts);
                            answer::reply(shared, stream, job, answer).await;
                        }
                    };
                }
                Err(error) => self.steps.push(Step {
                    job,
                    plan: Plan::Answer(Answer::No(Refusal::Unavailable(error))),
                }),
            }
            if !self.sound {
                return;
            }
        }
    }

    /// Whether the store stands where this state does. A kept state may be wrong in both directions: another
    /// process wrote, or a backup was restored.
    async fn verify(&mut self, shared: &Shared, stream: &StreamId) -> Result<bool, StoreError> {
        if !self.verified && !self.ahead {
            let from = self.standing.current.unwrap_or(Sequence::FIRST);
            let found = shared.store.read_stream(stream, from, 2).await?;
            let current = self.standing.current;
            let expected = usize::from(current.is_some());
            self.verified =
                found.len() == expected && found.last().map(|event| event.sequence) == current;
            return Ok(self.verified);
        }
        Ok(true)
    }

    async fn plan(&mut self, shared: &Shared, stream: &StreamId, job: Job<A>, verdict: Verdict<A>) {
        let current = self.standing.current;
        let plan = match verdict {
            Verdict::Append { drafts, .. } if drafts.is_empty() && job.claim.is_none() => {
                Plan::Answer(Answer::Unchanged(current))
            }
            Verdict::Append { drafts, merged } => match self.take(&drafts) {
                Ok(()) => {
                    let events: Arc<[NewEvent]> = drafts.into_iter().map(new_event).collect();
                    self.ahead |= !events.is_empty();
                    self.appends.push(Append {
                        stream: stream.clone(),
                        write: Write::Events {
                            after: current,
                            events: Arc::clone(&events),
                        },
                        claim: job.claim.clone(),
                    });
                    Plan::Append(Planned::Events {
                        after: current,
                        events,
                        merged,
                    })
                }
                Err(refusal) => Plan::Answer(Answer::No(*refusal)),
            },
            Verdict::Park { conflict, reason } => {
                return self.park(shared, stream, job, conflict, reason).await;
            }
            Verdict::Refuse(refusal) => Plan::Answer(Answer::No(refusal)),
            Verdict::Stale => unreachable!("a stale verdict is not planned"),
        };
        self.steps.push(Step { job, plan });
    }

    /// Moves the state over the drafts.
    fn take(&mut self, drafts: &[Draft<A>]) -> Result<(), Box<Refusal>> {
        let next = Sequence::advance(self.standing.current, drafts.len())
            .map_err(|full| Box::new(Refusal::Full(full)))?;
        let state = &mut self.standing.state;
        let evolved = guarded("evolve", || {
            drafts.iter().for_each(|draft| state.evolve(&draft.event));
        });
        if let Err(fault) = evolved {
            // The state is half of something now.
            self.sound = false;
            return Err(Box::new(Refusal::Broken(fault)));
        }
        self.standing.current = next;
        Ok(())
    }

    async fn park(
        &mut self,
        shared: &Shared,
        stream: &StreamId,
        job: Job<A>,
        conflict: Conflict,
        reason: ParkReason,
    ) {
        let Work::Commands(work) = &job.work else {
            unreachable!("facts do not collide")
        };
        let believed = conflict.expected.believed().flatten();
        let base = collision::base::<A>(&*shared.store, stream, believed)
            .await
            .ok();
        let letter = DeadLetter {
            id: Uuid::now_v7(),
            request: work.request.clone(),
            conflict,
            intervening: Sequence::after(believed).ok().zip(conflict.current),
            base_hash: base
                .and_then(|base| ContentHash::of_state(&base.state).ok())
                .map(|hash| hash.to_string()),
            reason: reason.clone(),
            parked_at: Timestamp::now(),
            attempts: Vec::new(),
            status: LetterStatus::Parked,
        };
        let id = letter.id;
        self.appends.push(Append {
            stream: stream.clone(),
            write: Write::Letter(Box::new(letter)),
            claim: job.claim.clone(),
        });
        self.steps.push(Step {
            job,
            plan: Plan::Append(Planned::Letter { id, reason }),
        });
    }
}

fn new_event<A: Aggregate>(draft: Draft<A>) -> NewEvent {
    NewEvent {
        id: Uuid::now_v7(),
        payload: draft.payload,
        metadata: draft.metadata,
    }
}
