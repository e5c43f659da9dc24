//! Says which gaps have been open for too long. The receiver has the clock.

use std::time::{Duration, Instant};

use super::{Gap, Resequencer};

impl<T> Resequencer<T> {
    /// Sets how long a gap may be open before it is [overdue](Self::overdue). Without it no gap ever is.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Returns the gaps that have been open for at least the [patience](Self::patience), in the order of
    /// [`gaps`](Self::gaps). The receiver asks for their events now. Each gap is returned again when the patience has
    /// passed once more and its first event has not come, because a question or its answer can be lost too.
    ///
    /// The time of a gap runs from the first call of this method or of [`next_deadline`](Self::next_deadline) after the
    /// gap has opened. What is left of a gap after some of its events came keeps its time. But when it was asked for,
    /// the time of what follows the event that came begins anew, because the answer is on its way.
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// # use seriatim_core::{Gap, Resequencer, Sequence, StreamId};
    /// # let stream: StreamId = "order/0192f0c1-7d2b-7c3a-8f11-5b0a4c6d7e8f".parse().unwrap();
    /// let patience = Duration::from_millis(500);
    /// let mut resequencer = Resequencer::new(1000).patience(patience);
    /// let start = Instant::now();
    ///
    /// let _ = resequencer.offer(&stream, Sequence(1), "paid");
    /// // After each event, and each time the timer rings, a receiver sets its timer:
    /// let deadline = resequencer.next_deadline(start);
    /// assert_eq!(deadline, Some(start + patience));
    /// assert_eq!(resequencer.overdue(start), []);
    ///
    /// // When the timer rings, it asks for what is overdue.
    /// let missing = Gap { stream: stream.clone(), from: Sequence(0), through: Sequence(0) };
    /// assert_eq!(resequencer.overdue(start + patience), [missing.clone()]);
    /// assert_eq!(resequencer.next_deadline(start + patience), Some(start + 2 * patience));
    /// // The answer was lost: it asks again.
    /// assert_eq!(resequencer.overdue(start + 2 * patience), [missing]);
    ///
    /// let _ = resequencer.offer(&stream, Sequence(0), "placed");
    /// assert_eq!(resequencer.next_deadline(start + 2 * patience), None);
    /// ```
    pub fn overdue(&mut self, now: Instant) -> Vec<Gap> {
        let Some(patience) = self.patience else {
            return Vec::new();
        };
        let mut overdue = Vec::new();
        for id in &self.open {
            let known = self.streams.get_mut(id).expect("it has gaps");
            overdue.extend(known.overdue(id, now, patience));
        }
        overdue
    }

    /// Returns when the next gap will be [overdue](Self::overdue), which may be in the past. Returns `None` if there is
    /// no gap or no patience. Call it again after each event that was offered, and after each call of `overdue`.
    pub fn next_deadline(&mut self, now: Instant) -> Option<Instant> {
        let patience = self.patience?;
        let deadlines = self.open.iter().filter_map(|id| {
            let known = self.streams.get_mut(id).expect("it has gaps");
            known.next_deadline(now, patience)
        });
        deadlines.min()
    }
}
