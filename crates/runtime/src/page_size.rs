//! How many events to ask for at once, so that a page is neither a round trip for little nor too much for memory.

use seriatim_core::RecordedEvent;

/// What a page should come to, in bytes of payload.
pub(crate) const TARGET: usize = 4 << 20;
/// Before anything is known of the events.
const FIRST: usize = 100;
/// From here on a page is no faster for being larger.
pub(crate) const LARGEST: usize = 2000;

/// Follows the size of the events that were read last.
#[derive(Debug)]
pub(crate) struct PageSize(usize);

impl Default for PageSize {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl PageSize {
    /// The limit for the next page.
    pub(crate) fn limit(&self) -> usize {
        self.0
    }

    /// Learns from a page.
    pub(crate) fn learn(&mut self, page: &[RecordedEvent]) {
        if page.is_empty() {
            return;
        }
        let bytes = bytes(page).max(1);
        // At most four times the last one: the next events may be larger.
        let wished = (page.len().saturating_mul(TARGET) / bytes).min(self.0.saturating_mul(4));
        self.0 = wished.clamp(1, LARGEST);
    }
}

/// What the payloads of events take.
pub(crate) fn bytes(events: &[RecordedEvent]) -> usize {
    events.iter().map(|event| event.payload.data.len()).sum()
}
