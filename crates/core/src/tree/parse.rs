//! Reads JSON text into a tree, with numbers as they were written.

use std::collections::BTreeMap;

use serde::de::{Error as _, IgnoredAny};
use serde_json::Error;

use super::Tree;

pub(super) fn parse(text: &[u8]) -> Result<Tree, Error> {
    // The code below relies on this check: the text is UTF-8 and well formed.
    serde_json::from_slice::<IgnoredAny>(text)?;
    let depth = DEPTH;
    Reader { text, at: 0, depth }.value()
}

/// The deepest nesting of values; serde_json has the same limit for all types.
const DEPTH: u32 = 127;

/// Reads JSON text that is known to be well formed.
struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    /// The number of further levels that may be entered.
    depth: u32,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Tree, Error> {
        match self.peek() {
            b'{' => self.enter(Self::object),
            b'[' => self.enter(Self::list),
            b'"' => Ok(Tree::Text(self.string()?)),
            b't' => Ok(self.word(4, Tree::Bool(true))),
            b'f' => Ok(self.word(5, Tree::Bool(false))),
            b'n' => Ok(self.word(4, Tree::Null)),
            _ => Ok(self.number()),
        }
    }

    fn enter(&mut self, read: fn(&mut Self) -> Result<Tree, Error>) -> Result<Tree, Error> {
        let deeper = self.depth.checked_sub(1);
        self.depth = deeper.ok_or_else(|| Error::custom("recursion limit exceeded"))?;
        let tree = read(self);
        self.depth += 1;
        tree
    }

    /// Returns the next character that is not white space.
    fn peek(&mut self) -> u8 {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied().unwrap_or_default()
    }

    fn word(&mut self, length: usize, tree: Tree) -> Tree {
        self.at += length;
        tree
    }

    fn number(&mut self) -> Tree {
        let rest = &self.text[self.at..];
        let of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().take_while(|byte| of_number(byte)).count();
        self.at += length;
        Tree::Number(String::from_utf8_lossy(&rest[..length]).into_owned())
    }

    fn string(&mut self) -> Result<String, Error> {
        let rest = &self.text[self.at..];
        let mut escaped = false;
        let ends = |byte: &u8| {
            let is_end = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            is_end
        };
        let length = rest
            .iter()
            .skip(1)
            .position(ends)
            .map_or(rest.len(), |at| at + 2);
        self.at += length;
        serde_json::from_slice(&rest[..length])
    }

    fn list(&mut self) -> Result<Tree, Error> {
        let mut items = Vec::new();
        while self.goes_on(b']') {
            items.push(self.value()?);
        }
        Ok(Tree::List(items))
    }

    fn object(&mut self) -> Result<Tree, Error> {
        let mut entries = BTreeMap::new();
        while self.goes_on(b'}') {
            self.peek();
            let key = self.string()?;
            self.peek();
            self.at += 1;
            entries.insert(key, self.value()?);
        }
        Ok(Tree::Object(entries))
    }

    /// Steps over the bracket or comma before the next element, or over the bracket after the last. Returns whether an
    /// element follows.
    fn goes_on(&mut self, end: u8) -> bool {
        let is_opening = matches!(self.peek(), b'[' | b'{');
        let is_end = self.text.get(self.at) == Some(&end);
        self.at += 1;
        if is_opening && self.peek() == end {
            self.at += 1;
            return false;
        }
        !is_end
    }
}

/// Returns one form for each number: its digits without zeros at either end, and the power of ten. `-0` is not `0`.
pub(super) fn canonical_number(text: &str) -> String {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", text),
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    // A text that is not a number, or has too large an exponent, stands for itself.
    let Ok(exponent) = exponent.parse::<i64>() else {
        return text.to_owned();
    };
    if significant.is_empty() {
        return format!("{sign}0");
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let shift = i64::try_from(zeros).unwrap_or(0) - i64::try_from(fraction.len()).unwrap_or(0);
    match exponent.saturating_add(shift) {
        0 => format!("{sign}{significant}"),
        power => format!("{sign}{significant}e{power}"),
    }
}
