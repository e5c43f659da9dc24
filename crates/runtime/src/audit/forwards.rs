//! Checks that the effects of one component in one partition have outcomes.

use std::sync::Arc;

use futures::FutureExt;
use seriatim_core::{
    Asked, ClaimKey, Component, EffectId, EventStore, FirstResult, LogPartition, Position,
    Reaction, RecordedEvent, StoreError, StreamId,
};

use super::excuse::Excuses;
use super::finding::Finding;
use super::frontier::frontier;
use super::pass::beside;
use super::unproven::Unproven;
use crate::asking::asked;

/// The part of a component's effects that is proven, in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditedEffects {
    /// The component.
    pub component: Component,
    /// The partition of the events.
    pub partition: LogPartition,
    /// The position after which it [begins](seriatim_core::Begin), or after which its filter was widened on purpose.
    /// Effects of events up to this position are not looked for.
    pub begun: Position,
    /// The position up to which it has handled events.
    pub handled: Position,
    /// The position up to which each effect was found, from the component's beginning on. Events that were skipped, or
    /// that waited in a parked stream when they were checked, are left out.
    pub verified: Position,
    /// The number of effects that were found.
    pub effects: u64,
    /// True if none was missing.
    pub sound: bool,
}

/// A component in a partition.
#[derive(Debug)]
pub(super) struct Forwards {
    reaction: Arc<dyn Reaction>,
    /// The position up to which it was checked.
    pub(super) looked: Position,
    pub(super) audited: AuditedEffects,
}

/// An effect that must have an outcome.
struct Due<'e> {
    event: &'e RecordedEvent,
    effect: EffectId,
    target: StreamId,
}

/// A fault, unless the event need not have been handled.
struct Suspect<'e> {
    event: &'e RecordedEvent,
    finding: Finding,
    due: Option<Due<'e>>,
}

/// The result of checking some events.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) effects: u64,
    /// The findings in the order of the log, with the positions of their events.
    pub(super) findings: Vec<(Position, Finding)>,
    pub(super) unproven: Vec<Unproven>,
}

impl Forwards {
    pub(super) fn new(reaction: &Arc<dyn Reaction>, partition: LogPartition) -> Self {
        Self {
            reaction: Arc::clone(reaction),
            looked: Position::START,
            audited: AuditedEffects {
                component: reaction.component().clone(),
                partition,
                begun: Position::START,
                handled: Position::START,
                verified: Position::START,
                effects: 0,
                sound: true,
            },
        }
    }

    /// Reads where the component begins, and where its checkpoint is.
    pub(super) async fn look_up(&mut self) -> Result<(), StoreError> {
        let component = Some(self.reaction.component());
        let partition = self.audited.partition;
        // The beginning is read before and after, so that events are not judged by another beginning than the one they
        // were handled from.
        let before = self.begun().await?;
        let all = self.reaction.checkpoints().checkpoints(component).await?;
        let here = all.iter().filter(|one| one.work.partition == partition);
        self.audited.handled = frontier(here);
        self.audited.begun = self.begun().await?.max(before);
        self.looked = self.looked.max(self.audited.begun);
        if self.audited.sound {
            self.audited.verified = self.audited.verified.max(self.audited.begun);
        }
        Ok(())
    }

    /// Returns where the component begins, or the place before which events were left out on purpose when its filter
    /// was widened.
    async fn begun(&self) -> Result<Position, StoreError> {
        let (checkpoints, component) = (self.reaction.checkpoints(), self.reaction.component());
        let partition = self.audited.partition;
        let begun = checkpoints.begun(component).await?;
        let begun = begun.map_or(Position::START, |at| at.get(partition).position);
        let scopes = checkpoints.scopes(component).await?;
        let here = scopes
            .iter()
            .filter(|(work, _)| work.partition == partition);
        Ok(here.fold(begun, |begun, (_, scope)| begun.max(scope.after)))
    }

    pub(super) fn is_behind(&self, partition: LogPartition) -> bool {
        self.audited.partition == partition && self.looked < self.audited.handled
    }

    pub(super) fn finds(&mut self, at: Position) {
        if self.audited.sound {
            self.audited.verified = Position(at.0.saturating_sub(1));
        }
        self.audited.sound = false;
    }

    /// Looks for the outcomes of the effects of these events, which are handled.
    ///
    /// If an outcome is missing, it checks whether the event had to be handled at all, and looks once more, because the
    /// effect may have been resolved meanwhile.
    pub(super) async fn look(&self, events: Vec<&RecordedEvent>) -> Result<Looked, StoreError> {
        let mut looked = Looked::default();
        let reaction = &*self.reaction;
        let Some(accountable) = reaction.accountable() else {
            return Ok(looked);
        };
        let Some(outcomes) = accountable.outcomes() else {
            return Ok(looked);
        };
        let (mut due, mut suspects) = (Vec::new(), Vec::new());
        let mut has_timers = false;
        for event in events {
            match asked(reaction, accountable, event) {
                Ok(asked) => {
                    if asked.iter().any(|one| matches!(one, Asked::MaybeOf(_))) {
                        has_timers = true;
                    }
                    due.extend(self.due(event, asked));
                }
                Err(error) => suspects.push(Suspect {
                    event,
                    finding: self.cannot_ask(event, error),
                    due: None,
                }),
            }
        }
        looked.effects = due.len() as u64;
        if has_timers {
            let component = reaction.component().clone();
            looked.unproven.push(Unproven::Timers { component });
        }
        let missing = due.into_iter().map(|due| suspect(outcomes, due).boxed());
        suspects.extend(beside(missing.collect()).await?.into_iter().flatten());
        if suspects.is_empty() {
            return Ok(looked);
        }
        let excuses = Excuses::of(reaction).await?;
        for suspect in suspects {
            if excuses.has(suspect.event) || is_there_by_now(outcomes, &suspect).await? {
                continue;
            }
            if excuses.may_have_more() {
                let component = reaction.component().clone();
                looked.unproven.push(Unproven::ManySkipped { component });
            } else {
                let at = suspect.event.position;
                looked.findings.push((at, suspect.finding));
            }
        }
        looked.effects = looked.effects.saturating_sub(looked.findings.len() as u64);
        looked.findings.sort_by_key(|(at, _)| *at);
        Ok(looked)
    }

    fn due<'e>(
        &self,
        event: &'e RecordedEvent,
        asked: Vec<Asked>,
    ) -> impl Iterator<Item = Due<'e>> {
        let component = self.reaction.component().clone();
        let numbered = (0..).zip(asked);
        numbered.filter_map(move |(ordinal, asked)| match asked {
            Asked::Of(target) => Some(Due {
                event,
                effect: EffectId {
                    component: component.clone(),
                    source: event.stream.clone(),
                    sequence: event.sequence,
                    ordinal,
                },
                target,
            }),
            Asked::MaybeOf(_) | Asked::Nothing => None,
        })
    }

    fn cannot_ask(&self, event: &RecordedEvent, error: String) -> Finding {
        Finding::CannotAskAgain {
            component: self.reaction.component().clone(),
            stream: event.stream.clone(),
            sequence: event.sequence,
            position: event.position,
            error,
        }
    }
}

async fn suspect<'e>(
    outcomes: &dyn EventStore,
    due: Due<'e>,
) -> Result<Option<Suspect<'e>>, StoreError> {
    let missing = missing(outcomes, &due).await?;
    Ok(missing.map(|finding| Suspect {
        event: due.event,
        finding,
        due: Some(due),
    }))
}

async fn is_there_by_now(
    outcomes: &dyn EventStore,
    suspect: &Suspect<'_>,
) -> Result<bool, StoreError> {
    match &suspect.due {
        Some(due) => Ok(missing(outcomes, due).await?.is_none()),
        None => Ok(false),
    }
}

/// Returns the fault of an effect's outcome. A rejected effect must have been handed back.
async fn missing(outcomes: &dyn EventStore, due: &Due<'_>) -> Result<Option<Finding>, StoreError> {
    let Due {
        event,
        effect,
        target,
    } = due;
    let key = ClaimKey::Effect(effect.clone()).to_string();
    let claim = outcomes.find_claim(target, &key).await?;
    let Some(claim) = claim else {
        return Ok(Some(Finding::EffectMissing {
            effect: effect.clone(),
            position: event.position,
            target: target.clone(),
        }));
    };
    let FirstResult::Rejected(_) = claim.first else {
        return Ok(None);
    };
    let key = ClaimKey::Return(effect.clone()).to_string();
    let returned = outcomes.find_claim(&effect.source, &key).await?;
    Ok(match returned {
        Some(_) => None,
        None => Some(Finding::NotReturned {
            effect: effect.clone(),
            position: event.position,
            target: target.clone(),
        }),
    })
}
