//! The values of a configuration with their places, from a file and from the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{ConfigFault, Place, Wrong};

/// How the names of the environment variables begin.
const BEGIN: &str = "SERIATIM__";
/// Between the names of a table and of a key in it.
const BETWEEN: &str = "__";

/// Returns whether a variable of the environment is for a configuration.
pub(super) fn is_ours((name, _): &(OsString, OsString)) -> bool {
    name.to_string_lossy().starts_with(BEGIN)
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
    /// The text of an environment variable, which stands where a text is needed even if it looks like something else.
    pub(super) raw: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Node>),
    Table(Table),
    Other(&'static str),
}

pub(super) type Table = BTreeMap<String, Node>;

impl Value {
    /// Returns the name of its type, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "a number",
            Self::Boolean(_) => "`true` or `false`",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

/// Text in TOML.
struct Text<'t> {
    name: Arc<str>,
    text: &'t str,
}

/// Reads a whole configuration. Fails at the first fault of its syntax, because what follows cannot be understood then.
pub(super) fn parse(name: &str, text: &str) -> Result<Table, Box<ConfigFault>> {
    let of = Text {
        name: name.into(),
        text,
    };
    match DeTable::parse(text) {
        Ok(table) => Ok(of.table(table.into_inner())),
        Err(error) => Err(Box::new(ConfigFault {
            place: of.place(error.span().unwrap_or_default()),
            key: String::new(),
            wrong: Wrong::Syntax(error.message().to_owned()),
        })),
    }
}

impl Text<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let begin = before.rfind('\n').map_or(0, |end| end + 1);
        Place::Text {
            file: Arc::clone(&self.name),
            line: before.matches('\n').count() + 1,
            column: before[begin..].chars().count() + 1,
        }
    }

    fn table(&self, table: DeTable<'_>) -> Table {
        let node = |(key, value): (Spanned<_>, Spanned<DeValue<'_>>)| {
            // A value of the wrong type is found by its key.
            let place = self.place(key.span());
            let key: std::borrow::Cow<'_, str> = key.into_inner();
            let value = of_toml(
                value.into_inner(),
                &mut |item| self.node(item),
                &mut |table| self.table(table),
            );
            (
                key.into_owned(),
                Node {
                    place,
                    value,
                    raw: None,
                },
            )
        };
        table.into_iter().map(node).collect()
    }

    fn node(&self, item: Spanned<DeValue<'_>>) -> Node {
        Node {
            place: self.place(item.span()),
            value: of_toml(
                item.into_inner(),
                &mut |item| self.node(item),
                &mut |table| self.table(table),
            ),
            raw: None,
        }
    }
}

fn of_toml<'t>(
    value: DeValue<'t>,
    node: &mut dyn FnMut(Spanned<DeValue<'t>>) -> Node,
    table: &mut dyn FnMut(DeTable<'t>) -> Table,
) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Other("a number that is too large"),
        },
        DeValue::Boolean(yes) => Value::Boolean(yes),
        DeValue::Array(items) => Value::List(items.into_iter().map(node).collect()),
        DeValue::Table(inner) => Value::Table(table(inner)),
        DeValue::Float(_) => Value::Other("a number with a fraction"),
        DeValue::Datetime(_) => Value::Other("a time"),
    }
}

/// Puts the values of environment variables over those of a file. Variables that do not begin as ours do are left out.
pub(super) fn overlay(
    root: &mut Table,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    faults: &mut Vec<ConfigFault>,
) {
    let mut ours: Vec<_> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(BEGIN))
        .collect();
    // A variable for a table comes before those for its keys.
    ours.sort();
    for (name, value) in ours {
        let place = Place::Environment {
            variable: name.as_str().into(),
        };
        match value.into_string() {
            Ok(text) => put(
                root,
                &name[BEGIN.len()..].to_lowercase(),
                environment(&place, text),
            ),
            Err(_) => faults.push(ConfigFault {
                place,
                key: String::new(),
                wrong: Wrong::NotUtf8,
            }),
        }
    }
}

fn put(root: &mut Table, path: &str, node: Node) {
    match path.split_once(BETWEEN) {
        None => {
            root.insert(path.to_owned(), node);
        }
        Some((first, rest)) => {
            let empty = || Node {
                place: node.place.clone(),
                value: Value::Table(Table::new()),
                raw: None,
            };
            let inner = root.entry(first.to_owned()).or_insert_with(empty);
            match &mut inner.value {
                Value::Table(table) => put(table, rest, node),
                _ => {
                    *inner = empty();
                    put(root, path, node);
                }
            }
        }
    }
}

fn environment(place: &Place, text: String) -> Node {
    let value = match DeValue::parse(&text) {
        Ok(value) => of_variable(place, value.into_inner()),
        Err(_) => Value::Text(text.clone()),
    };
    Node {
        place: place.clone(),
        raw: Some(match &value {
            Value::Text(unquoted) => unquoted.clone(),
            _ => text,
        }),
        value,
    }
}

fn of_variable(place: &Place, value: DeValue<'_>) -> Value {
    let node = |value: DeValue<'_>| Node {
        place: place.clone(),
        value: of_variable(place, value),
        raw: None,
    };
    of_toml(value, &mut |item| node(item.into_inner()), &mut |table| {
        let entry = |(key, value): (Spanned<_>, Spanned<DeValue<'_>>)| {
            let key: std::borrow::Cow<'_, str> = key.into_inner();
            (key.into_owned(), node(value.into_inner()))
        };
        table.into_iter().map(entry).collect()
    })
}
