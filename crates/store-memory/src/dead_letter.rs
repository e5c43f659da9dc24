//! The seam of the letters.

use async_trait::async_trait;
use seriatim_core::{DeadLetter, DeadLetterStore, LetterFilter, StoreError};
use uuid::Uuid;

use crate::MemoryStore;

#[async_trait]
impl DeadLetterStore for MemoryStore {
    async fn letter(&self, id: Uuid) -> Result<Option<DeadLetter>, StoreError> {
        Ok(self.log().letters.get(&id).cloned())
    }

    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let log = self.log();
        let letters = log.letters.values();
        let found = letters.filter(|letter| filter.matches(letter));
        Ok(found.take(limit).cloned().collect())
    }
}
