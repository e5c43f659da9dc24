//! The README shows this example: the two stay equal, and the domain stays short.

use std::fs;

/// The best peer needs 58 for the same account.
const MOST_LINES: usize = 55;

fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The blocks of Rust code in the README, without their fences.
fn blocks() -> Vec<String> {
    let readme = read("../../README.md");
    let blocks = readme.split("```rust").skip(1);
    blocks
        .map(|block| {
            let (_, code) = block.split_once('\n').expect("a fence ends its line");
            code.split("```").next().unwrap_or_default().into()
        })
        .collect()
}

/// The domain without what concerns only this package: its first line, and who may see it.
fn domain() -> String {
    let source = read("src/account.rs").replace("pub(crate) ", "");
    let (role, code) = source.split_once('\n').expect("more than one line");
    assert!(role.starts_with("//!"), "{role}");
    code.trim_start().into()
}

#[test]
fn the_first_aggregate_of_the_readme_is_this_one() {
    assert_eq!(blocks()[0], domain());
}

#[test]
fn the_readme_sends_to_it_as_this_example_does() {
    let main = read("src/main.rs");
    let dedented: Vec<_> = main
        .lines()
        .map(|line| line.strip_prefix("    ").unwrap_or(line))
        .collect();
    let excerpt = &blocks()[1];
    assert!(
        dedented.join("\n").contains(excerpt.trim_end()),
        "not in main.rs:\n{excerpt}"
    );
}

#[test]
fn a_first_aggregate_is_short() {
    let domain = domain();
    let lines = domain.lines().filter(|line| !line.trim().is_empty());
    let count = lines.count();
    assert!(count <= MOST_LINES, "{count} lines; at most {MOST_LINES}");
}
