//! Shows the progress of components to a person, and pauses and resumes them.

use std::sync::Arc;

use seriatim_core::{
    Begin, Component, Cursor, LogPartition, OperatorError, Progress, Reaction, ReactionLetter,
    StoreError, Work,
};

use super::parking::for_people;
use super::runner::Reactions;
use crate::meter;

/// The requests of a person. They reach the components that this process was started with, whichever process works for
/// them. This process is told at once; another notices within a third of its lease.
impl Reactions {
    /// Returns the progress of all work of all components.
    pub async fn progress(&self) -> Result<Vec<Progress>, StoreError> {
        let mut found = Vec::new();
        for reaction in self.enrolled() {
            let store = reaction.checkpoints();
            let component = Some(reaction.component());
            // The order matters: a stream is parked in the step that moves the checkpoint past it, and a reader who
            // sees that checkpoint must also see the parked stream.
            let mut checkpoints = store.checkpoints(component).await?;
            let parked = store.parked(component).await?;
            self.feed.confront(&mut checkpoints).await?;
            for checkpoint in checkpoints {
                let of_it = |parked: &&ReactionLetter| parked.work == checkpoint.work;
                // This checkpoint is of a log that had more partitions, or of another log.
                if checkpoint.work.partition.0 >= self.feed.partitions().get() {
                    continue;
                }
                let (log, partition) = (self.feed.log(), checkpoint.work.partition);
                let next = log.read(partition, checkpoint.at.position, 1).await?;
                found.push(Progress {
                    head: log.head(partition).await?,
                    behind_since: next.first().map(|event| event.recorded_at),
                    parked: parked.iter().filter(of_it).count(),
                    parked_since: (parked.iter().filter(of_it))
                        .map(|parked| parked.parked_at)
                        .min(),
                    checkpoint,
                });
            }
        }
        Ok(found)
    }

    /// Updates the metrics that are measured rather than counted: the progress of the log and of all components. Call
    /// it before the metrics are read.
    pub async fn observe(&self) -> Result<(), StoreError> {
        for partition in LogPartition::all(self.feed.partitions()) {
            meter::head(partition, self.feed.log().head(partition).await?);
        }
        for progress in self.progress().await? {
            meter::progress(&progress);
        }
        Ok(())
    }

    /// Pauses a component, whichever process works for it, until a person [resumes](Self::resume) it. A restart or a
    /// take-over does not end the pause. Returns the work that has begun; it is paused after its current step.
    ///
    /// A process manager has three components, each of which is paused separately.
    pub async fn pause(
        &self,
        component: &Component,
        actor: Option<&str>,
        reason: Option<&str>,
    ) -> Result<Vec<Work>, OperatorError> {
        let checkpoints = self.one(component)?.checkpoints();
        let who = actor.unwrap_or("somebody");
        let why = match reason {
            Some(reason) => format!("{who} has paused it: {reason}"),
            None => format!("{who} has paused it"),
        };
        checkpoints
            .set_pause(component, Some(&for_people(&why)))
            .await?;
        let all = checkpoints.checkpoints(Some(component)).await?;
        let works = all.into_iter().map(|checkpoint| checkpoint.work);
        Ok(works.inspect(|work| self.ring(work)).collect())
    }

    /// Resumes all paused work of a component. Returns that work. If a person has paused the component, that is all
    /// work that has begun.
    pub async fn resume(&self, component: &Component) -> Result<Vec<Work>, OperatorError> {
        let checkpoints = self.one(component)?.checkpoints();
        let mut resumed = Vec::new();
        let by_hand = checkpoints.set_pause(component, None).await?;
        for checkpoint in checkpoints.checkpoints(Some(component)).await? {
            let is_paused = checkpoint.paused.is_some();
            if (is_paused && checkpoints.resume(&checkpoint.work).await?) || by_hand {
                self.ring(&checkpoint.work);
                resumed.push(checkpoint.work);
            }
        }
        Ok(resumed)
    }

    /// Makes a component begin again at another place, and returns that place. Its progress and its parked streams are
    /// forgotten; its effects are not undone, and its closed letters are kept.
    ///
    /// Fails for a read model, because its tables show all events from the first on.
    pub async fn begin(
        &self,
        component: &Component,
        begin: &Begin,
    ) -> Result<Cursor, OperatorError> {
        let reaction = self.one(component)?;
        if let Some((version, _)) = reaction.read_model() {
            let version = version.clone();
            return Err(OperatorError::ReadModel { version });
        }
        let at = self.feed.log().locate(begin).await?;
        reaction.checkpoints().begin_anew(component, &at).await?;
        for (work, bell) in &self.bells {
            if work.component == *component {
                bell.notify_one();
            }
        }
        Ok(at)
    }

    pub(super) fn one(&self, component: &Component) -> Result<&Arc<dyn Reaction>, OperatorError> {
        let mut all = self.enrolled().iter();
        let found = all.find(|reaction| reaction.component() == component);
        found.ok_or_else(|| OperatorError::UnknownComponent {
            component: component.clone(),
            known: (self.enrolled().iter())
                .map(|reaction| reaction.component().clone())
                .collect(),
        })
    }

    pub(super) fn ring(&self, work: &Work) {
        if let Some((_, bell)) = self.bells.iter().find(|(of, _)| of == work) {
            bell.notify_one();
        }
    }
}
