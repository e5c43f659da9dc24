//! The one loop: judge what waits for a stream, append it in one commit, settle each.
//!
//! The commands of a round are decided one on top of another, each on the state its predecessor *will* leave, so
//! that one hot aggregate is not limited to one command per disk sync. What was decided on events that are not
//! durable yet, a "no" included, is only answered once they are; if they are not, it is judged anew.

use std::collections::VecDeque;
use std::sync::Arc;

use seriatim_core::{
    Aggregate, Append, AppendOutcome, Commit, Conflict, ContentHash, DeadLetter, LetterStatus,
    NewEvent, Outcome, ParkReason, RecordedEvent, Sequence, StoreError, StreamId, Timestamp, Write,
};
use uuid::Uuid;

use crate::answer::{self, Answer};
use crate::collision;
use crate::guard::guarded;
use crate::history::{self, Standing, Trouble};
use crate::host::Shared;
use crate::job::{Job, Work};
use crate::judge::{Draft, Refusal, Verdict, collides, judge};

/// The jobs of one round, judged, and the state they will leave.
struct Chain<A: Aggregate> {
    standing: Standing<A>,
    /// Whether the store was seen to stand where this began.
    verified: bool,
    /// Whether there are events in `appends`: what follows is decided on what is not durable yet.
    ahead: bool,
    /// Whether `standing` can be used after this round.
    sound: bool,
    steps: Vec<Step<A>>,
    appends: Vec<Append>,
}

/// A judged job, and what it waits for.
struct Step<A: Aggregate> {
    job: Job<A>,
    plan: Plan,
}

enum Plan {
    /// Only to be answered.
    Answer(Answer),
    /// The next append of the round: events.
    Events {
        after: Option<Sequence>,
        events: Arc<[NewEvent]>,
        merged: bool,
    },
    /// The next append of the round: a letter.
    Letter { id: Uuid, reason: ParkReason },
}

/// Runs `jobs` once. Answers those that are settled, and returns those that must go round again, in order.
///
/// `kept` is a state from before, which may be wrong, and becomes the state after, if that is known.
pub(crate) async fn round<A: Aggregate>(
    shared: &Shared,
    stream: &StreamId,
    jobs: VecDeque<Job<A>>,
    kept: &mut Option<Standing<A>>,
) -> VecDeque<Job<A>> {
    let verified = kept.is_none();
    let standing = match kept.take() {
        Some(standing) => Ok(standing),
        None => history::load(&*shared.store, stream, None).await,
    };
    let standing = match standing {
        Ok(standing) => standing,
        Err(trouble) => {
            answer::all_in_trouble(shared, stream, jobs, &trouble).await;
            return VecDeque::new();
        }
    };
    let mut chain = Chain {
        standing,
        verified,
        ahead: false,
        sound: true,
        steps: Vec::with_capacity(jobs.len()),
        appends: Vec::with_capacity(jobs.len()),
    };
    let mut waiting = jobs;
    chain.judge(shared, stream, &mut waiting).await;

    let appends = std::mem::take(&mut chain.appends);
    let outcomes = match appends.is_empty() {
        true => Ok(Vec::new()),
        false => shared.committer.append(appends).await,
    };
    let mut again = chain.settle(shared, stream, outcomes, kept).await;
    again.append(&mut waiting);
    again
}

impl<A: Aggregate> Chain<A> {
    /// Judges jobs from the front of `waiting` until one must wait for what is ahead of it.
    async fn judge(&mut self, shared: &Shared, stream: &StreamId, waiting: &mut VecDeque<Job<A>>) {
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
                Ok(()) => Plan::Events {
                    after: current,
                    events: drafts.into_iter().map(new_event).collect(),
                    merged,
                },
                Err(refusal) => Plan::Answer(Answer::No(*refusal)),
            },
            Verdict::Park { conflict, reason } => {
                return self.park(shared, stream, job, conflict, reason).await;
            }
            Verdict::Refuse(refusal) => Plan::Answer(Answer::No(refusal)),
            Verdict::Stale => unreachable!("a stale verdict is not planned"),
        };
        if let Plan::Events { after, events, .. } = &plan {
            self.ahead |= !events.is_empty();
            self.appends.push(Append {
                stream: stream.clone(),
                write: Write::Events {
                    after: *after,
                    events: Arc::clone(events),
                },
                claim: job.claim.clone(),
            });
        }
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
            plan: Plan::Letter { id, reason },
        });
    }

    /// Answers every step in order, as long as what it was decided on came true.
    async fn settle(
        self,
        shared: &Shared,
        stream: &StreamId,
        outcomes: Result<Vec<AppendOutcome>, StoreError>,
        kept: &mut Option<Standing<A>>,
    ) -> VecDeque<Job<A>> {
        let mut again = VecDeque::new();
        let (mut outcomes, failure) = match outcomes {
            Ok(outcomes) => (outcomes.into_iter(), None),
            Err(error) => (Vec::new().into_iter(), Some(error)),
        };
        let mut holds = true;
        for Step { job, plan } in self.steps {
            let outcome = match plan {
                Plan::Answer(answer) => {
                    match holds {
                        true => answer::reply(shared, stream, job, answer).await,
                        false => again.push_back(job),
                    }
                    continue;
                }
                Plan::Events { .. } | Plan::Letter { .. } => outcomes.next(),
            };
            let writes = matches!(&plan, Plan::Events { events, .. } if !events.is_empty());
            match outcome {
                Some(AppendOutcome::Written {
                    position,
                    recorded_at,
                }) => {
                    let outcome = outcome_of(stream, plan, position, recorded_at);
                    answer::reply(shared, stream, job, Answer::Done(outcome)).await;
                }
                Some(AppendOutcome::Claimed(record)) => {
                    holds &= !writes;
                    answer::reply(shared, stream, job, Answer::Claimed(record)).await;
                }
                Some(AppendOutcome::StreamFull) => {
                    holds &= !writes;
                    let refusal = Refusal::Full(seriatim_core::StreamFull);
                    answer::reply(shared, stream, job, Answer::No(refusal)).await;
                }
                Some(AppendOutcome::Conflict { .. }) => {
                    // Behind a failed predecessor it never had a chance; that does not count against it.
                    let attempts = job.attempts + u32::from(holds);
                    holds = false;
                    match attempts < shared.settings.attempts {
                        true => again.push_back(Job { attempts, ..job }),
                        false => {
                            answer::reply(shared, stream, job, Answer::Contended(attempts)).await;
                        }
                    }
                }
                None => {
                    holds = false;
                    let error = failure.clone().unwrap_or_else(missing_outcome);
                    let refusal = Answer::Unsettled(error);
                    answer::reply(shared, stream, job, refusal).await;
                }
            }
        }
        if holds && self.sound {
            *kept = Some(self.standing);
        }
        again
    }
}

fn missing_outcome() -> StoreError {
    StoreError::new(
        "append a batch",
        seriatim_core::StoreErrorKind::Corrupt,
        "it answered fewer appends than it was given",
    )
}

fn new_event<A: Aggregate>(draft: Draft<A>) -> NewEvent {
    NewEvent {
        id: Uuid::now_v7(),
        payload: draft.payload,
        metadata: draft.metadata,
    }
}

fn outcome_of(
    stream: &StreamId,
    plan: Plan,
    position: seriatim_core::Position,
    recorded_at: Timestamp,
) -> Outcome {
    let (after, events, merged) = match plan {
        Plan::Letter { id, reason } => {
            return Outcome::DeadLettered {
                id,
                reason: reason.to_string(),
            };
        }
        Plan::Events {
            after,
            events,
            merged,
        } if !events.is_empty() => (after, events, merged),
        Plan::Events { after, .. } => return Outcome::Unchanged { current: after },
        Plan::Answer(_) => unreachable!("an answer has no append"),
    };
    let first = after.map_or(0, |Sequence(last)| last + 1);
    let before = position.0 - events.len() as u64;
    let recorded: Vec<RecordedEvent> = (1u32..)
        .zip(events.iter())
        .map(|(place, event)| RecordedEvent {
            id: event.id,
            stream: stream.clone(),
            sequence: Sequence(first + place - 1),
            position: seriatim_core::Position(before + u64::from(place)),
            recorded_at,
            payload: event.payload.clone(),
            metadata: Arc::clone(&event.metadata),
        })
        .collect();
    Outcome::Committed(Commit {
        first: Sequence(first),
        last: Sequence(first + recorded.len() as u32 - 1),
        position,
        merged,
        events: recorded,
    })
}

/// Puts a round's trouble with loading into a refusal.
impl From<&Trouble> for Refusal {
    fn from(trouble: &Trouble) -> Self {
        match trouble {
            Trouble::Store(error) => Self::Unavailable(error.clone()),
            Trouble::Fault(fault) => Self::Broken(fault.clone()),
        }
    }
}
