//! The README shows parts of the story: they are as it is told.

/// The chapters of a story, which begin with a number.
fn chapters(story: &str) -> Vec<&str> {
    let chapters = story.split("\n\n").map(str::trim_end);
    chapters
        .filter(|chapter| chapter.trim_start().starts_with(char::is_numeric))
        .collect()
}

#[test]
fn the_excerpt_of_the_readme_is_told_in_the_story() {
    let readme = include_str!("../../../README.md");
    let story = include_str!("story.txt");
    let excerpt = readme
        .split("```text")
        .find(|block| block.contains("(expects "))
        .and_then(|block| block.split("```").next())
        .expect("the README shows the story");
    let shown = chapters(excerpt);
    assert!(shown.len() >= 3, "{shown:?}");
    for chapter in shown {
        assert!(
            story.contains(chapter.trim_start()),
            "not in story.txt:\n{chapter}"
        );
    }
}

#[test]
fn the_process_manager_of_the_readme_is_this_one() {
    let readme = include_str!("../../../README.md");
    let source = include_str!("../src/reactions/fulfilment.rs");
    let excerpt = readme
        .split("```rust,ignore\n")
        .filter_map(|block| block.split("```").next())
        .find(|block| block.starts_with("fn decide"))
        .expect("the README shows how it decides");
    let dedented: Vec<_> = source
        .lines()
        .map(|line| line.strip_prefix("    ").unwrap_or(line))
        .collect();
    assert!(
        dedented.join("\n").contains(excerpt.trim_end()),
        "not in fulfilment.rs:\n{excerpt}"
    );
}
