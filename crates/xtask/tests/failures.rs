//! `docs/failures.md` says of every error what to do: a new variant needs a new paragraph.

use std::fs;

/// Files and the enums in them that a caller meets.
const ERRORS: &[(&str, &[&str])] = &[
    (
        "crates/core/src/submit_error.rs",
        &["SubmitError", "ConflictReason"],
    ),
    ("crates/core/src/view.rs", &["QueryError"]),
    ("crates/coordinator/src/coordinator.rs", &["StartError"]),
    ("crates/proto/src/call_error.rs", &["CallError"]),
    ("crates/seriatim/src/app.rs", &["StartAppError", "RunError"]),
    ("crates/seriatim/src/open.rs", &["OpenStoreError"]),
    ("crates/store-sqlite/src/open_error.rs", &["OpenError"]),
];

fn read(path: &str) -> String {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The variants of `name`, as rustfmt writes them: four spaces, then the name.
fn variants<'a>(source: &'a str, name: &str) -> Vec<&'a str> {
    let declared = format!("pub enum {name}");
    let body = source.lines().skip_while(|line| {
        line.strip_prefix(&declared)
            .is_none_or(|rest| !rest.starts_with([' ', '<']))
    });
    body.skip(1)
        .take_while(|line| *line != "}")
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| line.split([' ', '(', ',']).next().unwrap_or(line))
        .collect()
}

#[test]
fn the_page_of_failures_names_every_error() {
    let page = read("docs/failures.md");
    for (path, enums) in ERRORS {
        let source = read(path);
        for name in *enums {
            let variants = variants(&source, name);
            assert!(!variants.is_empty(), "there is no `{name}` in {path}");
            for variant in variants {
                assert!(
                    page.contains(&format!("`{name}::{variant}`")),
                    "docs/failures.md says nothing of `{name}::{variant}`"
                );
            }
        }
    }
}
