//! Represents what the events of a stream have changed in its state, field by field.

use crate::{FieldPath, RecordedEvent, Sequence, Tree};

/// The changes to look for in a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangesQuery {
    /// The field to look at; the empty path is the whole state.
    pub field: FieldPath,
    /// The last event to look at; `None` means the last of the stream.
    pub through: Option<Sequence>,
    /// The most events to return.
    pub limit: usize,
}

/// The events that changed a field, newest first.
///
/// One answer looks at a part of the stream only, so it may hold no event although an older one changed the field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// The events and what each of them changed. Those of a field have changed it; those of the whole state are all
    /// events, including the ones that changed nothing.
    pub events: Vec<EventChanges>,
    /// The value of the field after the last event that was looked at; `None` if there was no such field then, and for
    /// the whole state.
    pub value: Option<Tree>,
    /// The [`through`](ChangesQuery::through) of the next question, which goes on to older events; `None` if every
    /// older event was looked at.
    pub next: Option<Sequence>,
}

/// An event and what it changed.
#[derive(Clone, Debug, PartialEq)]
pub struct EventChanges {
    /// The event.
    pub event: RecordedEvent,
    /// The innermost fields that it changed, in the order of their paths.
    pub changes: Vec<FieldChange>,
}

/// A field with two values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The field.
    pub path: FieldPath,
    /// Its value before; `None` if there was no such field.
    pub before: Option<Tree>,
    /// Its value after; `None` if there is no such field any more.
    pub after: Option<Tree>,
}

impl FieldChange {
    /// Returns the innermost fields inside `field` in which two states differ, in the order of their paths. If the
    /// states differ in a field that contains `field`, the change is that of `field` itself.
    ///
    /// Lists are compared as by [`Tree::differences`], so one whose elements only changed places is unchanged.
    ///
    /// ```
    /// # use seriatim_core::{FieldChange, FieldPath, Tree};
    /// let tree = |text: &str| Tree::parse(text.as_bytes()).unwrap();
    /// let (before, after) = (tree(r#"{"address":null}"#), tree(r#"{"address":{"city":"Bern"}}"#));
    /// let city: FieldPath = "address.city".parse().unwrap();
    /// let changes = FieldChange::between(&before, &after, &city);
    /// assert_eq!(changes[0].path, city);
    /// assert_eq!((&changes[0].before, &changes[0].after), (&None, &Some(tree("\"Bern\""))));
    /// ```
    pub fn between(before: &Tree, after: &Tree, field: &FieldPath) -> Vec<Self> {
        let (Some(inner_before), Some(inner_after)) = (before.get(field), after.get(field)) else {
            let (before, after) = (before.get(field).cloned(), after.get(field).cloned());
            let path = field.clone();
            let change = Self {
                path,
                before,
                after,
            };
            return Vec::from_iter((change.before != change.after).then_some(change));
        };
        let differences = inner_before.differences(inner_after).into_iter();
        differences
            .map(|inner| Self {
                before: inner_before.get(&inner).cloned(),
                after: inner_after.get(&inner).cloned(),
                path: field.join(&inner),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        Tree::parse(text.as_bytes()).unwrap()
    }

    fn paths(before: &str, after: &str, field: &str) -> Vec<String> {
        let field = FieldPath::try_from(field.to_owned()).unwrap();
        let changes = FieldChange::between(&tree(before), &tree(after), &field);
        changes
            .iter()
            .map(|change| change.path.to_string())
            .collect()
    }

    #[test]
    fn only_changes_inside_the_field_count() {
        let before = r#"{"a":{"b":1,"c":[1,2]},"d":1}"#;
        let after = r#"{"a":{"b":2,"c":[1,3]},"d":2}"#;
        assert_eq!(paths(before, after, ""), ["a.b", "a.c", "d"]);
        assert_eq!(paths(before, after, "a"), ["a.b", "a.c"]);
        assert_eq!(paths(before, after, "a.b"), ["a.b"]);
        assert_eq!(paths(before, after, "a.c.1"), ["a.c.1"]);
        assert_eq!(paths(before, after, "a.c.0"), [""; 0]);
        assert_eq!(paths(before, after, "a.x"), [""; 0]);
    }

    #[test]
    fn a_field_that_comes_or_goes_with_what_contains_it_has_changed_itself() {
        let (without, with) = (r#"{"a":null}"#, r#"{"a":{"b":{"c":1}}}"#);
        assert_eq!(paths(without, with, "a.b"), ["a.b"]);
        assert_eq!(paths(with, without, "a.b.c"), ["a.b.c"]);
        assert_eq!(paths(without, with, ""), ["a"]);
    }
}
