//! Compares the three sides of a command, field by field.

use seriatim_core::{FieldChange, FieldPath, Simulated, StateView, ThreeWay, Tree};

use crate::show;

/// A field of the state that differs between the sides.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) path: String,
    pub(crate) base: String,
    pub(crate) theirs: String,
    pub(crate) yours: String,
    /// True if both have changed it, and not to the same.
    pub(crate) conflicts: bool,
}

/// A field that differs between two states.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) path: String,
    /// The path as it is asked for.
    pub(crate) field: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// Returns the fields that differ. If the command would have changed nothing, "yours" is the base.
pub(crate) fn fields(view: &ThreeWay) -> Vec<Field> {
    let yours = match &view.yours {
        Simulated::Commits { after, .. } => after,
        Simulated::Unchanged
        | Simulated::Duplicate(_)
        | Simulated::ExternalIdReused(_)
        | Simulated::Rejected(_)
        | Simulated::Conflict(_)
        | Simulated::Parks(_) => &view.base,
    };
    differing(&tree(&view.base), &tree(&view.theirs), &tree(yours))
}

impl From<&FieldChange> for Change {
    fn from(change: &FieldChange) -> Self {
        Self {
            path: named(&change.path),
            field: change.path.to_string(),
            before: show::value(change.before.as_ref()),
            after: show::value(change.after.as_ref()),
        }
    }
}

/// Returns what an event has changed.
pub(crate) fn all(changes: &[FieldChange]) -> Vec<Change> {
    changes.iter().map(Into::into).collect()
}

fn differing(base: &Tree, theirs: &Tree, yours: &Tree) -> Vec<Field> {
    let by_them = base.differences(theirs);
    let by_you = base.differences(yours);
    let all = by_them.union(&by_you);
    all.map(|path| {
        let touches = |others: &std::collections::BTreeSet<FieldPath>| {
            others.iter().any(|other| path.touches(other))
        };
        Field {
            path: named(path),
            base: show::value(base.get(path)),
            theirs: show::value(theirs.get(path)),
            yours: show::value(yours.get(path)),
            conflicts: touches(&by_them) && touches(&by_you) && theirs.get(path) != yours.get(path),
        }
    })
    .collect()
}

/// A state that is no JSON has no fields.
fn tree(state: &StateView) -> Tree {
    state.tree().unwrap_or(Tree::Null)
}

/// The whole state has no name.
pub(crate) fn named(path: &FieldPath) -> String {
    match path.segments() {
        [] => "(all)".into(),
        _ => show::line(&path.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        Tree::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn fields_in_conflict_are_those_that_both_have_changed() {
        let base = tree(r#"{"owner":"Ann","cents":100,"note":"","same":1}"#);
        let theirs = tree(r#"{"owner":"Ann","cents":50,"note":"","same":2}"#);
        let yours = tree(r#"{"owner":"Ann","cents":70,"note":"late","same":2}"#);
        let fields = differing(&base, &theirs, &yours);
        let shown: Vec<_> = fields
            .iter()
            .map(|field| (field.path.as_str(), field.conflicts))
            .collect();
        assert_eq!(shown, [("cents", true), ("note", false), ("same", false)]);
        assert_eq!(
            (
                fields[0].base.as_str(),
                fields[0].theirs.as_str(),
                fields[0].yours.as_str()
            ),
            ("100", "50", "70")
        );
    }

    #[test]
    fn a_field_inside_a_changed_one_is_in_conflict() {
        let base = tree(r#"{"address":{"city":"Bern"}}"#);
        let theirs = tree(r#"{"address":null}"#);
        let yours = tree(r#"{"address":{"city":"Basel"}}"#);
        let fields = differing(&base, &theirs, &yours);
        assert!(fields.iter().all(|field| field.conflicts), "{fields:?}");
        assert_eq!(fields.len(), 2);
    }
}
