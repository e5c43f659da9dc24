//! Lists the letters about parked commands, and carries out what people decide about them.

use async_trait::async_trait;
use seriatim_core::{
    AnnotationStore, CommandLetter, DeadLetter, Decision, FaultGroup, LetterFilter, LetterKind,
    LetterSimulation, LetterSource, OpenLetter, OperatorError, QueryError, Simulated,
};
use uuid::Uuid;

use crate::Coordinator;
use crate::deciding::require_parked;

#[async_trait]
impl LetterSource for Coordinator {
    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, OperatorError> {
        let found = self.store().letters(filter, limit).await?;
        let shown = found.into_iter().map(|letter| self.shown(letter));
        Ok(shown.collect())
    }

    fn annotation_store(&self, letter: &DeadLetter) -> Option<&dyn AnnotationStore> {
        match letter {
            DeadLetter::Command(_) => Some(&**self.store()),
            DeadLetter::Reaction(_) => None,
        }
    }

    async fn assignees(
        &self,
        letters: &[DeadLetter],
    ) -> Result<Vec<(Uuid, String)>, OperatorError> {
        let of_commands = letters
            .iter()
            .filter(|letter| letter.kind() == LetterKind::Command);
        let ids: Vec<_> = of_commands.map(DeadLetter::id).collect();
        Ok(self.store().assignees(&ids).await?)
    }

    async fn fault_groups(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<FaultGroup>, OperatorError> {
        Ok(self.store().fault_groups(filter, limit).await?)
    }

    async fn find(&self, id: Uuid) -> Result<Option<DeadLetter>, OperatorError> {
        let found = self.store().letter(id).await?;
        Ok(found.map(|letter| self.shown(letter)))
    }

    async fn open(&self, id: Uuid) -> Result<Option<OpenLetter>, OperatorError> {
        match self.examine(id).await {
            Ok(mut view) => {
                self.to_today(&mut view.letter);
                Ok(Some(OpenLetter::Command(Box::new(view))))
            }
            Err(QueryError::UnknownLetter { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn simulate(&self, id: Uuid) -> Result<Option<LetterSimulation>, OperatorError> {
        let Some(letter) = self.store().letter(id).await? else {
            return Ok(None);
        };
        require_parked(&letter)?;
        let host = self.host_to_ask(&letter.stream().domain)?;
        let simulation = host.simulate_letter(&letter).await?;
        // The letter has not learned yet of the decision that has spent its claim.
        if let Simulated::Duplicate(first) | Simulated::ExternalIdReused(first) =
            &simulation.outcome
        {
            return Err(self.closed_by_claim(&letter, first).await);
        }
        Ok(Some(LetterSimulation::Command(Box::new(simulation))))
    }

    async fn decide(&self, decision: &Decision) -> Result<Option<DeadLetter>, OperatorError> {
        let decided = self.carry_out(decision).await?;
        Ok(decided.map(|letter| self.shown(letter)))
    }
}

impl Coordinator {
    /// Returns the letter with its commands in today's shape. It is only for showing: what is written back must be what
    /// was stored.
    fn shown(&self, mut letter: CommandLetter) -> DeadLetter {
        self.to_today(&mut letter);
        DeadLetter::Command(Box::new(letter))
    }

    fn to_today(&self, letter: &mut CommandLetter) {
        let request = &mut letter.request;
        let shapes = self.log().shapes();
        shapes.apply_to_commands(&request.stream.domain, &mut request.commands);
    }
}
