//! Restores the order of events that a transport may repeat or reorder.

use std::collections::{BTreeMap, HashMap};

use crate::{Sequence, StreamId};

/// Returns the events of each stream in order and exactly once, in whatever order and however often they arrive.
///
/// It is for receivers of events from a queue, a bus or several connections. It does no I/O: it keeps events that came
/// early and names the missing ones; the caller asks for those.
///
/// ```
/// use seriatim_core::{Gap, Offered, Resequencer, Sequence, StreamId};
///
/// let stream: StreamId = "order/0192f0c1-7d2b-7c3a-8f11-5b0a4c6d7e8f".parse()?;
/// let mut resequencer = Resequencer::new(1000);
/// let mut offer = |sequence, event| resequencer.offer(&stream, Sequence(sequence), event);
///
/// assert_eq!(offer(0, "placed"), Offered::Ready(vec!["placed"]));
/// // 1 has not come yet: 2 is kept, and the gap is named.
/// let missing = Gap { stream: stream.clone(), from: Sequence(1), through: Sequence(1) };
/// assert_eq!(offer(2, "shipped"), Offered::Held(missing));
/// assert_eq!(offer(0, "placed"), Offered::Repeated);
/// assert_eq!(offer(1, "paid"), Offered::Ready(vec!["paid", "shipped"]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Bounds
/// At most `limit` events are kept waiting, over all streams. Further events are refused and must be asked for again,
/// from [`Gap::from`] on. The event that closes a gap is always accepted, so a replay always makes progress. In
/// addition, every stream that was seen costs the memory of its id and a sequence until it is
/// [forgotten](Self::forget).
#[derive(Clone, Debug)]
pub struct Resequencer<T> {
    streams: HashMap<StreamId, Stream<T>>,
    held: usize,
    limit: usize,
    begin: Begin,
}

/// The beginning of a stream that was never seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    AtTheFirst,
    Anywhere,
}

#[derive(Clone, Debug)]
struct Stream<T> {
    /// The next sequence to return; `None` after the last possible sequence.
    awaited: Option<Sequence>,
    early: BTreeMap<Sequence, T>,
}

/// The fate of an event that was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offered<T> {
    /// It is next: handle it now, and then those that waited for it. The list is never empty.
    Ready(Vec<T>),
    /// It was returned before or is kept already, and was dropped.
    Repeated,
    /// It came early and is kept until the gap before it is closed.
    Held(Gap),
    /// It came early and there is no room, so it is returned. The stream must be replayed from [`Gap::from`] on.
    Refused(Gap, T),
}

/// Events of a stream that are missing although later ones came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The stream.
    pub stream: StreamId,
    /// The first missing event.
    pub from: Sequence,
    /// The last event that is missing in a row.
    pub through: Sequence,
}

impl<T> Resequencer<T> {
    /// Makes one that awaits sequence 0 of every stream, unless it is told to [resume](Self::resume) one.
    pub fn new(limit: usize) -> Self {
        Self::beginning(limit, Begin::AtTheFirst)
    }

    /// Makes one that takes the first event that comes of a stream as its beginning, for subscribers who begin now.
    /// Events before it count as repeated. Use it only if no other event can overtake that first one.
    pub fn from_anywhere(limit: usize) -> Self {
        Self::beginning(limit, Begin::Anywhere)
    }

    fn beginning(limit: usize, begin: Begin) -> Self {
        Self {
            streams: HashMap::new(),
            held: 0,
            limit,
            begin,
        }
    }

    /// Continues a stream after the last event that was handled elsewhere. Returns the kept events that are next now,
    /// and drops the kept events up to `last`.
    #[must_use = "these events are not handed out again"]
    pub fn resume(&mut self, stream: &StreamId, last: Sequence) -> Vec<T> {
        let known = self.streams.entry(stream.clone()).or_default();
        let before = known.early.len();
        known.early.retain(|sequence, _| *sequence > last);
        known.awaited = Sequence::after(Some(last)).ok();
        let mut ready = Vec::new();
        known.release_followers(&mut ready);
        self.held -= before - known.early.len();
        ready
    }

    /// Takes in an event that arrived. Returns what became of it.
    pub fn offer(&mut self, stream: &StreamId, sequence: Sequence, event: T) -> Offered<T> {
        if !self.streams.contains_key(stream) {
            let mut new = Stream::default();
            if self.begin == Begin::Anywhere {
                new.awaited = Some(sequence);
            }
            self.streams.insert(stream.clone(), new);
        }
        let known = self.streams.get_mut(stream).expect("it was just put there");
        let Some(awaited) = known.awaited else {
            return Offered::Repeated;
        };
        if sequence < awaited || known.early.contains_key(&sequence) {
            return Offered::Repeated;
        }
        if sequence == awaited {
            let ready = known.release(event);
            self.held -= ready.len() - 1;
            return Offered::Ready(ready);
        }
        if self.held == self.limit {
            return Offered::Refused(known.gap_before(stream, awaited, sequence), event);
        }
        known.early.insert(sequence, event);
        self.held += 1;
        Offered::Held(known.gap_before(stream, awaited, sequence))
    }

    /// Returns the first gap of every stream that has one, in the order of the streams' ids.
    pub fn gaps(&self) -> Vec<Gap> {
        let waiting = self.streams.iter().filter_map(|(stream, known)| {
            let (first, _) = known.early.first_key_value()?;
            Some(known.gap_before(stream, known.awaited?, *first))
        });
        let mut gaps: Vec<_> = waiting.collect();
        gaps.sort_by(|a, b| a.stream.cmp(&b.stream));
        gaps
    }

    /// Returns the last sequence of a stream that was returned; `None` if there is none.
    pub fn last(&self, stream: &StreamId) -> Option<Sequence> {
        match self.streams.get(stream)?.awaited {
            None => Some(Sequence::MAX),
            Some(Sequence(next)) => next.checked_sub(1).map(Sequence),
        }
    }

    /// Returns how many events are kept waiting.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Forgets a stream and drops its kept events. If it comes again, it begins as a new stream does.
    pub fn forget(&mut self, stream: &StreamId) {
        if let Some(known) = self.streams.remove(stream) {
            self.held -= known.early.len();
        }
    }
}

impl<T> Default for Stream<T> {
    fn default() -> Self {
        Self {
            awaited: Some(Sequence::FIRST),
            early: BTreeMap::new(),
        }
    }
}

impl<T> Stream<T> {
    /// Returns the awaited event and all that follow it without a gap.
    fn release(&mut self, event: T) -> Vec<T> {
        let mut ready = vec![event];
        self.awaited = Sequence::after(self.awaited).ok();
        self.release_followers(&mut ready);
        ready
    }

    fn release_followers(&mut self, ready: &mut Vec<T>) {
        while let Some(awaited) = self.awaited
            && let Some(event) = self.early.remove(&awaited)
        {
            ready.push(event);
            self.awaited = Sequence::after(self.awaited).ok();
        }
    }

    /// Returns the gap from `awaited` up to the first event that is there; `came` is there.
    fn gap_before(&self, stream: &StreamId, awaited: Sequence, came: Sequence) -> Gap {
        let first = self.early.first_key_value().map(|(sequence, _)| *sequence);
        let first = first.map_or(came, |first| first.min(came));
        Gap {
            stream: stream.clone(),
            from: awaited,
            through: Sequence(first.0 - 1),
        }
    }
}
