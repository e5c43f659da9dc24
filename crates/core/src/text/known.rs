//! Lists the known names in an error about an unknown one.

use std::fmt::Display;

/// Returns the end of a sentence about an unknown name, which lists the known ones.
pub(crate) fn name_one_of(known: &[impl Display]) -> String {
    match known {
        [] => "there is none at all".into(),
        known => {
            let names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            format!("name one of {}", names.join(", "))
        }
    }
}
