//! Fills the pages of lists.

use prost::Message;

/// The number of lines of a page if the request does not say.
const DEFAULT_LINES: usize = 100;
/// The most lines of a page.
const MOST_LINES: usize = 1000;
/// The most bytes of a page's lines together: comfortably less than the 4 MiB that clients accept by default.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// One page, while it is filled.
#[derive(Debug)]
pub(super) struct Page<M> {
    lines: Vec<M>,
    most_lines: usize,
    bytes: usize,
}

impl<M: Message> Page<M> {
    /// Makes a page of the size that a request asks for.
    pub(super) fn of(asked: u32) -> Self {
        let most_lines = match usize::try_from(asked).unwrap_or(MOST_LINES) {
            0 => DEFAULT_LINES,
            asked => asked.min(MOST_LINES),
        };
        Self {
            lines: Vec::new(),
            most_lines,
            bytes: 0,
        }
    }

    /// Returns the most lines that it takes.
    pub(super) fn most_lines(&self) -> usize {
        self.most_lines
    }

    /// Adds a line. Returns `false` if the line is for the next page. Large lines make a page shorter, but one line
    /// always fits.
    pub(super) fn push(&mut self, line: M) -> bool {
        let bytes = self.bytes + line.encoded_len();
        let full = self.lines.len() == self.most_lines || bytes > MOST_BYTES;
        if full && !self.lines.is_empty() {
            return false;
        }
        self.bytes = bytes;
        self.lines.push(line);
        true
    }

    /// Returns how many more lines fit if they are as large as those so far.
    pub(super) fn lines_left(&self) -> usize {
        let each = self.bytes / self.lines.len().max(1);
        let fitting = MOST_BYTES.saturating_sub(self.bytes) / each.max(1);
        fitting.min(self.most_lines - self.lines.len())
    }

    pub(super) fn into_lines(self) -> Vec<M> {
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq, Message)]
    struct Line {
        #[prost(bytes = "vec", tag = "1")]
        bytes: Vec<u8>,
    }

    /// Returns how many of the lines fit.
    fn fitting(asked: u32, sizes: &[usize]) -> usize {
        let mut page = Page::of(asked);
        let fitting = sizes.iter().take_while(|bytes| {
            page.push(Line {
                bytes: vec![0; **bytes],
            })
        });
        let count = fitting.count();
        assert_eq!(page.into_lines().len(), count);
        count
    }

    #[test]
    fn a_page_ends_at_the_lines_asked_for() {
        assert_eq!(fitting(2, &[]), 0);
        assert_eq!(fitting(2, &[1, 1]), 2);
        assert_eq!(fitting(2, &[1, 1, 1]), 2);
        assert_eq!(fitting(0, &[1; 2000]), 100);
        assert_eq!(fitting(u32::MAX, &[1; 2000]), 1000);
    }

    #[test]
    fn a_page_ends_when_it_is_large() {
        assert_eq!(fitting(9, &[1, MOST_BYTES - 10, 3]), 2);
        assert_eq!(fitting(9, &[MOST_BYTES + 10, 1]), 1);
    }

    #[test]
    fn as_many_lines_are_left_as_are_likely_to_fit() {
        let mut page = Page::of(0);
        for (bytes, left) in [
            (MOST_BYTES / 4 - 4, 3),
            (MOST_BYTES / 4 - 4, 2),
            (MOST_BYTES / 2 - 4, 0),
        ] {
            page.push(Line {
                bytes: vec![0; bytes],
            });
            assert_eq!(page.lines_left(), left);
        }
        let mut page = Page::of(2);
        for left in [2, 1, 0] {
            assert_eq!(page.lines_left(), left);
            page.push(Line { bytes: vec![] });
        }
    }
}
