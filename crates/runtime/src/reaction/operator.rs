//! What a person can see of components, and do about what they could not handle.

use std::sync::Arc;

use seriatim_core::{
    CheckpointStore, Component, Decision, LogPartition, OperatorError, Parked, Progress, Reaction,
    Skipped, StoreError, Timestamp, Will, Wish, Work,
};

use super::runner::Reactions;
use crate::meter;

/// The verbs of a person. They reach the components that this process was started with, whichever process works for
/// them; that is told at once if it is this one, and else finds out within a third of its lease.
impl Reactions {
    /// How far the work of all components has come.
    pub async fn progress(&self) -> Result<Vec<Progress>, StoreError> {
        let mut found = Vec::new();
        for reaction in self.enrolled() {
            let store = reaction.checkpoints();
            let component = Some(reaction.component());
            // In this order: a stream is parked in the step that moves the checkpoint past it, and who sees the one must not
            // miss the other.
            let checkpoints = store.checkpoints(component).await?;
            let parked = store.parked(component).await?;
            for checkpoint in checkpoints {
                let of_it = |parked: &&Parked| parked.work == checkpoint.work;
                // Of a log that had more partitions, or of another one.
                if checkpoint.work.partition.0 >= self.feed.partitions().get() {
                    continue;
                }
                let (log, partition) = (self.feed.store(), checkpoint.work.partition);
                let next = log.read_log(partition, checkpoint.position, 1).await?;
                found.push(Progress {
                    head: log.head(partition).await?,
                    behind_since: next.first().map(|event| event.recorded_at),
                    parked: parked.iter().filter(of_it).count(),
                    parked_since: (parked.iter().filter(of_it))
                        .map(|parked| parked.since)
                        .min(),
                    checkpoint,
                });
            }
        }
        Ok(found)
    }

    /// Tells the metrics what is not counted but looked at: how far the log and the work of all components have come.
    /// To be called before they are read.
    pub async fn observe(&self) -> Result<(), StoreError> {
        for partition in LogPartition::all(self.feed.partitions()) {
            meter::head(partition, self.feed.store().head(partition).await?);
        }
        for progress in self.progress().await? {
            meter::progress(&progress);
        }
        Ok(())
    }

    /// The streams that are parked, of one component or of all.
    pub async fn parked(&self, of: Option<&Component>) -> Result<Vec<Parked>, OperatorError> {
        let mut found = Vec::new();
        for reaction in self.of(of)? {
            let parked = reaction.checkpoints().parked(Some(reaction.component()));
            found.extend(parked.await?);
        }
        Ok(found)
    }

    /// The events that were given up last, of one component or of all, the latest first.
    pub async fn skipped(
        &self,
        of: Option<&Component>,
        limit: usize,
    ) -> Result<Vec<Skipped>, OperatorError> {
        let mut found = Vec::new();
        for reaction in self.of(of)? {
            let checkpoints = reaction.checkpoints();
            found.extend(
                checkpoints
                    .skipped(Some(reaction.component()), limit)
                    .await?,
            );
        }
        found.sort_by_key(|skipped| std::cmp::Reverse(skipped.at));
        found.truncate(limit);
        Ok(found)
    }

    /// Decides about a parked stream, and gives it as it was. What comes of it shows later: it is not parked any more,
    /// or at a later event, or has failed again.
    pub async fn decide(&self, decision: Decision) -> Result<Parked, OperatorError> {
        let Decision {
            component,
            stream,
            sequence,
            ..
        } = &decision;
        let checkpoints = self.one(component)?.checkpoints();
        let parked = checkpoints.parked(Some(component)).await?;
        let found = parked.into_iter().find(|parked| parked.stream == *stream);
        let parked = found.ok_or_else(|| OperatorError::NotParked {
            component: component.clone(),
            stream: stream.clone(),
        })?;
        if let Some(asked) = sequence.filter(|asked| *asked != parked.sequence) {
            return Err(OperatorError::Elsewhere {
                stream: stream.clone(),
                asked,
                parked: parked.sequence,
            });
        }
        let noted = note(checkpoints, &parked, wish(&decision)?).await?;
        self.ring(&parked.work);
        noted.then_some(parked).ok_or(OperatorError::Decided {
            stream: decision.stream,
        })
    }

    /// Wants all parked streams of a component to be retried, and says how many that are. Those about which somebody
    /// has decided already are left alone.
    pub async fn retry_all(
        &self,
        component: &Component,
        actor: Option<&str>,
    ) -> Result<usize, OperatorError> {
        let checkpoints = self.one(component)?.checkpoints();
        let mut count = 0;
        for parked in checkpoints.parked(Some(component)).await? {
            let wish = Wish {
                will: Will::Retry,
                actor: actor.map(clean),
                reason: None,
                at: Timestamp::now(),
            };
            if note(checkpoints, &parked, wish).await? {
                count += 1;
                self.ring(&parked.work);
            }
        }
        Ok(count)
    }

    /// Lets all paused work of a component go on, and says which that is.
    pub async fn resume(&self, component: &Component) -> Result<Vec<Work>, OperatorError> {
        let checkpoints = self.one(component)?.checkpoints();
        let mut resumed = Vec::new();
        for checkpoint in checkpoints.checkpoints(Some(component)).await? {
            let is_paused = checkpoint.paused.is_some();
            if is_paused && checkpoints.resume(&checkpoint.work).await? {
                self.ring(&checkpoint.work);
                resumed.push(checkpoint.work);
            }
        }
        Ok(resumed)
    }

    fn of(&self, component: Option<&Component>) -> Result<&[Arc<dyn Reaction>], OperatorError> {
        match component {
            Some(component) => Ok(std::slice::from_ref(self.one(component)?)),
            None => Ok(self.enrolled()),
        }
    }

    fn one(&self, component: &Component) -> Result<&Arc<dyn Reaction>, OperatorError> {
        let mut all = self.enrolled().iter();
        let found = all.find(|reaction| reaction.component() == component);
        found.ok_or_else(|| OperatorError::UnknownComponent {
            component: component.clone(),
            known: (self.enrolled().iter())
                .map(|reaction| reaction.component().clone())
                .collect(),
        })
    }

    fn ring(&self, work: &Work) {
        if let Some((_, bell)) = self.bells.iter().find(|(of, _)| of == work) {
            bell.notify_one();
        }
    }
}

async fn note(
    checkpoints: &dyn CheckpointStore,
    parked: &Parked,
    wish: Wish,
) -> Result<bool, StoreError> {
    let (work, stream) = (&parked.work, &parked.stream);
    checkpoints
        .decide(work, stream, parked.sequence, &wish)
        .await
}

fn wish(decision: &Decision) -> Result<Wish, OperatorError> {
    let reason = decision.reason.as_deref().map(str::trim);
    let reason = reason.filter(|reason| !reason.is_empty()).map(clean);
    if decision.will == Will::Skip && reason.is_none() {
        return Err(OperatorError::NoReason);
    }
    Ok(Wish {
        will: decision.will,
        actor: decision.actor.as_deref().map(clean),
        reason,
        at: Timestamp::now(),
    })
}

/// As every store can keep it.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
