//! Groups letters that wait for the same reason.

use uuid::Uuid;

use crate::{CommandLetter, Component, Domain, ReactionLetter, Timestamp};

/// The most characters of a fault.
const LONGEST: usize = 160;

/// Letters that wait for a person because of one fault: a thousand letters are often three faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultGroup {
    /// The component of the events; `None` for commands.
    pub component: Option<Component>,
    /// The domain of the commands, or of the events.
    pub domain: Domain,
    /// What they have in common, see [`CommandLetter::fault`] and [`ReactionLetter::fault`]. It is empty for letters that
    /// were kept by a program that did not write it down.
    pub fault: String,
    /// The number of letters that wait.
    pub count: u64,
    /// The oldest of them.
    pub first: Uuid,
    /// The latest of them.
    pub last: Uuid,
}

impl FaultGroup {
    /// Returns when its oldest letter was parked, to the millisecond; `None` if the id does not tell.
    pub fn first_seen(&self) -> Option<Timestamp> {
        time_of(self.first)
    }

    /// Returns when its latest letter was parked, to the millisecond; `None` if the id does not tell.
    pub fn last_seen(&self) -> Option<Timestamp> {
        time_of(self.last)
    }

    /// Sorts groups, those with most letters first, and cuts them at `limit`.
    pub fn sort(groups: &mut Vec<Self>, limit: usize) {
        groups.sort_by(|a, b| b.count.cmp(&a.count).then(a.first.cmp(&b.first)));
        groups.truncate(limit);
    }
}

fn time_of(id: Uuid) -> Option<Timestamp> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    let micros = i64::try_from(seconds).ok()?.checked_mul(1_000_000)?;
    Some(Timestamp::from_micros(micros + i64::from(nanos / 1000)))
}

impl CommandLetter {
    /// Returns what it has in common with other letters that wait for the same reason: the result of the last attempt, or
    /// the reason why it was parked, as a text without what differs from letter to letter.
    pub fn fault(&self) -> String {
        match self.attempts.last() {
            Some(attempt) => general(&attempt.result),
            None => general(&self.reason.to_string()),
        }
    }
}

impl ReactionLetter {
    /// Returns what it has in common with other letters that wait for the same reason: its failure, as a text without what
    /// differs from letter to letter.
    pub fn fault(&self) -> String {
        general(&self.failure)
    }
}

/// Returns a text without what differs from one case to the next. `#` takes the place of each word that has a digit, and
/// `…` the place of what stands between quotation marks. Only the first line counts, at most 160 characters of it.
fn general(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty());
    let mut rest = line.unwrap_or_default().trim();
    let mut general = String::new();
    // A failure may be a megabyte; so many bytes are enough characters.
    while let Some(first) = rest.chars().next().filter(|_| general.len() < 4 * LONGEST) {
        let end = match first {
            '"' | '`' => match rest[1..].find(first) {
                Some(end) => {
                    general.extend([first, '…', first]);
                    end + 2
                }
                None => take(&mut general, first),
            },
            _ if is_of_word(first) => {
                let end = rest.find(|char| !is_of_word(char)).unwrap_or(rest.len());
                let (word, end) = without_end_of_sentence(&rest[..end]);
                match word.contains(|char: char| char.is_ascii_digit()) {
                    true => general.push('#'),
                    false => general.push_str(word),
                }
                end
            }
            _ => take(&mut general, first),
        };
        rest = &rest[end..];
    }
    match general.char_indices().nth(LONGEST) {
        Some((end, _)) => general[..end].to_owned(),
        None => general,
    }
}

fn take(general: &mut String, char: char) -> usize {
    general.push(match char {
        '\0' => '\u{fffd}',
        char => char,
    });
    char.len_utf8()
}

/// Ids, numbers, times, paths and versions are one word each.
fn is_of_word(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '-' | '_' | '.' | ':' | '/')
}

/// A word may end with the point or the colon of the sentence, which stays.
fn without_end_of_sentence(word: &str) -> (&str, usize) {
    let trimmed = word.trim_end_matches(['.', ':']);
    match trimmed.is_empty() {
        true => (word, word.len()),
        false => (trimmed, trimmed.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_letter_to_letter_does_not_split_a_group() {
        for (one, other, common) in [
            (
                "no seat 12 is left",
                "no seat 7 is left",
                "no seat # is left",
            ),
            (
                "order/018f2c5e-0000-7000-8000-000000000000: sold out.",
                "order/018f2c5e-0000-7000-8000-00000000000a: sold out.",
                "#: sold out.",
            ),
            (
                "`Ann` may not (2026-01-02T03:04:05Z)",
                "`Bob` may not (2027-01-02T03:04:05.5Z)",
                "`…` may not (#)",
            ),
            (
                "printer: out of paper\n at line 3",
                "printer: out of paper",
                "printer: out of paper",
            ),
            ("answered 503", "answered 502", "answered #"),
            (
                "said \"no\" twice",
                "said \"never\" twice",
                "said \"…\" twice",
            ),
        ] {
            assert_eq!(general(one), common);
            assert_eq!(general(other), common);
        }
    }

    #[test]
    fn different_faults_stay_different_and_odd_texts_do_no_harm() {
        assert_ne!(general("sold out"), general("not paid"));
        assert_eq!(general(""), "");
        assert_eq!(general("  \n "), "");
        assert_eq!(general("it's `open"), "it's `open");
        assert_eq!(general("a\0b 🦀 é"), "a\u{fffd}b 🦀 é");
        for char in ["é", "🦀", "a", "- "] {
            assert_eq!(general(&char.repeat(1000)).chars().count(), LONGEST);
        }
        assert_eq!(general("..."), "...");
    }

    #[test]
    fn a_general_text_is_its_own_general_text() {
        for text in [
            "no seat 12 is left",
            "`Ann` may not",
            "x: 12.",
            "\"",
            "a / b",
        ] {
            assert_eq!(general(&general(text)), general(text), "{text}");
        }
    }
}
