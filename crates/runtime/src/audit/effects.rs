//! Checks from events to effects: each effect of an event up to a component's checkpoint has an outcome at its target.

use std::sync::Arc;

use seriatim_core::{Log, LogPartition, Position, Reaction, RecordedEvent, StoreError};
use tokio::time::Instant;

use super::forwards::{AuditedEffects, Forwards};
use super::found::Found;
use super::pass::pause;
use super::report::AuditProgress;
use super::unproven::Unproven;
use crate::page_size::PageSize;

/// One pass through the effects of all components, which can be continued as they progress.
#[derive(Debug)]
pub(super) struct Effects {
    log: Log,
    tracks: Vec<Forwards>,
    size: PageSize,
    found: Found,
    unproven: Vec<Unproven>,
}

impl Effects {
    pub(super) fn new(log: &Log, reactions: &[Arc<dyn Reaction>]) -> Self {
        let (mut tracks, mut unproven) = (Vec::new(), Vec::new());
        for reaction in reactions {
            let component = reaction.component().clone();
            match reaction.accountable() {
                None => unproven.push(Unproven::Projected { component }),
                Some(accountable) if accountable.outcomes().is_none() => {
                    unproven.push(Unproven::OutOfReach { component });
                }
                Some(_) => {
                    let partitions = LogPartition::all(log.partitions());
                    tracks.extend(partitions.map(|partition| Forwards::new(reaction, partition)));
                }
            }
        }
        Self {
            log: log.clone(),
            tracks,
            size: PageSize::default(),
            found: Found::default(),
            unproven,
        }
    }

    pub(super) fn found(&self) -> &Found {
        &self.found
    }

    pub(super) fn unproven(&self) -> &[Unproven] {
        &self.unproven
    }

    pub(super) fn audited(&self) -> Vec<AuditedEffects> {
        let tracks = self.tracks.iter();
        tracks.map(|track| track.audited.clone()).collect()
    }

    /// Continues up to the components' checkpoints. It rests as [`Pass::catch_up`](super::pass::Pass::catch_up) does.
    pub(super) async fn catch_up(
        &mut self,
        rest: u32,
        progress: &mut (impl FnMut(&AuditProgress) + Send),
    ) -> Result<(), StoreError> {
        for track in &mut self.tracks {
            track.look_up().await?;
        }
        for partition in LogPartition::all(self.log.partitions()) {
            // One page serves all components that are as far back as the one furthest back.
            while let Some(after) = self.last_behind(partition) {
                let begun = Instant::now();
                let page = self.log.read(partition, after, self.size.limit());
                let events = page.await?;
                let Some(last) = events.last().map(|event| event.position) else {
                    // If events are missing here, another check finds that.
                    break;
                };
                self.size.learn(&events);
                self.page(partition, &events, last).await?;
                progress(&AuditProgress::Effects {
                    partition,
                    position: last,
                });
                pause(begun.elapsed().saturating_mul(rest)).await;
            }
        }
        Ok(())
    }

    /// Returns the position of the component furthest back, of those that are not yet checked up to their checkpoints.
    fn last_behind(&self, partition: LogPartition) -> Option<Position> {
        let behind = self
            .tracks
            .iter()
            .filter(|track| track.is_behind(partition));
        behind.map(|track| track.looked).min()
    }

    async fn page(
        &mut self,
        partition: LogPartition,
        events: &[RecordedEvent],
        last: Position,
    ) -> Result<(), StoreError> {
        for track in &mut self.tracks {
            if !track.is_behind(partition) || track.looked >= last {
                continue;
            }
            let to = last.min(track.audited.handled);
            let new = events
                .iter()
                .filter(|event| track.looked < event.position && event.position <= to);
            let looked = track.look(new.collect()).await?;
            track.looked = to;
            track.audited.effects += looked.effects;
            if let Some((first, _)) = looked.findings.first() {
                track.finds(*first);
            }
            if track.audited.sound {
                track.audited.verified = to;
            }
            for (_, finding) in looked.findings {
                self.found.note(finding);
            }
            for unproven in looked.unproven {
                if !self.unproven.contains(&unproven) {
                    self.unproven.push(unproven);
                }
            }
        }
        Ok(())
    }
}
