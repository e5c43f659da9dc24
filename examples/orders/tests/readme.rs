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
