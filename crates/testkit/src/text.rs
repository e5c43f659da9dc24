//! Shows events, states and their differences.

use std::fmt::{Debug, Write};

use seriatim_core::Tree;

/// Longer lines are broken up.
const WIDTH: usize = 100;

/// Equal lines shown around each difference.
const CONTEXT: usize = 2;

/// Each of `items` on a line, or on several if it is long.
pub(crate) fn lines<T: Debug>(items: &[T]) -> Vec<String> {
    let mut lines = Vec::new();
    for item in items {
        let short = format!("{item:?}");
        if short.chars().count() <= WIDTH {
            lines.push(short);
        } else {
            lines.extend(format!("{item:#?}").lines().map(Into::into));
        }
    }
    lines
}

/// A state as JSON, one field a line.
pub(crate) fn json(value: &Tree) -> Vec<String> {
    format!("{value:#}").lines().map(Into::into).collect()
}

/// A sentence in lines that are not too long.
pub(crate) fn wrap(sentence: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in sentence.split(' ') {
        let line = lines.last_mut().expect("there is always one");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= WIDTH {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.into());
        }
    }
    lines
}

/// Adds a labelled block: the label before its first line, the others below it.
pub(crate) fn block(text: &mut String, label: &str, lines: &[String]) {
    let nothing = [String::from("nothing")];
    let lines = if lines.is_empty() { &nothing } else { lines };
    for (at, line) in lines.iter().enumerate() {
        let label = if at == 0 { label } else { "" };
        writeln!(text, "  {label:<16}{line}").expect("a string takes everything");
    }
}

/// The lines of both, those only in `left` after a `-`, those only in `right` after a `+`.
pub(crate) fn diff(left: &[String], right: &[String]) -> Vec<String> {
    let steps = steps(left, right);
    let near = |at: usize| {
        let around = at.saturating_sub(CONTEXT)..steps.len().min(at + CONTEXT + 1);
        steps[around].iter().any(|(sign, _)| *sign != ' ')
    };
    let near: Vec<_> = (0..steps.len()).map(near).collect();
    // A line that is far from every difference, and not alone in that.
    let cut = |at: usize| {
        let beside = [at.checked_sub(1), Some(at + 1)];
        !near[at]
            && beside
                .into_iter()
                .flatten()
                .any(|at| near.get(at) == Some(&false))
    };
    let mut lines = Vec::new();
    for (at, (sign, line)) in steps.iter().enumerate() {
        if !cut(at) {
            lines.push(format!("{sign} {line}"));
        } else if at == 0 || !cut(at - 1) {
            lines.push("  ...".into());
        }
    }
    lines
}

/// Returns the steps by which `left` becomes `right`, by their longest common subsequence.
fn steps<'a>(left: &'a [String], right: &'a [String]) -> Vec<(char, &'a str)> {
    // common[i][j]: how many lines left[i..] and right[j..] have in common.
    let mut common = vec![vec![0usize; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            common[i][j] = if left[i] == right[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut steps = Vec::new();
    while i < left.len() || j < right.len() {
        if i < left.len() && j < right.len() && left[i] == right[j] {
            steps.push((' ', left[i].as_str()));
            (i, j) = (i + 1, j + 1);
        } else if i < left.len() && (j == right.len() || common[i + 1][j] >= common[i][j + 1]) {
            steps.push(('-', left[i].as_str()));
            i += 1;
        } else {
            steps.push(('+', right[j].as_str()));
            j += 1;
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        text.split_whitespace().map(Into::into).collect()
    }

    #[test]
    fn a_diff_keeps_what_is_common() {
        let diff = diff(&split("a b c d"), &split("a c x d"));
        assert_eq!(diff, ["  a", "- b", "  c", "+ x", "  d"]);
    }

    #[test]
    fn a_diff_cuts_what_is_far_from_every_difference() {
        let diff = diff(&split("1 2 3 4 5 6 7"), &split("1 2 3 4 5 6 8"));
        assert_eq!(diff, ["  ...", "  5", "  6", "- 7", "+ 8"]);
        assert_eq!(super::diff(&split("1 2 3 4"), &split("1 2 3 5")).len(), 5);
    }

    #[test]
    fn a_long_event_is_broken_up() {
        assert_eq!(lines(&["a"]), ["\"a\""]);
        let long = vec!["x".repeat(60); 2];
        assert_eq!(lines(&[long]).len(), 4);
    }
}
