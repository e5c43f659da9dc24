//! Checks that everything that documents and messages tell people to type exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::stage::run;

/// All text of a folder that people or programs read: documents, code and the wire.
fn collect(path: &Path, text: &mut String) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), text);
        }
    } else if let Some("md" | "rs" | "proto") = path.extension().and_then(|end| end.to_str()) {
        text.push_str(&fs::read_to_string(path).unwrap());
    }
}

/// The first two words after the name of the program, wherever it stands in code marks.
fn advised() -> BTreeSet<(String, Option<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut text = String::new();
    for place in ["README.md", "docs", "proto", "examples"] {
        collect(&root.join(place), &mut text);
    }
    for entry in fs::read_dir(root.join("crates")).unwrap() {
        let sources = entry.unwrap().path().join("src");
        if sources.is_dir() {
            collect(&sources, &mut text);
        }
    }
    let verb = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let commands = text.split("`seriatim ").skip(1);
    commands
        .filter_map(|rest| rest.split(['`', '\n']).next())
        .map(|command| {
            command
                .split(' ')
                .take_while(verb)
                .filter(|word| !word.is_empty())
        })
        .filter_map(|mut words| Some((words.next()?.to_owned(), words.next().map(str::to_owned))))
        .collect()
}

#[test]
fn every_command_that_somebody_is_told_to_type_is_there() {
    let help = |words: &[&str]| run("http://127.0.0.1:1", &[words, &["--help"]].concat(), "");
    let advised = advised();
    assert!(advised.len() > 15, "too few were found: {advised:?}");
    for (verb, below) in advised {
        let about = help(&[&verb]);
        assert_eq!(about.code, Some(0), "there is no `seriatim {verb}`");
        if let Some(below) = below
            && about.stdout.contains("Commands:")
        {
            let there = help(&[&verb, &below]).code == Some(0);
            assert!(there, "there is no `seriatim {verb} {below}`");
        }
    }
}
