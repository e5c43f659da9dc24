//! Lists the known names in an error about an unknown one, and finds the one that was meant.

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

/// Returns the known name that is most similar to one that is not known, if it is similar at all.
pub fn nearest<'n>(given: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let rated = known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .filter(|(similarity, _)| *similarity > 0.75);
    let best = rated.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.map(|(_, name)| name.to_owned())
}
