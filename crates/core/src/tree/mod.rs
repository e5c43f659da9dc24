//! Represents a value as serde shows it: the fields of a state by name, with all digits of every number.
//!
//! `serde_json::Value` cannot hold numbers beyond 64 bits, and cannot say whether a missing name is a field that the
//! type lacks or an entry that a map lacks. Both matter here: states are compared and shown, and a premise that names
//! no field is a mistake.

mod difference;
mod parse;
mod serialize;
mod shape;
mod zero;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use serde::Serialize;

use difference::Search;
pub(crate) use difference::overlap;
pub use shape::Shape;
pub(crate) use zero::has_negative_zero;

use crate::FieldPath;

/// A serialised value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// No value: `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as JSON writes it. `NaN`, `inf` and `-inf` stand for values that JSON cannot write.
    Number(String),
    /// A text.
    Text(String),
    /// A list of values.
    List(Vec<Self>),
    /// Values by name.
    Object(BTreeMap<String, Self>),
}

/// The result of a lookup at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// The path leads to this value.
    Found(Tree),
    /// The path leads nowhere.
    Missing {
        /// True if a value may come there: the path names an entry that a map does not have.
        may_come: bool,
    },
}

impl Tree {
    /// Makes the tree of a whole value. A key of a map that is not a text is written as its JSON. Fails only if the
    /// value itself refuses to be serialised.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        match serialize::build(value, &[], None)? {
            Lookup::Found(tree) => Ok(tree),
            Lookup::Missing { .. } => unreachable!("the empty path leads to the whole"),
        }
    }

    /// Returns the value at a path. Only values on the way to it are looked at.
    pub(crate) fn at<T: Serialize>(
        value: &T,
        path: &FieldPath,
    ) -> Result<Lookup, serde_json::Error> {
        serialize::build(value, path.segments(), None)
    }

    /// Reads JSON text. Numbers stay as they are written.
    pub fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        parse::parse(text)
    }

    /// Returns the value at a path; `None` if there is none.
    pub fn get(&self, path: &FieldPath) -> Option<&Self> {
        path.segments()
            .iter()
            .try_fold(self, |tree, segment| match tree {
                Self::Object(entries) => entries.get(segment),
                Self::List(items) => items.get(index(segment)?),
                Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => None,
            })
    }

    /// Returns the names of an object's fields, in their order. Other values have none.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let entries = match self {
            Self::Object(entries) => Some(entries.keys()),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => None,
        };
        entries.into_iter().flatten().map(String::as_str)
    }

    /// Returns the innermost fields in which two values differ.
    ///
    /// Objects are compared by key. Lists of the same length that differ in objects only are compared by index; any
    /// other change of a list is a change of the whole list. Lists with the same elements in another order are equal: a
    /// set has no order, and serde does not tell it from a list.
    pub fn differences(&self, other: &Self) -> BTreeSet<FieldPath> {
        let mut search = Search::default();
        search.compare(&FieldPath::default(), self, other);
        search.found
    }

    /// Does the same, but the order of every list counts.
    pub(crate) fn differences_in_order(&self, other: &Self) -> BTreeSet<FieldPath> {
        let mut search = Search {
            order_counts: true,
            ..Search::default()
        };
        search.compare(&FieldPath::default(), self, other);
        search.found
    }

    /// Returns the first number that JSON cannot write, with its path.
    pub(crate) fn not_finite(&self) -> Option<(FieldPath, &str)> {
        self.find(FieldPath::default(), &|tree| match tree {
            Self::Number(text) if matches!(text.as_str(), "NaN" | "inf" | "-inf") => Some(text),
            _ => None,
        })
    }

    fn find<'t>(
        &'t self,
        path: FieldPath,
        wanted: &impl Fn(&'t Self) -> Option<&'t String>,
    ) -> Option<(FieldPath, &'t str)> {
        if let Some(text) = wanted(self) {
            return Some((path, text));
        }
        match self {
            Self::Object(entries) => entries
                .iter()
                .find_map(|(key, tree)| tree.find(path.child(key.as_str()), wanted)),
            Self::List(items) => items
                .iter()
                .enumerate()
                .find_map(|(at, tree)| tree.find(path.child(at.to_string()), wanted)),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => None,
        }
    }

    /// Returns JSON text that is the same for all notations of the same value: keys are sorted, numbers have one form.
    /// Lists keep their order.
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        self.write_canonical(&mut text);
        text
    }

    fn write_canonical(&self, text: &mut String) {
        match self {
            Self::Number(number) => text.push_str(&parse::canonical_number(number)),
            Self::List(items) => {
                let each = |text: &mut String, item: &Self| item.write_canonical(text);
                write_all(text, ['[', ']'], items, each);
            }
            Self::Object(entries) => {
                write_all(text, ['{', '}'], entries, |text, (key, value)| {
                    text.push_str(&quoted(key));
                    text.push(':');
                    value.write_canonical(text);
                });
            }
            Self::Null | Self::Bool(_) | Self::Text(_) => text.push_str(&self.to_string()),
        }
    }
}

/// Writes JSON text on one line; with `{:#}` each field has a line of its own.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl Tree {
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(text) => f.write_str(text),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(items) => {
                f.write_char('[')?;
                for (at, item) in items.iter().enumerate() {
                    begin_item(f, depth + 1, at)?;
                    item.write(f, depth + 1)?;
                }
                end_items(f, depth, items.is_empty())?;
                f.write_char(']')
            }
            Self::Object(entries) => {
                f.write_char('{')?;
                for (at, (key, value)) in entries.iter().enumerate() {
                    begin_item(f, depth + 1, at)?;
                    f.write_str(&quoted(key))?;
                    f.write_str(if f.alternate() { ": " } else { ":" })?;
                    value.write(f, depth + 1)?;
                }
                end_items(f, depth, entries.is_empty())?;
                f.write_char('}')
            }
        }
    }
}

fn begin_item(f: &mut fmt::Formatter<'_>, depth: usize, at: usize) -> fmt::Result {
    f.write_str(if at > 0 { "," } else { "" })?;
    begin_line(f, depth)
}

fn end_items(f: &mut fmt::Formatter<'_>, depth: usize, is_empty: bool) -> fmt::Result {
    match is_empty {
        true => Ok(()),
        false => begin_line(f, depth),
    }
}

fn begin_line(f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    match f.alternate() {
        true => write!(f, "\n{:1$}", "", depth * 2),
        false => Ok(()),
    }
}

/// Converts a tree for code that needs a [`Value`](serde_json::Value). A number that this cannot hold becomes a text.
impl From<&Tree> for serde_json::Value {
    fn from(tree: &Tree) -> Self {
        match tree {
            Tree::Null => Self::Null,
            Tree::Bool(value) => (*value).into(),
            Tree::Number(text) => {
                let number = serde_json::from_str(text).map(Self::Number);
                let is_exact = |number: &Self| {
                    let [held, written] =
                        [&number.to_string(), text].map(|text| parse::canonical_number(text));
                    held == written
                };
                number
                    .ok()
                    .filter(is_exact)
                    .unwrap_or_else(|| text.as_str().into())
            }
            Tree::Text(text) => text.as_str().into(),
            Tree::List(items) => items.iter().map(Self::from).collect(),
            Tree::Object(entries) => entries
                .iter()
                .map(|(key, value)| (key.clone(), Self::from(value)))
                .collect(),
        }
    }
}

fn write_all<I: IntoIterator>(
    text: &mut String,
    [open, close]: [char; 2],
    items: I,
    write: impl Fn(&mut String, I::Item),
) {
    text.push(open);
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        write(text, item);
    }
    text.push(close);
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns the index in a list that a segment of a path names: `0`, `1`, never `00` or `+1`.
fn index(segment: &str) -> Option<usize> {
    let index: usize = segment.parse().ok()?;
    (index.to_string() == segment).then_some(index)
}
