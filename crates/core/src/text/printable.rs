//! Makes text from outside safe to show on a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Escapes characters that could deceive a terminal or its reader: control characters (line feeds and tabs too), line
/// separators, marks that change the direction of writing, and invisible characters.
///
/// The escapes are those of JSON (`\n`, `\u001b`), so JSON on one line stays the same JSON.
///
/// ```
/// use seriatim_core::printable;
///
/// assert_eq!(printable("Zoë: 5 €"), "Zoë: 5 €");
/// assert_eq!(printable("Ann\nerror: \u{1b}[2J"), r"Ann\nerror: \u001b[2J");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            _ if is_deceptive(character) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(escaped, "\\u{unit:04x}").expect("a string takes what is written");
                }
            }
            _ => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

/// Returns whether a character is deceptive. The joiners U+200C and U+200D are not: scripts and emoji need them.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_deceptive_is_left_and_json_stays_the_same() {
        let all: String = (0..=u32::from(char::MAX))
            .filter_map(char::from_u32)
            .collect();
        let json = serde_json::to_string(&all).unwrap();
        let shown = printable(&json);
        assert!(!shown.contains(is_deceptive));
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), all);
    }

    #[test]
    fn what_can_be_read_is_left_alone() {
        for text in [
            "",
            "Ann",
            "e\u{301}",
            "日本",
            "👩\u{200d}🚀",
            r#"{"a":"\n"}"#,
        ] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }
}
