//! Lines for people. Text in a line cannot end the line, and cannot change the terminal.

use seriatim_core::printable;

/// Wider cells stick out: the other lines are not padded to more.
const WIDEST: usize = 80;

/// Whole lines, each with its line feed.
#[derive(Debug, Default)]
pub(crate) struct Lines(String);

impl Lines {
    pub(crate) fn of(line: &str) -> Self {
        let mut lines = Self::default();
        lines.push(line);
        lines
    }

    pub(crate) fn push(&mut self, line: &str) {
        self.0.push_str(&printable(line));
        self.0.push('\n');
    }

    pub(crate) fn append(&mut self, more: &Self) {
        self.0.push_str(&more.0);
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Adds cells in columns that line up; the last cell of a line is not padded.
    pub(crate) fn aligned(rows: &[Vec<String>]) -> Self {
        let rows = rows
            .iter()
            .map(|row| row.iter().map(|cell| printable(cell)));
        let rows: Vec<Vec<_>> = rows.map(Iterator::collect).collect();
        let mut widths = vec![0; rows.iter().map(Vec::len).max().unwrap_or(0)];
        for row in &rows {
            for (cell, width) in row.iter().zip(&mut widths) {
                *width = cell.chars().count().min(WIDEST).max(*width);
            }
        }
        let mut lines = Self::default();
        for row in rows {
            let padded = row.iter().zip(&widths).map(|(cell, &width)| {
                let missing = width.saturating_sub(cell.chars().count());
                format!("{cell}{}", " ".repeat(missing))
            });
            lines.push(padded.collect::<Vec<_>>().join("  ").trim_end());
        }
        lines
    }
}

impl FromIterator<String> for Lines {
    fn from_iter<I: IntoIterator<Item = String>>(texts: I) -> Self {
        let mut lines = Self::default();
        texts.into_iter().for_each(|text| lines.push(&text));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aligned(rows: &[&[&str]]) -> String {
        let row = |cells: &&[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
        let rows: Vec<_> = rows.iter().map(row).collect();
        Lines::aligned(&rows).0
    }

    #[test]
    fn columns_line_up_and_lines_end_without_spaces() {
        let text = aligned(&[&["a", "äöü", ""], &["long", "b"]]);
        assert_eq!(text, "a     äöü\nlong  b\n");
    }

    /// The widths of the formatting macros end at 65,535.
    #[test]
    fn a_cell_of_any_length_sticks_out_alone() {
        let long = "x".repeat(200_000);
        let text = aligned(&[&["a", "b"], &[&long, "c"]]);
        assert_eq!(text, format!("a{}b\n{long}  c\n", " ".repeat(81)));
    }

    #[test]
    fn what_is_in_a_cell_stays_in_its_line() {
        let text = aligned(&[&["a\nerror: no", "\u{1b}[2J"], &["b", "c"]]);
        assert_eq!(text, "a\\nerror: no  \\u001b[2J\nb             c\n");
    }
}
