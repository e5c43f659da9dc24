//! Lists the letters about events that components gave up, and carries out what a person decides about them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use seriatim_core::{
    AnnotationStore, CheckpointStore, Component, DeadLetter, Decider, Decision, Desk, FaultGroup,
    GivenUp, LetterDecision, LetterFilter, LetterSimulation, LetterSource, LetterStatus,
    OpenLetter, OperatorError, Position, Reaction, ReactionLetter, Sequence, StoreError, Timestamp,
    Work,
};
use uuid::Uuid;

use super::runner::Reactions;

/// The number of events behind a letter that are searched for those that wait.
const FOLLOWERS: usize = 1000;

/// The number of events that are read at once.
const PAGE: usize = 100;

/// The letters of the components that this process was started with, whichever process works for them. A decision
/// reaches this process at once, and another within a third of its lease.
#[async_trait]
impl LetterSource for Reactions {
    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, OperatorError> {
        let mut found = Vec::new();
        for (checkpoints, of_it) in self.asked(filter)? {
            found.extend(checkpoints.reaction_letters(&of_it, limit).await?);
        }
        filter.sort(&mut found, |letter| letter.id, limit);
        let boxed = found.into_iter().map(Box::new);
        Ok(boxed.map(DeadLetter::Reaction).collect())
    }

    fn annotation_store(&self, letter: &DeadLetter) -> Option<&dyn AnnotationStore> {
        match letter {
            DeadLetter::Command(_) => None,
            DeadLetter::Reaction(letter) => {
                let reaction = self.one(&letter.work.component).ok()?;
                Some(reaction.checkpoints())
            }
        }
    }

    async fn assignees(
        &self,
        letters: &[DeadLetter],
    ) -> Result<Vec<(Uuid, String)>, OperatorError> {
        let mut by_component = BTreeMap::<&Component, Vec<Uuid>>::new();
        for letter in letters {
            if let DeadLetter::Reaction(letter) = letter {
                let ids = by_component.entry(&letter.work.component).or_default();
                ids.extend(letter.id);
            }
        }
        let mut found = Vec::new();
        for (component, ids) in by_component {
            found.extend(self.one(component)?.checkpoints().assignees(&ids).await?);
        }
        Ok(found)
    }

    async fn fault_groups(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<FaultGroup>, OperatorError> {
        let mut found = Vec::new();
        for (checkpoints, of_it) in self.asked(filter)? {
            found.extend(checkpoints.reaction_fault_groups(&of_it, limit).await?);
        }
        FaultGroup::sort(&mut found, limit);
        Ok(found)
    }

    async fn find(&self, id: Uuid) -> Result<Option<DeadLetter>, OperatorError> {
        let found = self.letter(id).await?;
        Ok(found.map(|(_, letter)| DeadLetter::Reaction(Box::new(letter))))
    }

    async fn open(&self, id: Uuid) -> Result<Option<OpenLetter>, OperatorError> {
        let given_up = self.given_up(id).await?;
        Ok(given_up.map(|given_up| OpenLetter::Reaction(Box::new(given_up))))
    }

    async fn simulate(&self, id: Uuid) -> Result<Option<LetterSimulation>, OperatorError> {
        let Some(given_up) = self.given_up(id).await? else {
            return Ok(None);
        };
        require_parked(id, &given_up.letter)?;
        Ok(Some(LetterSimulation::Reaction(Box::new(given_up))))
    }

    async fn decide(&self, decision: &Decision) -> Result<Option<DeadLetter>, OperatorError> {
        let id = decision.letter;
        let Some((reaction, letter)) = self.letter(id).await? else {
            return Ok(None);
        };
        require_parked(id, &letter)?;
        let verb = decision.action.of_event();
        let verb = verb.map_err(|what| OperatorError::OnlyOfCommands { id, what })?;
        let decided = LetterDecision {
            verb,
            actor: decision.actor.clone(),
            reason: decision.reason.clone(),
            at: Timestamp::now(),
        };
        let (work, stream) = (&letter.work, &letter.stream);
        let checkpoints = reaction.checkpoints();
        let noted = checkpoints
            .decide(work, stream, letter.sequence, &decided)
            .await?;
        self.ring(work);
        if !noted {
            if let Some((_, letter)) = self.letter(id).await? {
                require_parked(id, &letter)?;
            }
            // It was another decision, or the letter has changed at this moment.
            return Err(OperatorError::Decided { id, by: None });
        }
        let (verb, actor, reason) = (verb.as_str(), &decision.actor, &decision.reason);
        tracing::info!(%work, %stream, letter = %id, verb, actor, reason, "a letter was decided about");
        Ok(Some(DeadLetter::Reaction(Box::new(ReactionLetter {
            decision: Some(decided),
            ..letter
        }))))
    }
}

impl Reactions {
    /// Returns the desk with the letters of commands and those of the components of this process.
    pub fn desk(self: &Arc<Self>, commands: impl LetterSource) -> Desk {
        Desk::new(vec![Arc::new(commands), Arc::clone(self) as _])
    }

    /// Returns the stores of the components that a filter asks for, each with the filter for the letters of one component.
    fn asked(
        &self,
        filter: &LetterFilter,
    ) -> Result<Vec<(&dyn CheckpointStore, LetterFilter)>, OperatorError> {
        let reactions = match &filter.component {
            Some(component) => std::slice::from_ref(self.one(component)?),
            None => self.enrolled(),
        };
        let asked = reactions.iter().map(|reaction| {
            let of_it = LetterFilter {
                component: Some(reaction.component().clone()),
                ..filter.clone()
            };
            (reaction.checkpoints(), of_it)
        });
        Ok(asked.collect())
    }

    async fn given_up(&self, id: Uuid) -> Result<Option<GivenUp>, StoreError> {
        let Some((reaction, letter)) = self.letter(id).await? else {
            return Ok(None);
        };
        let log = self.feed.log();
        let events = log.read_stream(&letter.stream, letter.sequence, 1);
        let event = events.await?.into_iter().next();
        let event = event.filter(|event| event.sequence == letter.sequence);
        let (followers, more_followers) = match letter.status {
            LetterStatus::Parked => self.followers(&**reaction, &letter).await?,
            LetterStatus::Resolved | LetterStatus::Discarded => (0, false),
        };
        Ok(Some(GivenUp {
            letter,
            event,
            followers,
            more_followers,
        }))
    }

    async fn letter(
        &self,
        id: Uuid,
    ) -> Result<Option<(&Arc<dyn Reaction>, ReactionLetter)>, StoreError> {
        for reaction in self.enrolled() {
            let found = reaction.checkpoints().reaction_letter(id).await?;
            if let Some(letter) = found
                && letter.work.component == *reaction.component()
            {
                return Ok(Some((reaction, letter)));
            }
        }
        Ok(None)
    }

    /// Returns how many events wait behind the letter, and whether there may be more.
    async fn followers(
        &self,
        reaction: &dyn Reaction,
        letter: &ReactionLetter,
    ) -> Result<(u64, bool), StoreError> {
        let passed = passed(reaction.checkpoints(), &letter.work).await?;
        let (mut count, mut looked) = (0, 0);
        let mut last = letter.sequence;
        while looked < FOLLOWERS {
            let Ok(from) = Sequence::after(Some(last)) else {
                return Ok((count, false));
            };
            let log = self.feed.log();
            let events = log.read_stream(&letter.stream, from, PAGE).await?;
            let waiting = events.iter().take_while(|event| event.position <= passed);
            for event in waiting {
                looked += 1;
                last = event.sequence;
                count += u64::from(reaction.filter().matches(event));
            }
            let is_all =
                events.len() < PAGE || events.last().is_none_or(|event| event.sequence != last);
            if is_all {
                return Ok((count, false));
            }
        }
        Ok((count, true))
    }
}

/// Returns the position of the checkpoint. Events behind a letter that are also after the checkpoint do not wait for
/// the letter yet.
async fn passed(checkpoints: &dyn CheckpointStore, work: &Work) -> Result<Position, StoreError> {
    let all = checkpoints.checkpoints(Some(&work.component)).await?;
    let of_work = all.iter().find(|checkpoint| checkpoint.work == *work);
    Ok(of_work.map_or(Position::START, |checkpoint| checkpoint.at.position))
}

fn require_parked(id: Uuid, letter: &ReactionLetter) -> Result<(), OperatorError> {
    let by = letter.decision.as_ref().map(Decider::from);
    match letter.status {
        LetterStatus::Parked if by.is_some() => Err(OperatorError::Decided { id, by }),
        LetterStatus::Parked => Ok(()),
        status => Err(OperatorError::Closed { id, status, by }),
    }
}
