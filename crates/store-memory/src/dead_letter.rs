//! The seam of the letters.

use async_trait::async_trait;
use seriatim_core::{CommandLetter, DeadLetterStore, FaultGroup, LetterFilter, StoreError};
use uuid::Uuid;

use crate::{MemoryStore, annotation};

#[async_trait]
impl DeadLetterStore for MemoryStore {
    async fn letter(&self, id: Uuid) -> Result<Option<CommandLetter>, StoreError> {
        Ok(self.log().letters.get(&id).cloned())
    }

    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<CommandLetter>, StoreError> {
        let log = self.log();
        let letters = log.letters.values();
        let mut found: Vec<_> = letters
            .filter(|letter| filter.matches_command(letter) && log.is_for(filter, letter.id))
            .cloned()
            .collect();
        filter.sort(&mut found, |letter| letter.id, limit);
        Ok(found)
    }

    async fn fault_groups(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<FaultGroup>, StoreError> {
        let log = self.log();
        let filter = annotation::waiting(filter);
        let letters = log.letters.values();
        let matching = letters
            .filter(|letter| filter.matches_command(letter) && log.is_for(&filter, letter.id))
            .map(|letter| (None, letter.stream(), letter.fault(), letter.id));
        Ok(annotation::groups(matching, limit))
    }

    async fn revise(&self, letter: &CommandLetter) -> Result<bool, StoreError> {
        let mut log = self.log();
        let kept = log.letters.get_mut(&letter.id);
        let before = kept.filter(|kept| kept.attempts.len() + 1 == letter.attempts.len());
        Ok(before.is_some_and(|kept| {
            kept.clone_from(letter);
            true
        }))
    }
}
