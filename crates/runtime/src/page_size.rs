//! Chooses how many events to ask for at once, so that a page neither wastes a round trip nor takes too much memory.

use seriatim_core::RecordedEvent;

/// The target size of a page, in bytes of payload.
pub(crate) const TARGET: usize = 4 << 20;
/// The most events of the first page.
const FIRST: usize = 100;
/// The size that an event is assumed to have before any was read, in bytes of payload.
const ASSUMED: usize = 16 << 10;
/// The most events of a page; larger pages are not faster.
pub(crate) const LARGEST: usize = 2000;

/// Adapts the size of pages to the events that were read last.
#[derive(Debug)]
pub(crate) struct PageSize {
    limit: usize,
    target: usize,
}

impl Default for PageSize {
    fn default() -> Self {
        Self::of(TARGET)
    }
}

impl PageSize {
    /// Makes one for pages of this many bytes of payload.
    pub(crate) fn of(target: usize) -> Self {
        let limit = (target / ASSUMED).clamp(1, FIRST);
        Self { limit, target }
    }

    /// Returns the limit for the next page.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn learn(&mut self, page: &[RecordedEvent]) {
        if page.is_empty() {
            return;
        }
        let bytes = bytes(page).max(1);
        // The limit grows at most four times: the next events may be larger.
        let most = LARGEST.min(self.limit.saturating_mul(4));
        let wished = page.len().saturating_mul(self.target) / bytes;
        self.limit = wished.clamp(1, most);
    }
}

/// Returns the size of the payloads of events, in bytes.
pub(crate) fn bytes(events: &[RecordedEvent]) -> usize {
    events.iter().map(|event| event.payload.data.len()).sum()
}
