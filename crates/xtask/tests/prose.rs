//! The documentation is read by people in a hurry, so the phrases in [`OLD`] must not come back into it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Words and phrases that were replaced because they had to be read twice, or because another word is used now; with the
/// advice for the author. They are compared in lower case, across line breaks.
const OLD: &[(&str, &str)] = &[
    ("whoever", "name the reader, sender, process or person"),
    ("whether that was", "say when it returns `false`"),
    (": not if ", "say when it returns `false`"),
    ("who takes it", "name the owner, process or person"),
    ("what is outside is", "say what the outer value means"),
    ("to be called with", "write \"must be called\""),
    ("is to be called", "write \"must be called\""),
    ("in vain", "say what did not happen"),
    ("of whom", "name the person, process or component"),
    (
        "what it is known by",
        "write \"the idempotency key\" or \"its id\"",
    ),
    ("what becomes of it if", "write \"what to do if\""),
    ("what came of it", "write \"the result\""),
    (
        "a failure is told",
        "name the error and when it is returned",
    ),
    (
        "spends what only",
        "say what is claimed and what is recorded",
    ),
    ("whose patience has ended", "write \"after a timeout\""),
    ("then that was noted before", "say what was recorded before"),
    ("as far as they said", "say what was given"),
    ("has it no more", "write \"does not have it any more\""),
    ("be held against", "write \"compared with\""),
    ("is held against", "write \"compared with\""),
    ("what was given.", "write \"the value that was given\""),
    ("what the driver said", "write \"the error of the driver\""),
    ("what the server said", "write \"the error of the server\""),
    ("the matter is with", "write \"what is wrong with\""),
    ("put that right", "write \"corrected the cause\""),
    ("grpc door", "write \"gRPC server\""),
    ("committer", "write \"group commit\""),
    ("drawer", "write \"source of letters\""),
];

/// The pages that a user reads. `docs/decisions` are records of their time.
fn pages() -> Vec<PathBuf> {
    let of = |path: &str| path.ends_with(".md") && !path.starts_with("docs/decisions/");
    tracked("*.md")
        .into_iter()
        .filter(|path| of(path))
        .map(PathBuf::from)
        .collect()
}

/// The files of the repository that match a pattern of Git.
fn tracked(pattern: &str) -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", pattern])
        .current_dir(root())
        .output();
    let listed = String::from_utf8(listed.expect("git is there").stdout).expect("paths are UTF-8");
    listed.lines().map(str::to_owned).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The words of a page: everything but its blocks of program output and code, whose comments a user does not look up.
fn of_page(text: &str) -> String {
    let mut is_code = false;
    let prose = text.lines().map(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        if is_code || is_fence { "\u{b6}" } else { line }
    });
    prose.collect::<Vec<_>>().join("\n")
}

/// Returns the documentation of a file: in a Rust file the comments that rustdoc shows and lines of messages, in a
/// proto file all comments.
fn of_comments(text: &str, marks: &[&str]) -> String {
    let comment = |line: &str| {
        let line = line.trim_start();
        let text = marks.iter().find_map(|mark| line.strip_prefix(mark));
        // An empty line keeps sentences of two comments apart.
        text.unwrap_or("\u{b6}").to_owned()
    };
    text.lines().map(comment).collect::<Vec<_>>().join("\n")
}

/// Each old phrase in `prose`, with its line.
fn found(prose: &str) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    for (number, line) in prose.lines().enumerate() {
        words.extend(
            line.split_whitespace()
                .map(|word| (number + 1, word.to_lowercase())),
        );
    }
    let mut joined = String::new();
    let mut starts = Vec::new();
    for (line, word) in words {
        joined.push(' ');
        starts.push((joined.len(), line));
        joined.push_str(&word);
    }
    joined.push(' ');
    let line_of = |at: usize| starts[starts.partition_point(|(start, _)| *start <= at) - 1].1;
    let mut all = Vec::new();
    for (index, (phrase, _)) in OLD.iter().enumerate() {
        all.extend(
            joined
                .match_indices(phrase)
                .map(|(at, _)| (line_of(at + 1), index)),
        );
    }
    all
}

#[test]
fn the_documentation_has_none_of_the_old_phrases() {
    let mut faults = Vec::new();
    let mut look = |path: &str, prose: &str| {
        for (line, index) in found(prose) {
            let (phrase, advice) = OLD[index];
            faults.push(format!("{path}:{line}: \"{phrase}\": {advice}"));
        }
    };
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("a tracked file is there");
    let pages = pages();
    assert!(pages.len() > 20, "only {} pages were found", pages.len());
    for page in pages {
        let path = page.to_str().expect("paths are UTF-8");
        look(path, &of_page(&read(path)));
    }
    for path in tracked("crates/*/src/*.rs")
        .iter()
        .chain(&tracked("examples/*/src/*.rs"))
    {
        look(
            path,
            &of_comments(&read(path), &["///", "//!", "#[error(", "\""]),
        );
    }
    for path in &tracked("proto/*.proto") {
        look(path, &of_comments(&read(path), &["//"]));
    }
    assert!(
        faults.is_empty(),
        "{} old phrases:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// The search itself: over a line break, in any case, and not in what is no documentation.
#[test]
fn an_old_phrase_is_found() {
    let comments = "/// Returns it, WHETHER\n/// that was so.\nlet whoever = 1; // whoever\n";
    assert_eq!(found(&of_comments(comments, &["///"])).len(), 1);
    assert_eq!(
        found(&of_comments(
            "/// Returns whether\n\n/// that was.",
            &["///"]
        ))
        .len(),
        0
    );
    let page = "Some words.\n```rust\nlet whoever = 1;\n```\nWhoever reads.\n";
    assert_eq!(found(&of_page(page)).len(), 1);
}
