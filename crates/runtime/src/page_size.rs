//! How many events to ask for at once, so that a page is neither a round trip for little nor too much for memory.

use seriatim_core::RecordedEvent;

/// The target size of a page, in bytes of payload.
pub(crate) const TARGET: usize = 4 << 20;
/// How many events a page has before their size is known, and the size that is then assumed.
const FIRST: usize = 100;
const ASSUMED: usize = 16 << 10;
/// A larger page than this is not faster.
pub(crate) const LARGEST: usize = 2000;

/// Follows the size of the events that were read last.
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

    /// Learns from a page.
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

/// Returns the size of the payloads of events.
pub(crate) fn bytes(events: &[RecordedEvent]) -> usize {
    events.iter().map(|event| event.payload.data.len()).sum()
}
