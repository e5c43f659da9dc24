//! Checks from outcomes to events: every claim and every timer has an event that asked for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use seriatim_core::{
    Asked, ClaimKey, Component, EffectId, FirstResult, KeyedClaim, Log, Reaction, RecordedEvent,
    Sequence, Store, StoreError, StreamId, Timer,
};
use tokio::time::Instant;
use uuid::Uuid;

use super::finding::Finding;
use super::found::Found;
use super::pass::{beside, pause};
use super::report::AuditProgress;
use super::unproven::Unproven;
use crate::asking::asked;

/// The number of claims or timers that are read at once.
const PAGE: usize = 500;

/// One pass through all claims and then all timers. A later pass checks those that were added since.
#[derive(Debug)]
pub(super) struct Backwards {
    trace: Trace,
    place: Place,
    claims: u64,
    timers: u64,
    found: Found,
    foreign: BTreeMap<Component, u64>,
}

/// The place that the pass has reached.
#[derive(Debug)]
enum Place {
    Claims(Option<(StreamId, String)>),
    Timers(Option<(StreamId, String)>),
    End,
}

/// The way from an effect back to its event.
#[derive(Debug)]
struct Trace {
    store: Arc<dyn Store>,
    log: Log,
    reactions: BTreeMap<Component, Arc<dyn Reaction>>,
    /// The components that react to this log.
    known: BTreeSet<Component>,
}

/// The result of checking a claim.
#[derive(Default)]
struct Traced {
    findings: Vec<Finding>,
    foreign: Option<Component>,
}

impl Backwards {
    pub(super) fn new(store: &Arc<dyn Store>, log: &Log, reactions: &[Arc<dyn Reaction>]) -> Self {
        let named =
            |reaction: &Arc<dyn Reaction>| (reaction.component().clone(), Arc::clone(reaction));
        Self {
            trace: Trace {
                store: Arc::clone(store),
                log: log.clone(),
                reactions: reactions.iter().map(named).collect(),
                known: BTreeSet::new(),
            },
            place: Place::Claims(None),
            claims: 0,
            timers: 0,
            found: Found::default(),
            foreign: BTreeMap::new(),
        }
    }

    pub(super) fn found(&self) -> &Found {
        &self.found
    }

    pub(super) fn claims(&self) -> u64 {
        self.claims
    }

    pub(super) fn timers(&self) -> u64 {
        self.timers
    }

    pub(super) fn unproven(&self) -> impl Iterator<Item = Unproven> {
        let foreign = self.foreign.iter();
        foreign.map(|(component, effects)| Unproven::OtherSource {
            component: component.clone(),
            effects: *effects,
        })
    }

    /// Continues for `time`, or to the end. It rests as [`Pass::catch_up`](super::pass::Pass::catch_up) does.
    pub(super) async fn go_on(
        &mut self,
        rest: u32,
        time: Duration,
        progress: &mut (impl FnMut(&AuditProgress) + Send),
    ) -> Result<(), StoreError> {
        let until = Instant::now().checked_add(time);
        self.trace.learn().await?;
        while !matches!(self.place, Place::End) {
            let begun = Instant::now();
            if until.is_some_and(|until| begun >= until) {
                break;
            }
            match &self.place {
                Place::Claims(after) => self.claims_after(after.clone()).await?,
                Place::Timers(after) => self.timers_after(after.clone()).await?,
                Place::End => {}
            }
            progress(&AuditProgress::Outcomes {
                claims: self.claims,
                timers: self.timers,
            });
            pause(begun.elapsed().saturating_mul(rest)).await;
        }
        Ok(())
    }

    async fn claims_after(&mut self, after: Option<(StreamId, String)>) -> Result<(), StoreError> {
        let after = after.as_ref().map(|(stream, key)| (stream, key.as_str()));
        let page = self.trace.store.claims(after, PAGE).await?;
        let traced = page.iter().map(|claim| self.trace.claim(claim).boxed());
        let traced = beside(traced.collect()).await?;
        self.claims += page.len() as u64;
        for Traced { findings, foreign } in traced {
            findings
                .into_iter()
                .for_each(|finding| self.found.note(finding));
            if let Some(component) = foreign {
                *self.foreign.entry(component).or_default() += 1;
            }
        }
        self.place = match page.into_iter().next_back() {
            Some(last) => Place::Claims(Some((last.stream, last.external_id))),
            None => Place::Timers(None),
        };
        Ok(())
    }

    async fn timers_after(&mut self, after: Option<(StreamId, String)>) -> Result<(), StoreError> {
        let after = after.as_ref().map(|(stream, name)| (stream, name.as_str()));
        let page = self.trace.store.timers(after, PAGE).await?;
        let traced = page.iter().map(|timer| self.trace.timer(timer).boxed());
        let traced = beside(traced.collect()).await?;
        self.timers += page.len() as u64;
        let findings = traced.into_iter().flatten();
        findings.for_each(|finding| self.found.note(finding));
        self.place = match page.into_iter().next_back() {
            Some(last) => Place::Timers(Some((last.stream, last.name))),
            None => Place::End,
        };
        Ok(())
    }
}

impl Trace {
    /// Updates the list of components. A component has progress before it has effects, so none is missed.
    async fn learn(&mut self) -> Result<(), StoreError> {
        let checkpoints = self.store.checkpoints(None).await?;
        let with_progress = checkpoints.into_iter().map(|one| one.work.component);
        self.known = with_progress
            .chain(self.reactions.keys().cloned())
            .collect();
        Ok(())
    }

    async fn claim(&self, claim: &KeyedClaim) -> Result<Traced, StoreError> {
        let mut traced = Traced::default();
        traced.findings.extend(self.result_of(claim).await?);
        let target = &claim.stream;
        match ClaimKey::of(&claim.external_id) {
            ClaimKey::Sender(_) => {}
            ClaimKey::Unknown(key) => traced.findings.push(Finding::ClaimUnknown {
                stream: target.clone(),
                key: key.escape_default().to_string(),
            }),
            ClaimKey::Letter(id) => traced.findings.extend(self.letter(claim, id).await?),
            ClaimKey::Effect(id) | ClaimKey::Return(id) | ClaimKey::StuckTimer(id)
                if !self.known.contains(&id.component) =>
            {
                traced.foreign = Some(id.component);
            }
            ClaimKey::Effect(id) => {
                let finding = self.effect(id, target, target).await?;
                traced.findings.extend(finding);
            }
            ClaimKey::StuckTimer(id) => {
                // The timer was set by the instance and is for the instance; another stream records that it is stuck.
                let instance = id.source.clone();
                let finding = self.effect(id, &instance, target).await?;
                traced.findings.extend(finding);
            }
            ClaimKey::Return(id) => traced.findings.extend(self.returned(id, target).await?),
        }
        Ok(traced)
    }

    /// Checks that the result of a claim exists: its events are in the log, and its letter is among the letters.
    async fn result_of(&self, claim: &KeyedClaim) -> Result<Option<Finding>, StoreError> {
        let (last, position) = match claim.record.first {
            FirstResult::Committed { last, position, .. } => (last, position),
            FirstResult::DeadLettered { id } => return self.letter(claim, id).await,
            FirstResult::Unchanged { .. } | FirstResult::Rejected(_) => return Ok(None),
        };
        let event = self.event(&claim.stream, last).await?;
        if event.is_some_and(|event| event.position == position) {
            return Ok(None);
        }
        Ok(Some(Finding::ClaimWithoutEvents {
            stream: claim.stream.clone(),
            key: claim.external_id.escape_default().to_string(),
            last,
            position,
        }))
    }

    /// Checks that a claim's letter exists. A letter is never deleted, and belongs to the stream that has spent the
    /// claim.
    async fn letter(
        &self,
        claim: &KeyedClaim,
        letter: Uuid,
    ) -> Result<Option<Finding>, StoreError> {
        let found = self.store.letter(letter).await?;
        if found.is_some_and(|letter| *letter.stream() == claim.stream) {
            return Ok(None);
        }
        Ok(Some(Finding::ClaimWithoutLetter {
            stream: claim.stream.clone(),
            key: claim.external_id.escape_default().to_string(),
            letter,
        }))
    }

    /// Checks that an event asked `of` for the effect that was claimed in `target`.
    async fn effect(
        &self,
        effect: EffectId,
        of: &StreamId,
        target: &StreamId,
    ) -> Result<Option<Finding>, StoreError> {
        let target = target.clone();
        let Some(event) = self.event(&effect.source, effect.sequence).await? else {
            return Ok(Some(Finding::EffectWithoutSource { effect, target }));
        };
        Ok(
            match self.asked(&effect.component, &event, effect.ordinal) {
                Some(Asked::Of(asked) | Asked::MaybeOf(asked)) if asked == *of => None,
                None => None,
                Some(_) => Some(Finding::EffectUnasked { effect, target }),
            },
        )
    }

    /// Checks that a rejected effect was rejected by its target.
    async fn returned(
        &self,
        effect: EffectId,
        to: &StreamId,
    ) -> Result<Option<Finding>, StoreError> {
        let to = to.clone();
        let Some(event) = self.event(&effect.source, effect.sequence).await? else {
            return Ok(Some(Finding::EffectWithoutSource { effect, target: to }));
        };
        if effect.source != to {
            return Ok(Some(Finding::ReturnUnexplained { effect, to }));
        }
        let outcomes = self.reactions.get(&effect.component);
        let outcomes = outcomes.and_then(|reaction| reaction.accountable()?.outcomes());
        let asked = self.asked(&effect.component, &event, effect.ordinal);
        let (Some(outcomes), Some(asked)) = (outcomes, asked) else {
            return Ok(None);
        };
        let first = match asked {
            Asked::Of(target) => {
                let key = ClaimKey::Effect(effect.clone()).to_string();
                let claim = outcomes.find_claim(&target, &key).await?;
                claim.map(|claim| claim.first)
            }
            Asked::MaybeOf(_) | Asked::Nothing => None,
        };
        Ok(match first {
            Some(FirstResult::Rejected(_)) => None,
            _ => Some(Finding::ReturnUnexplained { effect, to }),
        })
    }

    async fn timer(&self, timer: &Timer) -> Result<Option<Finding>, StoreError> {
        let Timer {
            stream,
            name,
            set_at,
            ..
        } = timer;
        let unset = || Finding::TimerUnset {
            stream: stream.clone(),
            name: name.clone(),
            set_at: *set_at,
        };
        let Some(event) = self.event(stream, *set_at).await? else {
            return Ok(Some(unset()));
        };
        let component = Component::new(&format!("{}.timers", stream.domain));
        let asked = component
            .ok()
            .and_then(|component| self.asked(&component, &event, timer.ordinal));
        Ok(match asked {
            None | Some(Asked::MaybeOf(_)) => None,
            Some(Asked::Of(_) | Asked::Nothing) => Some(unset()),
        })
    }

    async fn event(
        &self,
        stream: &StreamId,
        sequence: Sequence,
    ) -> Result<Option<RecordedEvent>, StoreError> {
        let read = self.log.read_stream(stream, sequence, 1).await?;
        Ok(read.into_iter().find(|event| event.sequence == sequence))
    }

    /// Returns the effect that an ordinal of an event stands for; `None` if its component cannot be asked.
    fn asked(&self, component: &Component, event: &RecordedEvent, ordinal: u32) -> Option<Asked> {
        let reaction = self.reactions.get(component)?;
        let mut all = asked(&**reaction, reaction.accountable()?, event)
            .ok()?
            .into_iter();
        let place = usize::try_from(ordinal).ok()?;
        Some(all.nth(place).unwrap_or(Asked::Nothing))
    }
}
