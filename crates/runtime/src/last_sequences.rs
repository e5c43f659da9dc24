//! Remembers the last sequence of each stream that came lately, in bounded memory.

use foldhash::{HashMap, HashMapExt};
use seriatim_core::{RecordedEvent, Sequence, StreamId};

/// Remembers the streams of the latest events: at least `most` of them, once there are so many, and at most twice as
/// many. Each takes about 80 bytes.
#[derive(Debug)]
pub(crate) struct LastSequences {
    most: usize,
    recent: HashMap<StreamId, Sequence>,
    older: HashMap<StreamId, Sequence>,
    /// True if every stream that ever came is remembered, so that an unknown one must begin at 0.
    knows_all: bool,
}

/// The event before an event in its stream, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Its sequence; `None` if there is none.
    Known(Option<Sequence>),
    /// The stream did not come lately.
    Forgotten,
}

impl LastSequences {
    /// Makes one. `from_start` is true if the first event that comes is the first of the log.
    pub(crate) fn new(most: usize, from_start: bool) -> Self {
        Self {
            most,
            recent: HashMap::new(),
            older: HashMap::new(),
            knows_all: from_start,
        }
    }

    /// Takes in the next event, unless `check` finds a fault.
    pub(crate) fn pass<E>(
        &mut self,
        event: &RecordedEvent,
        check: impl FnOnce(Before) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(last) = self.recent.get_mut(&event.stream) {
            check(Before::Known(Some(*last)))?;
            *last = event.sequence;
            return Ok(());
        }
        let last = self.older.get(&event.stream).copied();
        check(match last.is_some() || self.knows_all {
            true => Before::Known(last),
            false => Before::Forgotten,
        })?;
        self.remember(event);
        Ok(())
    }

    fn remember(&mut self, event: &RecordedEvent) {
        if self.recent.len() == self.most {
            let forgotten = std::mem::replace(&mut self.older, std::mem::take(&mut self.recent));
            self.knows_all &= forgotten.is_empty();
        }
        self.recent.insert(event.stream.clone(), event.sequence);
    }
}
