//! Checks what the derives refuse, and the words they refuse it with.

#[test]
fn a_mistake_is_told_where_it_is_with_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
}

/// These words are partly the compiler's, and change with its version: they are compared by the one that wrote them.
#[test]
fn a_missing_trait_is_told_with_what_to_add() {
    const WRITTEN_BY: &str = "rustc 1.95.";
    let rustc = std::process::Command::new("rustc").arg("-V").output();
    let version = rustc
        .expect("a compiler that has just compiled this")
        .stdout;
    if version.starts_with(WRITTEN_BY.as_bytes()) {
        trybuild::TestCases::new().compile_fail("tests/unimplemented/*.rs");
    }
}
