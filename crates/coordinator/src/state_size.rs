//! Estimates how much memory a state takes, without measuring it often.

use std::io::{self, Write};

use serde::Serialize;

/// A state is measured again after events of this many bytes, plus half its own size, were folded into it.
const UNSEEN: usize = 1024;

/// The size of one state: the length of its JSON when it was last measured, and the bytes of the events since, by which
/// it can have grown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StateSize {
    seen: usize,
    since: usize,
}

impl StateSize {
    /// Adds an event, or a snapshot, of this many bytes that is folded into the state.
    pub(crate) fn grow(&mut self, bytes: usize) {
        self.since = self.since.saturating_add(bytes);
    }

    /// Returns how many bytes the state takes in memory; for usual states it is right within a factor of four. The
    /// state is measured only if enough was folded into it since, so that over time this costs a part of what the
    /// folding does.
    pub(crate) fn estimate<S: Serialize>(&mut self, state: &S) -> usize {
        if self.since > UNSEEN.max(self.seen / 2) {
            // A state that has no JSON counts as everything that was ever folded into it.
            self.seen = length(state).unwrap_or(self.seen + self.since);
            self.since = 0;
        }
        size_of::<S>() + in_memory(self.seen + self.since)
    }
}

/// Converts bytes of JSON to bytes of memory, roughly: a short text takes more with its pointers, a long one less.
fn in_memory(json: usize) -> usize {
    json + json / 2
}

/// Returns the length of a state's JSON, without keeping the JSON.
fn length<S: Serialize>(state: &S) -> Option<usize> {
    let mut counted = Counted(0);
    let written = crate::guard::guarded("serialize", || serde_json::to_writer(&mut counted, state));
    written.ok()?.ok()?;
    Some(counted.0)
}

struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;

    fn estimate<S: Serialize>(state: &S, folded: usize) -> usize {
        let mut size = StateSize::default();
        size.grow(folded);
        size.estimate(state)
    }

    #[track_caller]
    fn assert_about(estimate: usize, actual: usize) {
        let right = actual / 4..=actual * 4;
        assert!(right.contains(&estimate), "{estimate} for {actual}");
    }

    /// Returns the bytes that a text takes: its three words, and its characters with an allocator's overhead.
    fn text_bytes(length: usize) -> usize {
        24 + length + 16
    }

    #[derive(Serialize)]
    struct Line {
        article: String,
        quantity: u32,
        cents: u64,
        note: Option<String>,
    }

    fn line(number: usize) -> Line {
        Line {
            article: format!("article {number:06}"),
            quantity: 3,
            cents: 1200,
            note: None,
        }
    }

    #[test]
    fn the_estimate_is_right_within_a_factor_of_four() {
        let folded = 1_000_000;
        let text = "x".repeat(900_000);
        assert_about(estimate(&text, folded), text_bytes(text.len()));
        let lines: Vec<_> = (0..1000).map(line).collect();
        let each = size_of::<Line>() + 14 + 16;
        assert_about(estimate(&lines, folded), 1000 * each);
        let by_name: BTreeMap<_, _> = (0..1000).map(|n| (format!("{n:06}"), line(n))).collect();
        // The nodes of a tree are two thirds full.
        let each = (text_bytes(6) + each) * 3 / 2;
        assert_about(estimate(&by_name, folded), 1000 * each);
        let by_name: HashMap<_, _> = (0..1000).map(|n| (format!("{n:06}"), line(n))).collect();
        assert_about(estimate(&by_name, folded), 1000 * each);
        let numbers: Vec<u64> = (0..100_000).collect();
        assert_about(estimate(&numbers, folded), 8 * numbers.len());
        let floats: Vec<f64> = (0..100_000).map(|n| f64::from(n) / 7.0).collect();
        assert_about(estimate(&floats, folded), 8 * floats.len());
    }

    #[test]
    fn a_state_that_does_not_grow_is_not_taken_for_its_history() {
        let mut size = StateSize::default();
        for _ in 0..1_000_000 {
            size.grow(200);
            assert!(size.estimate(&7u64) < 10_000);
        }
    }

    #[test]
    fn a_state_counts_as_what_was_folded_into_it_until_it_is_looked_at() {
        let mut size = StateSize::default();
        size.grow(500);
        assert_eq!(size.estimate(&7u64), 8 + 750);
        size.grow(600);
        assert_eq!(size.estimate(&7u64), 8 + 1);
        // Large states are measured less often.
        let text = "x".repeat(100_000);
        size.grow(100_000);
        let seen = size.estimate(&text);
        size.grow(50_000);
        assert_eq!(size.estimate(&text), seen + 75_000);
        size.grow(10);
        assert_eq!(size.estimate(&text), seen);
    }

    #[test]
    fn a_state_without_json_counts_as_its_history() {
        let state: BTreeMap<(u8, u8), u8> = [((1, 2), 3)].into();
        assert!(estimate(&state, 5000) > 5000);
    }
}
