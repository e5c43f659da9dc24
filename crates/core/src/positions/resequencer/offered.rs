//! Says what became of an event, and which events are missing.

use std::ops::RangeInclusive;

use crate::{Sequence, StreamId};

/// The fate of an event that was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offered<T> {
    /// It is next: handle it now, and then those that waited for it. The list is never empty.
    Ready(Vec<T>),
    /// It was returned before or is kept already, and was dropped.
    Repeated,
    /// It came early and is kept. This is the nearest gap before it; there may be further ones before that.
    Held(Gap),
    /// It came early and there is no room, so it is returned. It counts as missing: it is in this gap.
    Refused(Gap, T),
}

/// Events of a stream, in a row, that did not come although the stream goes further, or that were refused.
///
/// ```
/// # use seriatim_core::{Resequencer, Sequence, StreamId};
/// # let stream: StreamId = "order/0192f0c1-7d2b-7c3a-8f11-5b0a4c6d7e8f".parse().unwrap();
/// let mut resequencer = Resequencer::new(1000);
/// for sequence in [0, 1, 4, 6] {
///     let _ = resequencer.offer(&stream, Sequence(sequence), ());
/// }
/// let gaps = resequencer.gaps();
/// assert_eq!(gaps[0].range(), 2..=3);
/// assert_eq!(gaps[1].range(), 5..=5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The stream.
    pub stream: StreamId,
    /// The first missing event.
    pub from: Sequence,
    /// The last missing event.
    pub through: Sequence,
}

impl Gap {
    /// Returns the sequences of the missing events.
    pub fn range(&self) -> RangeInclusive<u32> {
        self.from.0..=self.through.0
    }
}
