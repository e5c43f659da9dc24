//! Names of the fields of a state.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The path of a field of a serialised state: `address.city`, `items.sku-1.quantity`, `notes.0`.
///
/// Maps are entered by key, lists by index. A path with a key that is empty or holds a dot or a slash is written as a
/// JSON Pointer (RFC 6901): `/prices/1.5/net`. The empty path is the whole state.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldPath(Vec<String>);

impl FieldPath {
    /// Returns the keys and indexes of the path, outermost first.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// Returns whether one of the two contains the other, so that a change of either is a change of both.
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

    /// Returns the paths that contain this one, innermost first; the last is the whole state.
    pub(crate) fn ancestors(&self) -> impl Iterator<Item = Self> {
        (0..self.0.len())
            .rev()
            .map(|length| Self(self.0[..length].to_vec()))
    }

    /// Returns the path of the field `inner` of the field at this path.
    pub(crate) fn join(&self, inner: &Self) -> Self {
        Self([self.0.as_slice(), &inner.0].concat())
    }

    /// Returns the path of the child `segment`.
    pub fn child(&self, segment: impl Into<String>) -> Self {
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

/// A text that is not a valid [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a field: write it as `address.city`, or as a JSON Pointer: `/address/city`"
)]
pub struct InvalidFieldPath {
    /// The value that was given.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
