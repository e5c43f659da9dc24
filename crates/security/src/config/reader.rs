//! Reads the values of one table, and notes every fault instead of ending at the first.

use std::cell::RefCell;

use seriatim_core::nearest;

use super::fault::{ConfigFault, Place, Wrong};
use super::source::{Node, Table, Value};

/// The faults that were found so far.
#[derive(Debug, Default)]
pub(super) struct Faults(RefCell<Vec<ConfigFault>>);

impl Faults {
    pub(super) fn add(&self, place: &Place, key: impl Into<String>, wrong: Wrong) {
        self.0.borrow_mut().push(ConfigFault {
            place: place.clone(),
            key: key.into(),
            wrong,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub(super) fn into_sorted(self) -> Vec<ConfigFault> {
        let mut faults = self.0.into_inner();
        faults.sort_by(|one, other| one.place.cmp(&other.place));
        faults
    }
}

/// A value with its place and the whole path of its key.
#[derive(Clone, Debug)]
pub(super) struct Found<T> {
    pub(super) place: Place,
    pub(super) key: String,
    pub(super) value: T,
}

/// Reads one table. Keys that nobody asks for are unknown.
pub(super) struct Reader<'f> {
    path: String,
    table: Table,
    faults: &'f Faults,
    known: Vec<&'static str>,
}

impl<'f> Reader<'f> {
    pub(super) fn new(path: &str, table: Table, faults: &'f Faults) -> Self {
        Self {
            path: path.to_owned(),
            table,
            faults,
            known: Vec::new(),
        }
    }

    /// Returns whether a key is given.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<Found<String>> {
        let found = self.take(key)?;
        let text = match found.value {
            Node { raw: Some(raw), .. } => raw,
            Node {
                value: Value::Text(text),
                ..
            } => text,
            Node { value, .. } => return self.other(&found.place, found.key, "a text", &value),
        };
        match text.trim().is_empty() {
            true => {
                self.faults.add(&found.place, found.key, Wrong::Empty);
                None
            }
            false => Some(Found {
                place: found.place,
                key: found.key,
                value: text,
            }),
        }
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let found = self.take(key)?;
        match found.value.value {
            Value::Boolean(yes) => Some(yes),
            value => self.other(&found.place, found.key, "`true` or `false`", &value),
        }
    }

    pub(super) fn number(&mut self, key: &'static str, least: u32, most: u32) -> Option<u32> {
        let found = self.take(key)?;
        match found.value.value {
            Value::Integer(given) => {
                let number = u32::try_from(given).ok();
                let number = number.filter(|number| (least..=most).contains(number));
                if number.is_none() {
                    let wrong = Wrong::Number { given, least, most };
                    self.faults.add(&found.place, found.key, wrong);
                }
                number
            }
            value => self.other(&found.place, found.key, "a number", &value),
        }
    }

    /// Reads a list of texts; one text alone counts as a list.
    pub(super) fn texts(&mut self, key: &'static str) -> Vec<Found<String>> {
        let Some(found) = self.take(key) else {
            return Vec::new();
        };
        texts(found, self.faults)
    }

    /// Reads a table in this one.
    pub(super) fn table(&mut self, key: &'static str) -> Option<(Place, Self)> {
        let found = self.take(key)?;
        let reader = table(found, self.faults)?;
        Some(reader)
    }

    /// Reads a table whose keys are names.
    pub(super) fn named(&mut self, key: &'static str) -> Vec<(String, Found<Node>)> {
        match self.table(key) {
            Some((_, inner)) => inner.all(),
            None => Vec::new(),
        }
    }

    /// Returns all that was not asked for.
    pub(super) fn all(self) -> Vec<(String, Found<Node>)> {
        let path = &self.path;
        let found = |(name, node): (String, Node)| {
            let found = Found {
                place: node.place.clone(),
                key: joined(path, &name),
                value: node,
            };
            (name, found)
        };
        self.table.into_iter().map(found).collect()
    }

    /// Ends the table: what is left in it is not known.
    pub(super) fn finish(self) {
        for (name, node) in &self.table {
            let nearest = nearest(name, self.known.iter().copied());
            let key = joined(&self.path, name);
            self.faults
                .add(&node.place, key, Wrong::UnknownKey { nearest });
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Found<Node>> {
        self.known.push(key);
        let node = self.table.remove(key)?;
        Some(Found {
            place: node.place.clone(),
            key: joined(&self.path, key),
            value: node,
        })
    }

    fn other<T>(
        &self,
        place: &Place,
        key: String,
        expected: &'static str,
        value: &Value,
    ) -> Option<T> {
        let found = value.kind();
        self.faults.add(place, key, Wrong::Type { expected, found });
        None
    }
}

pub(super) fn texts(found: Found<Node>, faults: &Faults) -> Vec<Found<String>> {
    let Found { place, key, value } = found;
    let items = match value.value {
        Value::List(items) => items,
        value @ Value::Text(_) => vec![Node {
            place: place.clone(),
            value,
            raw: None,
        }],
        value => {
            let (expected, found) = ("a list of texts", value.kind());
            faults.add(&place, key, Wrong::Type { expected, found });
            return Vec::new();
        }
    };
    let text = |item: Node| match item.value {
        Value::Text(text) => Some(Found {
            place: item.place,
            key: key.clone(),
            value: text,
        }),
        value => {
            let (expected, found) = ("a list of texts", value.kind());
            faults.add(&item.place, &key, Wrong::Type { expected, found });
            None
        }
    };
    items.into_iter().filter_map(text).collect()
}

pub(super) fn table<'f>(found: Found<Node>, faults: &'f Faults) -> Option<(Place, Reader<'f>)> {
    match found.value.value {
        Value::Table(table) => Some((found.place, Reader::new(&found.key, table, faults))),
        value => {
            let (expected, kind) = ("a table", value.kind());
            let wrong = Wrong::Type {
                expected,
                found: kind,
            };
            faults.add(&found.place, found.key, wrong);
            None
        }
    }
}

/// Returns the path of a key, with quotes where TOML needs them.
pub(super) fn joined(path: &str, name: &str) -> String {
    let is_plain = !name.is_empty()
        && (name.chars()).all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let name = match is_plain {
        true => name.to_owned(),
        false => format!("{name:?}"),
    };
    match path {
        "" => name,
        path => format!("{path}.{name}"),
    }
}
