//! Waits for a process manager: first until its instances have their inputs, and then for what they do about them.

use std::sync::Arc;
use std::time::Duration;

use seriatim_core::{
    Asked, ClaimKey, Component, EffectId, FirstResult, LogPartition, Reaction, RecordedEvent,
    StoreError, StreamId, WhyNotHandled,
};

use super::{Waiter, Written, lock};
use crate::asking::asked;

/// The time after which a store that does not answer is asked again. The waiters keep waiting, until their time is
/// over.
const PAUSE: Duration = Duration::from_millis(20);

/// The end of the name of the component of a process manager that takes events in.
const INPUTS: &str = "inputs";

impl Waiter {
    /// Returns the component of this process that records what the events mean to `component`; `None` if
    /// `component` looks at the events themselves.
    pub(super) fn leader(
        &self,
        component: &Component,
        written: &Written<'_>,
    ) -> Option<&Arc<dyn Reaction>> {
        let reaction = self.inner.reaction(component)?;
        if reaction.filter().domains.contains(&written.stream.domain) {
            return None;
        }
        let mut all = self.inner.reactions.iter();
        all.find(|leader| leader.leads_to().contains(component))
    }

    /// Waits until `component` has handled what `leader` records because of the events.
    pub(super) async fn handled_through(
        &self,
        leader: &Arc<dyn Reaction>,
        component: &Component,
        written: &Written<'_>,
    ) -> Result<(), WhyNotHandled> {
        self.handled_itself(leader.component(), written).await?;
        let recorded = loop {
            match self.recorded(leader, written).await {
                Ok(recorded) => break recorded,
                Err(error) => {
                    tracing::debug!(%component, %error, "the recorded events are looked up again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        for (stream, first) in recorded {
            if let FirstResult::Committed {
                first,
                last,
                position,
            } = first
            {
                let written = Written {
                    stream: &stream,
                    partition: LogPartition::of(&stream, self.inner.feed.partitions()),
                    last: position,
                    first,
                    sequence: last,
                    events: &[],
                };
                self.handled_itself(component, &written).await?;
            }
        }
        Ok(())
    }

    /// Returns the outcome of the leader's effects of the events, which the leader has handled.
    async fn recorded(
        &self,
        leader: &Arc<dyn Reaction>,
        written: &Written<'_>,
    ) -> Result<Vec<(StreamId, FirstResult)>, StoreError> {
        let Some((accountable, outcomes)) = (leader.accountable())
            .and_then(|accountable| Some((accountable, accountable.outcomes()?)))
        else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for event in self.events(written).await? {
            // An event whose effects cannot be asked for was skipped or given up.
            let all = asked(&**leader, accountable, &event).unwrap_or_default();
            for (ordinal, asked) in (0..).zip(all) {
                let Asked::Of(stream) = asked else {
                    continue;
                };
                let effect = EffectId {
                    component: leader.component().clone(),
                    source: event.stream.clone(),
                    sequence: event.sequence,
                    ordinal,
                };
                let key = ClaimKey::Effect(effect).to_string();
                let claim = outcomes.find_claim(&stream, &key).await?;
                found.extend(claim.map(|claim| (stream, claim.first)));
            }
        }
        Ok(found)
    }

    async fn events(&self, written: &Written<'_>) -> Result<Vec<RecordedEvent>, StoreError> {
        if !written.events.is_empty() {
            return Ok(written.events.to_vec());
        }
        let count = written.sequence.0 - written.first.0 + 1;
        let log = self.inner.feed.log();
        log.read_stream(written.stream, written.first, count as usize)
            .await
    }

    /// Returns the component of another process that takes in what `component` acts on. It is found by its name.
    pub(super) fn inputs_elsewhere(&self, component: &Component) -> Option<Component> {
        let name = component.as_str();
        let manager = name.strip_suffix(".timers").unwrap_or(name);
        let inputs = Component::new(&format!("{manager}.{INPUTS}")).ok()?;
        lock(&self.inner.elsewhere)
            .contains(&inputs)
            .then_some(inputs)
    }
}
