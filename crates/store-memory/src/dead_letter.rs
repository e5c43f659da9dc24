//! The seam of the letters.

use async_trait::async_trait;
use seriatim_core::{CommandLetter, DeadLetterStore, LetterFilter, StoreError};
use uuid::Uuid;

use crate::MemoryStore;

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
            .filter(|letter| filter.matches_command(letter))
            .cloned()
            .collect();
        filter.sort(&mut found, |letter| letter.id, limit);
        Ok(found)
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
