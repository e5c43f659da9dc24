//! The arrows between the crates point one way only (docs/architecture.md): what `cargo tree` shows must be in the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The packages of the workspace, each with those it may be built from directly; what these may use, it may use too.
/// Dev-dependencies are free. What lies in `examples/` is an application and needs no row: see `EXAMPLE`.
const ARROWS: &[(&str, &[&str])] = &[
    ("seriatim-core", &[]),
    ("seriatim-derive", &[]),
    ("seriatim-schema", &["seriatim-core"]),
    ("seriatim-coordinator", &["seriatim-schema"]),
    ("seriatim-runtime", &["seriatim-core"]),
    ("seriatim-store-memory", &["seriatim-core"]),
    ("seriatim-store-sql", &["seriatim-core"]),
    ("seriatim-store-sqlite", &["seriatim-store-sql"]),
    ("seriatim-store-postgres", &["seriatim-store-sql"]),
    ("seriatim-security", &["seriatim-core", "seriatim-derive"]),
    ("seriatim-jobs", &["seriatim-core", "seriatim-derive"]),
    ("seriatim-proto", &["seriatim-core", "seriatim-security"]),
    // Only tools of this repository.
    ("seriatim-proto-codegen", &[]),
    ("seriatim-testkit", &["seriatim-core"]),
    (
        "seriatim-server",
        &[
            "seriatim-coordinator",
            "seriatim-jobs",
            "seriatim-proto",
            "seriatim-runtime",
            "seriatim-security",
        ],
    ),
    (
        "seriatim-live",
        &[
            "seriatim-coordinator",
            "seriatim-runtime",
            "seriatim-security",
        ],
    ),
    (
        "seriatim-console",
        &[
            "seriatim-coordinator",
            "seriatim-jobs",
            "seriatim-runtime",
            "seriatim-security",
        ],
    ),
    (
        "seriatim",
        &[
            "seriatim-console",
            "seriatim-coordinator",
            "seriatim-derive",
            "seriatim-jobs",
            "seriatim-live",
            "seriatim-runtime",
            "seriatim-security",
            "seriatim-server",
            "seriatim-store-memory",
            "seriatim-store-postgres",
            "seriatim-store-sqlite",
            // Behind a feature, so that an application has its tests from the same crate.
            "seriatim-testkit",
        ],
    ),
    ("seriatim-cli", &["seriatim", "seriatim-proto"]),
    ("seriatim-bench", &["seriatim"]),
    ("seriatim-browser", &[]),
    ("xtask", &[]),
];

/// The crates that an application depends on, seen from the folder `examples/`.
const EXAMPLE: &[&str] = &["seriatim"];

/// Libraries that stop at a few crates, and the packages that may name them.
/// The benchmarks measure the bare libraries as the limits of the product, so they name them too.
const CONFINED: &[(&[&str], &[&str])] = &[
    (
        &[
            "tonic",
            "tonic-prost",
            "tonic-health",
            "tonic-reflection",
            "tonic-types",
        ],
        &[
            "seriatim-proto",
            "seriatim-proto-codegen",
            "seriatim-server",
            "seriatim-bench",
        ],
    ),
    (&["rusqlite"], &["seriatim-store-sqlite", "seriatim-bench"]),
    (
        &["sqlx"],
        &[
            "seriatim-store-postgres",
            "seriatim-store-sqlite",
            "seriatim-bench",
        ],
    ),
];

/// Packages whose sources name a library that the face re-exports to its users, and that they must not depend on
/// themselves: a read model is a user's own SQL. The face makes statements for them.
const BY_THE_FACE: &[(&str, &str)] = &[("chat", "sqlx"), ("orders", "sqlx"), ("seriatim", "sqlx")];

#[test]
fn every_package_keeps_to_its_arrows() {
    let packages = workspace_packages();
    for package in packages.keys() {
        let tree = cargo_tree(&["--package", package, "--all-features"]);
        let forbidden = forbidden_packages(package, &names(&tree), &packages);
        assert!(
            forbidden.is_empty(),
            "{package} must not be built from {forbidden:?}: turn the arrow round, or put what both need into a crate below"
        );
    }
}

#[test]
fn every_row_names_a_package() {
    let packages = workspace_packages();
    let rows = ARROWS
        .iter()
        .flat_map(|(name, targets)| targets.iter().chain([name]));
    let gone: Vec<_> = rows.filter(|name| !packages.contains_key(**name)).collect();
    assert!(
        gone.is_empty(),
        "{gone:?} are no packages (any more): take them out of the table of this file"
    );
}

#[test]
fn confined_libraries_are_dependencies_of_few_packages() {
    for package in workspace_packages().keys() {
        let tree = cargo_tree(&["--package", package, "--all-features", "--depth", "1"]);
        let confined = confined_libraries(package, &names(&tree));
        assert!(
            confined.is_empty(),
            "{package} must not depend on {confined:?} itself"
        );
    }
}

#[test]
fn confined_libraries_are_named_in_the_sources_of_few_packages() {
    for (package, folder) in workspace_packages() {
        for source in rust_files(&folder.join("src")) {
            let text = fs::read_to_string(&source).unwrap();
            let named: BTreeSet<_> = CONFINED
                .iter()
                .flat_map(|(libraries, _)| *libraries)
                .filter(|library| text.contains(&format!("{}::", library.replace('-', "_"))))
                .map(|library| (*library).to_owned())
                .collect();
            let mut confined = confined_libraries(&package, &named);
            confined.retain(|library| !BY_THE_FACE.contains(&(&package, library)));
            assert!(
                confined.is_empty(),
                "{} must not name {confined:?}",
                source.display()
            );
        }
    }
}

#[test]
fn an_arrow_in_the_wrong_direction_is_found() {
    let name = |name: &str| name.to_owned();
    let workspace = BTreeMap::from([
        (name("seriatim-core"), PathBuf::new()),
        (name("seriatim-server"), PathBuf::new()),
    ]);
    let tree = BTreeSet::from([
        name("seriatim-core"),
        name("seriatim-server"),
        name("serde"),
    ]);
    let forbidden = forbidden_packages("seriatim-core", &tree, &workspace);
    assert_eq!(forbidden, [name("seriatim-server")]);
    let dependencies = BTreeSet::from([name("tonic"), name("serde")]);
    assert_eq!(
        confined_libraries("seriatim-core", &dependencies),
        [name("tonic")]
    );
}

/// The packages of the workspace in `tree` that `package` may not be built from.
fn forbidden_packages(
    package: &str,
    tree: &BTreeSet<String>,
    workspace: &BTreeMap<String, PathBuf>,
) -> Vec<String> {
    let mut allowed = BTreeSet::new();
    allow(package, workspace, &mut allowed);
    tree.iter()
        .filter(|name| workspace.contains_key(*name) && !allowed.contains(name.as_str()))
        .cloned()
        .collect()
}

/// Puts `package` and everything its arrows lead to into `allowed`.
fn allow<'a>(
    package: &'a str,
    workspace: &BTreeMap<String, PathBuf>,
    allowed: &mut BTreeSet<&'a str>,
) {
    if allowed.insert(package) {
        for target in arrows_of(package, workspace) {
            allow(target, workspace, allowed);
        }
    }
}

fn arrows_of(package: &str, workspace: &BTreeMap<String, PathBuf>) -> &'static [&'static str] {
    let folder = workspace.get(package).and_then(|path| path.parent());
    if folder.is_some_and(|parent| parent.ends_with("examples")) {
        return EXAMPLE;
    }
    let row = ARROWS.iter().find(|(name, _)| *name == package);
    row.unwrap_or_else(|| panic!("{package} has no row in the table of this file"))
        .1
}

/// The libraries among `used` that `package` may not use.
fn confined_libraries(package: &str, used: &BTreeSet<String>) -> Vec<String> {
    CONFINED
        .iter()
        .filter(|(_, packages)| !packages.contains(&package))
        .flat_map(|(libraries, _)| *libraries)
        .filter(|library| used.contains(**library))
        .map(|library| (*library).to_owned())
        .collect()
}

/// Each package of the workspace with its folder.
fn workspace_packages() -> BTreeMap<String, PathBuf> {
    // seriatim-core v0.1.0 (/where/the/repository/is/crates/core)
    let tree = cargo_tree(&["--workspace", "--depth", "0"]);
    tree.lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(' ')?;
            let start = rest.find("(/")?;
            let end = start + rest[start..].find(')')?;
            Some((name.to_owned(), PathBuf::from(&rest[start + 1..end])))
        })
        .collect()
}

fn names(tree: &str) -> BTreeSet<String> {
    let first_word = |line: &str| line.split(' ').next().map(str::to_owned);
    tree.lines()
        .filter_map(first_word)
        .filter(|name| !name.is_empty())
        .collect()
}

fn cargo_tree(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo is there, it runs this test");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "cargo tree {arguments:?}: {errors}\n(if a package is missing offline, run `cargo fetch` once)"
    );
    String::from_utf8(output.stdout).unwrap()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}
