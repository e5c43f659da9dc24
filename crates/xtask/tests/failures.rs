//! `docs/failures.md` says of every error what to do: a new variant needs a new paragraph.

use std::fs;
use std::path::{Path, PathBuf};

/// Crates and the enums in them that a caller meets.
const ERRORS: &[(&str, &[&str])] = &[
    (
        "core",
        &[
            "SubmitError",
            "ConflictReason",
            "QueryError",
            "SubscribeError",
            "OperatorError",
            "RegisterError",
            "VersionError",
            "WhyNotHandled",
        ],
    ),
    ("coordinator", &["StartError"]),
    ("proto", &["CallError"]),
    ("security", &["TlsError", "TlsProblem"]),
    (
        "seriatim",
        &[
            "StartAppError",
            "OpenDoor",
            "RunError",
            "OpenStoreError",
            "WaitError",
        ],
    ),
    ("store-sql", &["SchemaError"]),
    ("store-sqlite", &["OpenError"]),
    ("store-postgres", &["OpenError"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Rust code of a folder and those in it.
fn code(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a crate has sources");
    entries
        .map(|entry| entry.expect("a readable folder").path())
        .map(|path| match path.is_dir() {
            true => code(&path),
            false => read(&path),
        })
        .collect()
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
    let page = read(&root().join("docs/failures.md"));
    for (name, enums) in ERRORS {
        let source = code(&root().join("crates").join(name).join("src"));
        for error in *enums {
            let variants = variants(&source, error);
            assert!(!variants.is_empty(), "there is no `{error}` in {name}");
            for variant in variants {
                assert!(
                    page.contains(&format!("`{error}::{variant}`")),
                    "docs/failures.md says nothing of `{error}::{variant}`"
                );
            }
        }
    }
}
