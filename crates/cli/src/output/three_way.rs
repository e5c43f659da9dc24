//! A dead letter from three sides, field by field.

use std::collections::BTreeMap;

use seriatim_core::{Annotation, CommandLetter, Simulated, ThreeWay, Tree};

use super::letters::{cells, history};
use super::lines::Lines;
use super::text;

/// One field of the state that differs between the sides. `None`: that side does not have the field.
#[derive(Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) path: String,
    pub(crate) base: Option<Tree>,
    pub(crate) theirs: Option<Tree>,
    pub(crate) yours: Option<Tree>,
}

/// Returns the fields that differ, by path. Without a result of the command, "yours" is the base.
pub(crate) fn fields(view: &ThreeWay) -> Vec<Field> {
    let yours = match &view.yours {
        Simulated::Commits { after, .. } => &after.state,
        Simulated::Unchanged
        | Simulated::Duplicate(_)
        | Simulated::ExternalIdReused(_)
        | Simulated::Rejected(_)
        | Simulated::Conflict(_)
        | Simulated::Parks(_) => &view.base.state,
    };
    let states = [&view.base.state, &view.theirs.state, yours];
    // A server sends nothing else.
    let [base, theirs, yours] =
        states.map(|state| Tree::parse(state.as_bytes()).unwrap_or(Tree::Null));
    differing(&base, &theirs, &yours)
}

fn differing(base: &Tree, theirs: &Tree, yours: &Tree) -> Vec<Field> {
    let [base, theirs, yours] = [base, theirs, yours].map(leaves);
    let mut paths: Vec<_> = [&base, &theirs, &yours]
        .into_iter()
        .flat_map(BTreeMap::keys)
        .collect();
    paths.sort_unstable();
    paths.dedup();
    let field = |path: &String| Field {
        path: path.clone(),
        base: base.get(path).cloned(),
        theirs: theirs.get(path).cloned(),
        yours: yours.get(path).cloned(),
    };
    let differs = |field: &Field| field.base != field.theirs || field.base != field.yours;
    paths.into_iter().map(field).filter(differs).collect()
}

/// Returns the fields of a state, by dotted path.
fn leaves(state: &Tree) -> BTreeMap<String, Tree> {
    let mut found = BTreeMap::new();
    collect(state, "", &mut found);
    found
}

fn collect(value: &Tree, path: &str, found: &mut BTreeMap<String, Tree>) {
    let below = |segment: &str| match path {
        "" => segment.to_owned(),
        path => format!("{path}.{segment}"),
    };
    match value {
        Tree::Object(fields) if !fields.is_empty() => {
            fields
                .iter()
                .for_each(|(key, value)| collect(value, &below(key), found));
        }
        Tree::List(items) if !items.is_empty() => {
            let items = items.iter().enumerate();
            items.for_each(|(at, item)| collect(item, &below(&at.to_string()), found));
        }
        _ => {
            found.insert(path.to_owned(), value.clone());
        }
    }
}

pub(crate) fn text(view: &ThreeWay, annotations: &[Annotation]) -> Lines {
    let mut lines = letter(&view.letter, annotations);
    lines.push("");
    lines.append(&text::intervening(
        &view.intervening,
        view.intervening_total,
    ));
    let base = at(view.base.sequence);
    lines.append(&yours(
        &format!("at sequence {base}, the command"),
        &view.yours,
    ));
    match &view.obstacle {
        Some(reason) => lines.push(&format!("in the way of merging: {reason}")),
        None => lines.push("nothing stands in the way of merging the two"),
    }
    lines.push("");
    lines.append(&table(view));
    lines
}

fn letter(letter: &CommandLetter, annotations: &[Annotation]) -> Lines {
    let request = &letter.request;
    let mut rows = vec![
        cells("dead letter", letter.id.to_string()),
        cells("status", letter.status.as_str()),
        cells("stream", request.stream.to_string()),
    ];
    rows.extend(
        request
            .commands
            .iter()
            .map(|command| cells("command", text::payload(command))),
    );
    rows.push(cells("conflict", letter.conflict.to_string()));
    rows.push(cells(
        "parked",
        format!("{}, because {}", letter.parked_at, letter.reason),
    ));
    let metadata = &request.metadata;
    let notes = [
        ("sent by", &metadata.actor),
        ("external id", &metadata.external_id),
        ("correlation", &metadata.correlation_id),
    ];
    for (name, note) in notes {
        rows.extend(note.as_ref().map(|note| cells(name, note)));
    }
    rows.extend(history(&letter.attempts, annotations));
    Lines::aligned(&rows)
}

/// Returns what the command would have done; the state after it is in the table.
fn yours(subject: &str, outcome: &Simulated) -> Lines {
    let Simulated::Commits { events, .. } = outcome else {
        return text::simulated(subject, outcome);
    };
    let events: Vec<_> = events.iter().map(text::payload).collect();
    Lines::of(&format!("{subject} would have given {}", events.join("; ")))
}

fn table(view: &ThreeWay) -> Lines {
    let fields = fields(view);
    if fields.is_empty() {
        return Lines::of("the three states are the same");
    }
    let mut rows = vec![vec![
        "field".into(),
        format!("base ({})", at(view.base.sequence)),
        format!("theirs ({})", at(view.theirs.sequence)),
        "yours".into(),
    ]];
    rows.extend(fields.iter().map(|field| {
        vec![
            field.path.clone(),
            cell(field.base.as_ref()),
            side(field.theirs.as_ref(), field.base.as_ref()),
            side(field.yours.as_ref(), field.base.as_ref()),
        ]
    }));
    Lines::aligned(&rows)
}

/// Returns `=` if a side equals the base, so that the eye finds what changed.
fn side(value: Option<&Tree>, base: Option<&Tree>) -> String {
    if value == base {
        return "=".into();
    }
    cell(value)
}

fn cell(value: Option<&Tree>) -> String {
    value.map_or("-".into(), Tree::to_string)
}

fn at(sequence: Option<seriatim_core::Sequence>) -> String {
    sequence.map_or("none".into(), |sequence| sequence.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        Tree::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn only_fields_that_differ_are_shown() {
        let base = tree(r#"{ "owner": "Ann", "cents": 100, "notes": [] }"#);
        let theirs = tree(r#"{ "owner": "Ann", "cents": 50, "notes": [] }"#);
        let yours = tree(r#"{ "owner": "Ann", "cents": 100, "notes": ["late"] }"#);
        let fields = differing(&base, &theirs, &yours);
        let paths: Vec<_> = fields.iter().map(|field| field.path.as_str()).collect();
        assert_eq!(paths, ["cents", "notes", "notes.0"]);
        assert_eq!(fields[0].theirs, Some(tree("50")));
        assert_eq!(fields[2].base, None);
    }

    #[test]
    fn a_side_that_has_not_moved_is_marked() {
        assert_eq!(side(Some(&tree("1")), Some(&tree("1"))), "=");
        assert_eq!(side(None, Some(&tree("1"))), "-");
    }
}
