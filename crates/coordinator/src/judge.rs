//! Decides the result of a job at a given state. It writes nothing.

use std::sync::Arc;

use serde_json::json;
use seriatim_core::merge::Resolution;
use seriatim_core::{
    Aggregate, Conflict, ConflictReason, Fault, FieldViolation, Limits, Log, MergeStrategy,
    Message, Metadata, Mismatch, ParkReason, Payload, PremiseFault, Rejected, Sequence, StoreError,
    StreamFull, StreamId, changed_premises, codec::encode_event, decide_all,
};

use crate::collision::{self, Colliding, Rule};
use crate::guard::guarded;
use crate::history::{Standing, Trouble};
use crate::job::{Commands, FactWork, Returned, Work};
use crate::{Settings, meter};

/// The result of a job.
#[derive(Debug)]
pub(crate) enum Verdict<A: Aggregate> {
    /// Append these events; if there are none, nothing changes.
    Append { drafts: Vec<Draft<A>>, merged: bool },
    /// A person must merge it.
    Park {
        conflict: Conflict,
        reason: ParkReason,
    },
    /// It collides with other events: its strategy must be asked, see [`merge`].
    Collides(Conflict),
    /// Refuse it.
    Refuse(Refusal),
    /// The state is not what the store holds any more and must be loaded again.
    Stale,
}

/// An event that is about to be appended.
#[derive(Debug)]
pub(crate) struct Draft<A: Aggregate> {
    pub(crate) event: A::Event,
    pub(crate) payload: Payload,
    pub(crate) metadata: Arc<Metadata>,
}

/// A "no", before it is put into words for the sender.
#[derive(Debug)]
pub(crate) enum Refusal {
    Rejected(Rejected),
    Conflict {
        conflict: Conflict,
        strategy: MergeStrategy,
        reason: ConflictReason,
        rejection: Option<Rejected>,
    },
    Beyond(Conflict),
    Invalid(Vec<FieldViolation>),
    Full(StreamFull),
    Broken(Fault),
    Store(StoreError),
}

impl Refusal {
    /// Returns what of it is recorded as the result of an effect: the domain's rejection, or the refusal of a strategy
    /// that saw everything. Returns `None` for any other obstacle, because that may be gone the next time.
    pub(crate) fn lasting(&self, stream: &StreamId) -> Option<Rejected> {
        match self {
            Self::Rejected(rejected) => Some(rejected.clone()),
            Self::Conflict {
                reason: ConflictReason::NotComparable { .. },
                ..
            } => None,
            Self::Conflict {
                conflict,
                strategy,
                reason,
                rejection,
            } => {
                let mut fields = vec![
                    ("expected".into(), conflict.expected.to_string().into()),
                    ("current".into(), json!(conflict.current)),
                    ("strategy".into(), strategy.to_string().into()),
                ];
                if let Some(rejection) = rejection {
                    fields.push(("rejection".into(), json!(rejection)));
                }
                Some(Rejected {
                    code: Rejected::CONFLICT.into(),
                    message: format!("`{stream}` has moved on: {conflict}; {reason}"),
                    fields,
                })
            }
            Self::Beyond(_)
            | Self::Invalid(_)
            | Self::Full(_)
            | Self::Broken(_)
            | Self::Store(_) => None,
        }
    }
}

impl From<&Trouble> for Refusal {
    fn from(trouble: &Trouble) -> Self {
        match trouble {
            Trouble::Store(error) => Self::Store(error.clone()),
            Trouble::Fault(fault) => Self::Broken(fault.clone()),
        }
    }
}

impl<A: Aggregate> From<Fault> for Verdict<A> {
    fn from(fault: Fault) -> Self {
        Self::Refuse(Refusal::Broken(fault))
    }
}

impl<A: Aggregate> Verdict<A> {
    /// Replaces the verdict by a refusal if it would append more than `limits` allow.
    pub(crate) fn within(self, limits: &Limits) -> Self {
        let Self::Append { drafts, .. } = &self else {
            return self;
        };
        let violations = limits.check_events(drafts.iter().map(|draft| &draft.payload));
        match violations.is_empty() {
            true => self,
            false => Self::Refuse(Refusal::Invalid(violations)),
        }
    }
}

/// Decides `work` at `standing`, without reading more.
pub(crate) fn judge<A: Aggregate>(work: &Work<A>, standing: &Standing<A>) -> Verdict<A> {
    match work {
        Work::Facts(facts) => judge_facts(facts, &standing.state),
        Work::Returned(returned) => come_back(returned, &standing.state),
        Work::Rejected(rejected) => Verdict::Refuse(Refusal::Rejected(rejected.clone())),
        Work::Commands(work) => match moved(work, standing.current) {
            Some(refusal) => Verdict::Refuse(refusal),
            None => judge_commands(work, standing),
        },
    }
}

fn judge_commands<A: Aggregate>(work: &Commands<A>, standing: &Standing<A>) -> Verdict<A> {
    match work.request.expected.check(standing.current) {
        Ok(()) => match slips(work, &standing.state) {
            Some(refusal) => Verdict::Refuse(refusal),
            None => decide(work, &standing.state),
        },
        Err(_) if work.resubmitted.is_some() && work.request.premises.is_empty() => {
            decide(work, &standing.state)
        }
        Err(Mismatch::Beyond(conflict)) => Verdict::Refuse(Refusal::Beyond(conflict)),
        Err(Mismatch::Behind(conflict)) => Verdict::Collides(conflict),
    }
}

/// Returns the refusal if a person has resubmitted the command and saw the stream at another sequence.
fn moved<A: Aggregate>(work: &Commands<A>, current: Option<Sequence>) -> Option<Refusal> {
    let (Mismatch::Behind(conflict) | Mismatch::Beyond(conflict)) =
        work.resubmitted?.check(current).err()?;
    Some(Refusal::Conflict {
        conflict,
        strategy: MergeStrategy::Strict,
        reason: ConflictReason::Strict,
        rejection: None,
    })
}

/// Checks the premises of a command that meets the state its sender knew. Returns a refusal if they are wrong.
fn slips<A: Aggregate>(work: &Commands<A>, state: &A) -> Option<Refusal> {
    let checked = guarded("serialize", || {
        changed_premises(&work.request.premises, state, state)
    });
    match checked {
        Ok(Ok(_)) => None,
        Ok(Err(PremiseFault::Slips(violations))) => Some(Refusal::Invalid(violations)),
        Ok(Err(PremiseFault::State(fault))) | Err(fault) => Some(Refusal::Broken(fault)),
    }
}

fn decide<A: Aggregate>(work: &Commands<A>, state: &A) -> Verdict<A> {
    match guarded("decide", || decide_all(state, &work.commands)) {
        Ok(Ok(events)) => append(events, &work.metadata, false),
        Ok(Err(rejection)) => Verdict::Refuse(Refusal::Rejected((&rejection).into())),
        Err(fault) => fault.into(),
    }
}

fn come_back<A: Aggregate>(returned: &Returned, state: &A) -> Verdict<A> {
    match guarded("on_rejected", || state.on_rejected(&returned.effect)) {
        Ok(events) => append(events, &returned.metadata, false),
        Err(fault) => fault.into(),
    }
}

fn append<A: Aggregate>(
    events: Vec<A::Event>,
    metadata: &Arc<Metadata>,
    merged: bool,
) -> Verdict<A> {
    let drafts = events
        .into_iter()
        .map(|event| draft(event, metadata))
        .collect::<Result<_, _>>();
    match drafts {
        Ok(drafts) => Verdict::Append { drafts, merged },
        Err(fault) => fault.into(),
    }
}

pub(crate) fn draft<A: Aggregate>(
    event: A::Event,
    metadata: &Arc<Metadata>,
) -> Result<Draft<A>, Fault> {
    let encode = || match A::READ_BACK {
        true => encode_event(&event),
        false => event.encode(),
    };
    let payload =
        guarded("serialize", encode)?.map_err(|error| Fault::unencodable("event", &error))?;
    Ok(Draft {
        event,
        payload,
        metadata: Arc::clone(metadata),
    })
}

/// Decides `work`, which collides, by its strategy. `standing` must be durable: the events in between are read from the
/// log, and a letter must not name events that may never exist.
pub(crate) async fn merge<A: Aggregate>(
    log: &Log,
    settings: &Settings,
    stream: &StreamId,
    work: &Work<A>,
    conflict: Conflict,
    standing: &Standing<A>,
) -> Verdict<A> {
    let Work::Commands(work) = work else {
        unreachable!("only commands collide")
    };
    let colliding = Colliding::<A> {
        stream,
        commands: &work.commands,
        premises: &work.request.premises,
        conflict,
        limit: settings.compared_events,
    };
    let strategy = work.strategy;
    let rule = match work.resubmitted {
        Some(_) => Rule::Premises,
        None => Rule::Strategy(strategy),
    };
    let resolution = collision::ask(log, rule, &colliding, standing).await;
    tracing::debug!(%stream, %conflict, %strategy, ?resolution, correlation_id = work.metadata.correlation_id, "collision");
    meter::conflict(
        &stream.domain,
        strategy,
        match &resolution {
            Ok(Some(Resolution::Proceed(_))) => "merged",
            Ok(Some(Resolution::Reject(_))) => "rejected",
            Ok(Some(Resolution::Refuse { .. })) => "refused",
            Ok(Some(Resolution::Park(_))) => "parked",
            Ok(Some(Resolution::Invalid(_))) => "invalid",
            Ok(None) => "stale",
            Err(_) => "unavailable",
        },
    );
    match resolution {
        Ok(Some(Resolution::Proceed(events))) => {
            append(events, &work.metadata, work.resubmitted.is_none())
        }
        Ok(Some(Resolution::Reject(rejection))) => {
            Verdict::Refuse(Refusal::Rejected((&rejection).into()))
        }
        Ok(Some(Resolution::Refuse { reason, rejection })) => Verdict::Refuse(Refusal::Conflict {
            conflict,
            strategy,
            reason,
            rejection,
        }),
        Ok(Some(Resolution::Park(reason))) => Verdict::Park { conflict, reason },
        Ok(Some(Resolution::Invalid(violations))) => Verdict::Refuse(Refusal::Invalid(violations)),
        Ok(None) => Verdict::Stale,
        Err(error) => Verdict::Refuse(Refusal::Store(error)),
    }
}

/// Takes facts, which cannot be rejected: each goes through the aggregate, on the state that the ones before it leave.
fn judge_facts<A: Aggregate>(facts: &[FactWork<A>], state: &A) -> Verdict<A> {
    // Only if there are several facts is a state needed to continue with.
    let mut ahead = (facts.len() > 1).then(|| state.clone());
    let mut drafts = Vec::new();
    for FactWork {
        fact,
        as_it_came,
        metadata,
    } in facts
    {
        let added = match as_it_came {
            Some(payload) => Ok(vec![Draft {
                event: fact.event.clone(),
                payload: payload.clone(),
                metadata: Arc::clone(metadata),
            }]),
            None => guarded("on_fact", || ahead.as_ref().unwrap_or(state).on_fact(fact)).and_then(
                |events| {
                    events
                        .into_iter()
                        .map(|event| draft(event, metadata))
                        .collect()
                },
            ),
        };
        let added: Vec<Draft<A>> = match added {
            Ok(added) => added,
            Err(fault) => return fault.into(),
        };
        if let Some(state) = &mut ahead {
            let evolved = guarded("evolve", || {
                added.iter().for_each(|draft| state.evolve(&draft.event));
            });
            if let Err(fault) = evolved {
                return fault.into();
            }
        }
        drafts.extend(added);
    }
    Verdict::Append {
        drafts,
        merged: false,
    }
}
