//! `migrate` looks at a store itself: no server is asked.

use std::path::Path;

use serde_json::json;

use crate::stage::{Ran, run};

fn seriatim(arguments: &[&str]) -> Ran {
    run("http://127.0.0.1:1", arguments, "")
}

/// Number and name of each there is, as the files in the repository say.
fn all() -> Vec<(usize, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
    let files = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let split = |name: &String| {
        let (number, rest) = name.split_once('_').unwrap();
        let name = rest.strip_suffix(".sql").unwrap().to_owned();
        (number.parse().unwrap(), name)
    };
    names.iter().map(split).collect()
}

fn lines() -> Vec<String> {
    let line = |(number, name)| format!("{number:4}  {name}");
    all().into_iter().map(line).collect()
}

#[test]
fn migrate_makes_what_is_missing_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bank.db");
    let url = format!("sqlite://{}", file.display());

    let check = seriatim(&["migrate", &url, "--check"]);
    assert_eq!((check.code, check.stderr.as_str()), (Some(10), ""));
    let last = all().last().unwrap().0;
    let mut expected = vec![format!("at migration 0, {last} is needed; missing:")];
    expected.extend(lines());
    assert_eq!(check.printed(), expected);
    assert!(!file.exists(), "a check makes nothing");

    let made = seriatim(&["migrate", &url]).succeeded();
    let mut expected = vec![format!("migrated from 0 to {last}")];
    expected.extend(lines());
    assert_eq!(made.printed(), expected);

    for arguments in [&["migrate", &url][..], &["migrate", &url, "--check"]] {
        let again = seriatim(arguments).succeeded();
        assert_eq!(
            again.printed(),
            [format!("up to date, at migration {last}")]
        );
    }
}

#[test]
fn migrate_tells_programs_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("bank.db").display());
    let missing = seriatim(&["migrate", &url, "--check", "--json"]);
    let migrations: Vec<_> = all()
        .iter()
        .map(|(number, name)| json!({ "number": number, "name": name }))
        .collect();
    let answer = |made| json!([{ "before": 0, "after": all().last().unwrap().0, "made": made, "migrations": migrations }]);
    assert_eq!(json!(missing.json()), answer(false));
    let made = seriatim(&["migrate", &url, "--json"]).succeeded();
    assert_eq!(json!(made.json()), answer(true));
}

#[test]
fn a_store_that_cannot_be_opened_is_explained() {
    let failed = seriatim(&["migrate", "mysql://bank"]).failed(6);
    let said = failed.said();
    assert!(
        said[0].starts_with("error: `mysql://bank` names no store; give"),
        "{said:?}"
    );

    let nobody = "postgres://me:secret@127.0.0.1:1/bank?wait=1";
    let failed = seriatim(&["migrate", nobody]).failed(7);
    let said = failed.said();
    let expected =
        "error: no PostgreSQL answers at `bank` at 127.0.0.1:1; start it, or correct the address";
    assert!(said[0].starts_with(expected), "{said:?}");
    assert!(!failed.stderr.contains("secret"));
}
