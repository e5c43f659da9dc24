//! Fields of a state: naming them, and finding out which ones changed.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A field of a serialised state: `address.city`, `items.sku-1.quantity`, `notes.0`.
///
/// Maps are entered by key, lists by index. A key that itself holds a dot or a slash is written as a JSON Pointer
/// (RFC 6901): `/prices/1.5/net`. The empty path is the whole state.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldPath(Vec<String>);

impl FieldPath {
    /// The keys and indexes on the way, outermost first.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// Whether one of the two contains the other, so that a change of either is a change of both.
    ///
    /// ```
    /// # use seriatim_core::FieldPath;
    /// let path = |text: &str| text.parse::<FieldPath>().unwrap();
    /// assert!(path("address").touches(&path("address.city")));
    /// assert!(!path("address.city").touches(&path("address.zip")));
    /// ```
    pub fn touches(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(&other.0)
            .all(|(mine, theirs)| mine == theirs)
    }

    fn child(&self, segment: impl Into<String>) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment.into());
        Self(segments)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dotted = |segment: &String| !segment.is_empty() && !segment.contains(['.', '/']);
        if self.0.iter().all(dotted) {
            return f.write_str(&self.0.join("."));
        }
        self.0
            .iter()
            .try_for_each(|segment| write!(f, "/{}", segment.replace('~', "~0").replace('/', "~1")))
    }
}

impl FromStr for FieldPath {
    type Err = InvalidFieldPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(pointer) = text.strip_prefix('/') {
            let segment = |part: &str| part.replace("~1", "/").replace("~0", "~");
            return Ok(Self(pointer.split('/').map(segment).collect()));
        }
        let segments: Vec<String> = text.split('.').map(Into::into).collect();
        if segments.iter().any(String::is_empty) {
            return Err(InvalidFieldPath { text: text.into() });
        }
        Ok(Self(segments))
    }
}

impl TryFrom<String> for FieldPath {
    type Error = InvalidFieldPath;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        text.parse()
    }
}

impl From<FieldPath> for String {
    fn from(path: FieldPath) -> Self {
        path.to_string()
    }
}

/// A text that is no [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` names no field: write it as `address.city`, or as a JSON Pointer: `/address/city`"
)]
pub struct InvalidFieldPath {
    /// What was given.
    pub text: String,
}

/// The innermost fields in which two serialised states differ.
pub fn changed_fields(before: &Value, after: &Value) -> BTreeSet<FieldPath> {
    let mut changed = BTreeSet::new();
    compare(&FieldPath::default(), before, after, &mut changed);
    changed
}

fn compare(path: &FieldPath, before: &Value, after: &Value, changed: &mut BTreeSet<FieldPath>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
                compare_entry(
                    &path.child(key.as_str()),
                    before.get(key),
                    after.get(key),
                    changed,
                );
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for at in 0..before.len().max(after.len()) {
                compare_entry(
                    &path.child(at.to_string()),
                    before.get(at),
                    after.get(at),
                    changed,
                );
            }
        }
        _ if before == after => {}
        _ => {
            changed.insert(path.clone());
        }
    }
}

fn compare_entry(
    path: &FieldPath,
    before: Option<&Value>,
    after: Option<&Value>,
    changed: &mut BTreeSet<FieldPath>,
) {
    match (before, after) {
        (Some(before), Some(after)) => compare(path, before, after, changed),
        (None, None) => {}
        (Some(_), None) | (None, Some(_)) => {
            changed.insert(path.clone());
        }
    }
}

/// Those of `ours` that touch one of `theirs`.
pub(crate) fn overlap(ours: &BTreeSet<FieldPath>, theirs: &BTreeSet<FieldPath>) -> Vec<FieldPath> {
    ours.iter()
        .filter(|mine| theirs.iter().any(|their| mine.touches(their)))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn names(changed: &BTreeSet<FieldPath>) -> Vec<String> {
        changed.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_the_innermost_fields_that_differ() {
        let before =
            json!({"address": {"city": "Bern", "zip": 3000}, "tags": ["a", "b"], "open": true});
        let after = json!({"address": {"city": "Bonn", "zip": 3000}, "tags": ["a"], "open": true, "note": null});
        assert_eq!(
            names(&changed_fields(&before, &after)),
            ["address.city", "note", "tags.1"]
        );
        assert!(changed_fields(&before, &before).is_empty());
    }

    #[test]
    fn a_change_of_kind_is_a_change_of_the_whole_field() {
        assert_eq!(
            names(&changed_fields(
                &json!({"a": null}),
                &json!({"a": {"b": 1}})
            )),
            ["a"]
        );
    }

    proptest! {
        #[test]
        fn a_path_reads_back_what_it_prints(segments in prop::collection::vec("[a-z./~0-9]{0,4}", 1..4)) {
            let path = FieldPath(segments);
            prop_assert_eq!(path.to_string().parse(), Ok(path));
        }
    }

    #[test]
    fn refuses_what_names_nothing() {
        for text in ["", ".", "a..b", "a."] {
            assert!(text.parse::<FieldPath>().is_err(), "{text}");
        }
    }
}
