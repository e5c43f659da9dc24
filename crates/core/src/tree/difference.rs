//! Finds the fields in which two trees differ.

use std::collections::BTreeSet;

use super::Tree;
use crate::FieldPath;

/// Searches for the innermost fields in which two values differ. Paths are built only where they do.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// True if two lists with the same elements in another order differ.
    pub(super) order_counts: bool,
    pub(super) found: BTreeSet<FieldPath>,
}

impl Search {
    pub(super) fn compare(&mut self, path: &FieldPath, before: &Tree, after: &Tree) {
        if before == after {
            return;
        }
        match (before, after) {
            (Tree::Object(before), Tree::Object(after)) => {
                let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
                for key in keys {
                    match (before.get(key), after.get(key)) {
                        (Some(before), Some(after)) if before == after => {}
                        (Some(before), Some(after)) => {
                            self.compare(&path.child(key.as_str()), before, after);
                        }
                        _ => drop(self.found.insert(path.child(key.as_str()))),
                    }
                }
            }
            (Tree::List(before), Tree::List(after))
                if !self.order_counts && same_elements(before, after) => {}
            (Tree::List(before), Tree::List(after)) if differ_in_objects(before, after) => {
                for (at, (before, after)) in before.iter().zip(after).enumerate() {
                    if before != after {
                        self.compare(&path.child(at.to_string()), before, after);
                    }
                }
            }
            _ => drop(self.found.insert(path.clone())),
        }
    }
}

fn same_elements(before: &[Tree], after: &[Tree]) -> bool {
    let sorted = |items: &[Tree]| {
        let mut texts: Vec<_> = items.iter().map(Tree::canonical).collect();
        texts.sort_unstable();
        texts
    };
    before.len() == after.len() && sorted(before) == sorted(after)
}

fn differ_in_objects(before: &[Tree], after: &[Tree]) -> bool {
    let fits = |(before, after): (&Tree, &Tree)| {
        before == after || matches!((before, after), (Tree::Object(_), Tree::Object(_)))
    };
    before.len() == after.len() && before.iter().zip(after).all(fits)
}

/// Returns the paths of `ours` that touch one of `theirs`.
pub(crate) fn overlap(ours: &BTreeSet<FieldPath>, theirs: &BTreeSet<FieldPath>) -> Vec<FieldPath> {
    ours.iter()
        .filter(|mine| theirs.iter().any(|their| mine.touches(their)))
        .cloned()
        .collect()
}
