//! Names the fields of a JSON text that a type does not have.

use std::fmt;

use serde_ignored::Path;
use serde_json::Value;

use crate::codec::json_schema::names_at;
use crate::text::known::nearest;
use crate::{DecodeError, FieldPath, Message, Payload};

/// The most fields of one payload that are named.
const MOST: usize = 16;

/// What becomes of fields in the JSON of a command that its type does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownFieldRule {
    /// They are passed over.
    Ignore,
    /// They are passed over, and the answer names them.
    #[default]
    Warn,
    /// The command is refused as invalid.
    Refuse,
}

/// A field in the JSON of a payload that its type does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// Its place in the payload.
    pub path: FieldPath,
    /// The field beside it that was probably meant, by its similar name.
    pub meant: Option<String>,
}

impl fmt::Display for UnknownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no field `{}`", self.path)?;
        match &self.meant {
            Some(meant) => write!(f, "; did you mean `{meant}`?"),
            None => Ok(()),
        }
    }
}

/// The unknown fields of one payload, as they are found. No more than 16 are kept.
#[derive(Clone, Debug, Default)]
pub struct UnknownFields(Vec<UnknownField>);

impl UnknownFields {
    /// Adds a field that a deserializer has passed over.
    pub fn note(&mut self, path: &Path<'_>) {
        if self.0.len() < MOST {
            self.0.push(UnknownField {
                path: FieldPath::of_ignored(path),
                meant: None,
            });
        }
    }

    /// Returns them, each with the field that was probably meant. `known` returns the names of the fields of the type at a
    /// place in the payload.
    pub fn meaning(mut self, known: impl Fn(&[String]) -> Vec<String>) -> Vec<UnknownField> {
        for field in &mut self.0 {
            if let Some((name, place)) = field.path.segments().split_last() {
                let known = known(place);
                field.meant = nearest(name, known.iter().map(String::as_str));
            }
        }
        self.0
    }
}

impl FieldPath {
    /// Returns the path of a value that a deserializer has passed over.
    fn of_ignored(path: &Path<'_>) -> Self {
        match path {
            Path::Root => Self::default(),
            Path::Seq { parent, index } => Self::of_ignored(parent).child(index.to_string()),
            Path::Map { parent, key } => Self::of_ignored(parent).child(key.clone()),
            Path::Some { parent }
            | Path::NewtypeStruct { parent }
            | Path::NewtypeVariant { parent } => Self::of_ignored(parent),
        }
    }
}

/// Returns the fields in the JSON of a payload that the type `M` does not have, and the reason if it cannot be decoded
/// either. A payload of protobuf has none.
pub fn unknown_fields<M: Message>(payload: &Payload) -> (Vec<UnknownField>, Option<DecodeError>) {
    let mut found = UnknownFields::default();
    let read = M::decode_noting(payload, &mut found);
    if found.0.is_empty() {
        return (Vec::new(), read.err());
    }
    // What was read names its fields, also those with defaults; a schema names those of what was not read.
    let (written, error) = match read {
        Ok(read) => (read.encode().ok().and_then(|it| it.to_json()), None),
        Err(error) => (None, Some(error)),
    };
    let mut schemas = M::json_schemas().into_iter();
    let schema = schemas.find(|(name, _)| *name == payload.type_name);
    let sent = payload.to_json().unwrap_or_default();
    let fields = found.meaning(|place| {
        let mut names = schema
            .as_ref()
            .map_or(Vec::new(), |(_, it)| names_at(it, place));
        names.extend(written.as_ref().map_or(Vec::new(), |it| keys_at(it, place)));
        let sent = keys_at(&sent, place);
        names.retain(|name| !sent.contains(name));
        names
    });
    (fields, error)
}

/// Returns the keys of an object inside a value.
fn keys_at(value: &Value, place: &[String]) -> Vec<String> {
    let mut value = value;
    for segment in place {
        let inner = match value {
            Value::Array(values) => segment.parse().ok().and_then(|at: usize| values.get(at)),
            other => other.get(segment),
        };
        match inner {
            Some(inner) => value = inner,
            None => return Vec::new(),
        }
    }
    let keys = value.as_object().into_iter().flatten();
    keys.map(|(key, _)| key.clone()).collect()
}
