//! Names the fields of a JSON text that a type does not have.

use std::fmt;

use serde_ignored::Path;

use crate::FieldPath;
use crate::text::known::nearest;

/// The most fields of one payload that are named.
const MOST: usize = 16;

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
