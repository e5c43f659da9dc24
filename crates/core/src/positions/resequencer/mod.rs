//! Restores the order of events that a transport may repeat, reorder or lose.

mod offered;
mod overdue;
mod stream;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

pub use offered::{Gap, Offered};
use stream::Stream;

use crate::{Sequence, StreamId};

/// Returns the events of each stream in order and exactly once, in whatever order and however often they arrive.
///
/// It is for receivers of events over a WebSocket, from a queue, or from several connections. It does no I/O and has no
/// clock. It keeps events that came early, and names those that are missing and those that have been missing for too
/// long. The receiver asks for them.
///
/// An event that comes before those that it follows waits for them, and all come out together:
///
/// ```
/// # use seriatim_core::{Gap, Offered, Resequencer, Sequence, StreamId};
/// # let stream: StreamId = "conversation/0192f0c1-7d2b-7c3a-8f11-5b0a4c6d7e8f".parse().unwrap();
/// let gap = |from, through| Gap { stream: stream.clone(), from: Sequence(from), through: Sequence(through) };
/// let mut resequencer = Resequencer::new(1000);
/// // What was shown before: everything up to 41.
/// assert!(resequencer.begin_after(&stream, Sequence(41)).is_empty());
///
/// let mut offer = |sequence, event| resequencer.offer(&stream, Sequence(sequence), event);
/// assert_eq!(offer(44, "hello??"), Offered::Held(gap(42, 43)));
/// assert_eq!(offer(43, "you there"), Offered::Held(gap(42, 42)));
/// assert_eq!(offer(42, "hey"), Offered::Ready(vec!["hey", "you there", "hello??"]));
/// // It arrives once more.
/// assert_eq!(offer(42, "hey"), Offered::Repeated);
/// ```
///
/// Of 1, 2, 4 and 5 the event 3 is missing:
///
/// ```
/// # use seriatim_core::{Offered, Resequencer, Sequence, StreamId};
/// # let stream: StreamId = "order/0192f0c1-7d2b-7c3a-8f11-5b0a4c6d7e8f".parse().unwrap();
/// let mut resequencer = Resequencer::new(1000);
/// let _ = resequencer.begin_at(&stream, Sequence(1));
/// for sequence in [1, 2, 4, 5] {
///     let _ = resequencer.offer(&stream, Sequence(sequence), sequence);
/// }
/// let missing: Vec<u32> = resequencer.gaps().iter().flat_map(|gap| gap.range()).collect();
/// assert_eq!(missing, [3]);
/// assert_eq!(resequencer.offer(&stream, Sequence(3), 3), Offered::Ready(vec![3, 4, 5]));
/// assert_eq!(resequencer.gaps(), []);
/// ```
///
/// # Where a stream begins
/// A stream that was never seen begins at sequence 0 or, [from anywhere](Self::from_anywhere), at the first event that
/// comes of it. Two methods place a stream elsewhere, at any time: [`begin_at`](Self::begin_at) names the next event to
/// return, [`begin_after`](Self::begin_after) the last one that was handled.
///
/// # Time
/// With a [patience](Self::patience), [`overdue`](Self::overdue) returns the gaps that have been open for that long,
/// and [`next_deadline`](Self::next_deadline) says when to call it. A receiver that sets none never says the time.
///
/// The loss of the last events of a stream shows only when a later one comes, unless the receiver learns how far the
/// stream goes: see [`expect_through`](Self::expect_through).
///
/// # Bounds
/// At most `limit` events are kept waiting, over all streams. An event for which there is no room is refused, and
/// counts as missing from then on. The event that a stream needs next is always accepted, so a replay always makes
/// progress. There is at most one gap for each event that is kept, and one more for each stream. In addition, every
/// stream that was seen costs the memory of its id and a sequence until it is [forgotten](Self::forget).
#[derive(Clone, Debug)]
pub struct Resequencer<T> {
    streams: HashMap<StreamId, Stream<T>>,
    /// The streams that have gaps.
    open: BTreeSet<StreamId>,
    held: usize,
    limit: usize,
    patience: Option<Duration>,
    begin: Begin,
}

/// The beginning of a stream that was never seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    AtTheFirst,
    Anywhere,
}

impl<T> Resequencer<T> {
    /// Makes one that awaits sequence 0 of every stream, unless it is told where a stream [begins](Self::begin_at).
    pub fn new(limit: usize) -> Self {
        Self {
            streams: HashMap::new(),
            open: BTreeSet::new(),
            held: 0,
            limit,
            patience: None,
            begin: Begin::AtTheFirst,
        }
    }

    /// Makes one that takes the first event that comes of a stream as its beginning, for subscribers who begin now.
    /// Events before it count as repeated. Use it only if no other event can overtake that first one.
    pub fn from_anywhere(limit: usize) -> Self {
        Self {
            begin: Begin::Anywhere,
            ..Self::new(limit)
        }
    }

    /// Places a stream: `next` is the next event to return, for example because it is replayed from there. Drops the
    /// kept events before `next`, and returns the kept events from it on that lack nothing.
    ///
    /// The place may also be before what was returned, for example because it could not be handled. The events from
    /// there on are missing then, and are returned again when they come.
    ///
    /// ```
    /// # use seriatim_core::{Gap, Offered, Resequencer, Sequence, StreamId};
    /// # let stream: StreamId = "order/0192f0c1-7d2b-7c3a-8f11-5b0a4c6d7e8f".parse().unwrap();
    /// let mut resequencer = Resequencer::new(1000);
    /// assert!(resequencer.begin_at(&stream, Sequence(100)).is_empty());
    /// assert_eq!(resequencer.offer(&stream, Sequence(99), "packed"), Offered::Repeated);
    /// assert_eq!(resequencer.offer(&stream, Sequence(100), "sent"), Offered::Ready(vec!["sent"]));
    /// assert_eq!(resequencer.offer(&stream, Sequence(101), "paid"), Offered::Ready(vec!["paid"]));
    ///
    /// // Once more from 100 on.
    /// assert!(resequencer.begin_at(&stream, Sequence(100)).is_empty());
    /// let missing = Gap { stream: stream.clone(), from: Sequence(100), through: Sequence(101) };
    /// assert_eq!(resequencer.gaps(), [missing]);
    /// assert_eq!(resequencer.offer(&stream, Sequence(100), "sent"), Offered::Ready(vec!["sent"]));
    /// ```
    #[must_use = "these events are not returned again"]
    pub fn begin_at(&mut self, stream: &StreamId, next: Sequence) -> Vec<T> {
        self.begin(stream, u64::from(next.0))
    }

    /// Places a stream as [`begin_at`](Self::begin_at) does, by the last event that was handled: the next event to
    /// return is the one after `last`. It resumes a stream that was handled elsewhere. It also passes over a gap that
    /// nobody can fill, if `last` is [`Gap::through`].
    #[must_use = "these events are not returned again"]
    pub fn begin_after(&mut self, stream: &StreamId, last: Sequence) -> Vec<T> {
        self.begin(stream, u64::from(last.0) + 1)
    }

    fn begin(&mut self, stream: &StreamId, next: u64) -> Vec<T> {
        self.change(stream, next, |known, _| known.begin(next))
    }

    /// Takes note that a stream has events up to `last`, for example because a server said so. Those that did not come
    /// are missing from now on, though none may have come after them. A stream that was never seen and is taken
    /// [from anywhere](Self::from_anywhere) begins after `last`.
    ///
    /// ```
    /// # use seriatim_core::{Offered, Resequencer, Sequence, StreamId};
    /// # let stream: StreamId = "conversation/0192f0c1-7d2b-7c3a-8f11-5b0a4c6d7e8f".parse().unwrap();
    /// let mut resequencer = Resequencer::new(1000);
    /// assert_eq!(resequencer.offer(&stream, Sequence(0), "hey"), Offered::Ready(vec!["hey"]));
    /// assert_eq!(resequencer.gaps(), []);
    /// resequencer.expect_through(&stream, Sequence(1));
    /// assert_eq!(resequencer.gaps()[0].range(), 1..=1);
    /// assert_eq!(resequencer.offer(&stream, Sequence(1), "you there"), Offered::Ready(vec!["you there"]));
    /// ```
    pub fn expect_through(&mut self, stream: &StreamId, last: Sequence) {
        let last = u64::from(last.0);
        let first = match self.begin {
            Begin::AtTheFirst => 0,
            Begin::Anywhere => last + 1,
        };
        self.change(stream, first, |known, _| known.reach(last));
    }

    /// Takes in an event that arrived. Returns what became of it.
    #[must_use = "events that are ready are not returned again"]
    pub fn offer(&mut self, stream: &StreamId, sequence: Sequence, event: T) -> Offered<T> {
        let first = match self.begin {
            Begin::AtTheFirst => 0,
            Begin::Anywhere => sequence.0.into(),
        };
        self.change(stream, first, |known, has_room| {
            known.offer(stream, sequence, event, has_room)
        })
    }

    /// Changes a stream, which begins at `first` if it was never seen, and keeps the count of all streams right.
    fn change<R>(
        &mut self,
        stream: &StreamId,
        first: u64,
        change: impl FnOnce(&mut Stream<T>, bool) -> R,
    ) -> R {
        if !self.streams.contains_key(stream) {
            self.streams.insert(stream.clone(), Stream::new(first));
        }
        let known = self.streams.get_mut(stream).expect("it was just put there");
        let (held, had_gaps) = (known.held(), known.has_gaps());
        let result = change(known, self.held < self.limit);
        self.held = self.held - held + known.held();
        match (had_gaps, known.has_gaps()) {
            (false, true) => _ = self.open.insert(stream.clone()),
            (true, false) => _ = self.open.remove(stream),
            (false, false) | (true, true) => {}
        }
        result
    }

    /// Returns all gaps, in the order of the streams' ids and of the sequences.
    pub fn gaps(&self) -> Vec<Gap> {
        let gaps = self.open.iter().flat_map(|id| self.streams[id].gaps(id));
        gaps.collect()
    }

    /// Returns the last sequence of a stream that was returned, or up to which it was [placed](Self::begin_after);
    /// `None` if there is none.
    pub fn last(&self, stream: &StreamId) -> Option<Sequence> {
        self.streams.get(stream)?.last()
    }

    /// Returns how many events are kept waiting.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Forgets a stream and drops its kept events. If it comes again, it begins as a new stream does. A receiver must
    /// call this when the stream is no longer the same, for example because its log was restored from a backup:
    /// otherwise the new events at the old sequences count as repeated.
    pub fn forget(&mut self, stream: &StreamId) {
        self.open.remove(stream);
        if let Some(known) = self.streams.remove(stream) {
            self.held -= known.held();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_streams_with_gaps_are_looked_at() {
        let stream: StreamId = "order/0192f0c1-7d2b-7c3a-8f11-5b0a4c6d7e8f"
            .parse()
            .unwrap();
        let mut resequencer = Resequencer::new(1);
        for (sequence, open) in [(0, 0), (2, 1), (1, 0)] {
            let _ = resequencer.offer(&stream, Sequence(sequence), ());
            assert_eq!(resequencer.open.len(), open);
        }
    }
}
