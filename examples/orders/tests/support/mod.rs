//! Reads what a program prints, for as long as a test is willing to wait for it.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any test takes, unless it fails.
const LIMIT: Duration = Duration::from_secs(120);

/// The lines of an output, as they come.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    pub(crate) fn of(output: impl Read + Send + 'static) -> Self {
        let (line, lines) = mpsc::channel();
        thread::spawn(move || {
            for text in BufReader::new(output).lines() {
                let _ = line.send(text.unwrap());
            }
        });
        Self(lines)
    }

    /// Waits for a line that contains `part`. Returns what came, with that line as the last.
    #[track_caller]
    pub(crate) fn until(&self, part: &str) -> Vec<String> {
        let mut seen = Vec::new();
        let found = self.read(&mut seen, |line| line.contains(part));
        assert!(found, "nobody said {part:?}, but {seen:#?}");
        seen
    }

    /// Returns what has come and was not read yet.
    #[allow(dead_code, reason = "not every file of tests asks")]
    pub(crate) fn so_far(&self) -> Vec<String> {
        self.0.try_iter().collect()
    }

    /// Waits for the end of the output. Returns what came until then.
    #[track_caller]
    #[allow(dead_code, reason = "not every file of tests asks")]
    pub(crate) fn rest(&self) -> Vec<String> {
        let mut seen = Vec::new();
        self.read(&mut seen, |_| false);
        seen
    }

    /// Reads until a line is the last; returns `false` at the end of the output.
    #[track_caller]
    fn read(&self, seen: &mut Vec<String>, is_last: impl Fn(&str) -> bool) -> bool {
        let deadline = Instant::now() + LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.0.recv_timeout(left) {
                Ok(line) => seen.push(line),
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => panic!("nothing more came after {seen:#?}"),
            }
            if seen.last().is_some_and(|line| is_last(line)) {
                return true;
            }
        }
    }
}
