//! Checks whether the premises of a command still hold.

use crate::tree::{Lookup, Tree};
use crate::{Aggregate, Fault, FieldPath, FieldViolation};

/// The reason why premises cannot be checked.
#[derive(Debug)]
pub enum PremiseFault {
    /// Some premises name no field of the state.
    Slips(Vec<FieldViolation>),
    /// The state cannot be written in a form in which fields have names.
    State(Fault),
}

/// Returns the `premises` whose values at `base` and at `current` differ. Only the named fields are looked at.
///
/// A premise may name an entry that a map does not have, since that can change. Any other name that is in neither state
/// is refused: it names no field, and the premise would always hold.
pub fn changed_premises<A: Aggregate>(
    premises: &[FieldPath],
    base: &A,
    current: &A,
) -> Result<Vec<FieldPath>, PremiseFault> {
    let mut changed = Vec::new();
    let mut slips = Vec::new();
    for (at, premise) in premises.iter().enumerate() {
        let look = |state| {
            Tree::at(state, premise).map_err(|error| PremiseFault::State(Fault::state(&error)))
        };
        match (look(base)?, look(current)?) {
            (Lookup::Missing { may_come: false }, Lookup::Missing { may_come: false }) => {
                slips.push(slip(at, premise, current));
            }
            (Lookup::Missing { .. }, Lookup::Missing { .. }) => {}
            (then, now) if then == now => {}
            _ => changed.push(premise.clone()),
        }
    }
    match slips.is_empty() {
        true => Ok(changed),
        false => Err(PremiseFault::Slips(slips)),
    }
}

fn slip<A: Aggregate>(at: usize, premise: &FieldPath, state: &A) -> FieldViolation {
    let message = format!(
        "the state of `{}` has no field `{premise}`; {}; a key that holds a dot is written as a JSON Pointer, such as `/prices/1.5`",
        A::DOMAIN,
        nearest(premise, state)
    );
    FieldViolation::new(format!("premises[{at}]"), message)
}

/// The number of names that a message lists.
const NAMES: usize = 20;

/// Describes the innermost existing value on the way to the premise.
fn nearest<A: Aggregate>(premise: &FieldPath, state: &A) -> String {
    let found = premise
        .ancestors()
        .find_map(|path| match Tree::at(state, &path) {
            Ok(Lookup::Found(tree)) => Some((path, tree)),
            Ok(Lookup::Missing { .. }) | Err(_) => None,
        });
    let Some((path, tree)) = found else {
        return "it has no fields".into();
    };
    let place = match path.segments() {
        [] => "it".into(),
        _ => format!("`{path}`"),
    };
    match tree {
        Tree::Object(entries) if !entries.is_empty() => {
            let names = entries.keys().take(NAMES).map(|name| format!("`{name}`"));
            format!("{place} has {}", names.collect::<Vec<_>>().join(", "))
        }
        Tree::List(items) => format!("{place} is a list of {}", items.len()),
        _ => format!("{place} has no fields"),
    }
}
