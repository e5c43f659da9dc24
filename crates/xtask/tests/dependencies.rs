//! What the programs are built from: licences that users can take, one source, one crypto provider.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The licences that a package may have. One of the choices in an `OR` is enough; of an `AND` all are needed.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// Packages that must not be in the tree, and why.
const BANNED: &[(&str, &str)] = &[
    (
        "aws-lc-rs",
        "`ring` is the one crypto provider; two in one program panic at the first handshake",
    ),
    (
        "aws-lc-sys",
        "it needs CMake, which is not on a fresh machine",
    ),
    ("native-tls", "TLS is done by rustls"),
    (
        "openssl-sys",
        "TLS is done by rustls; it needs a library of the system",
    ),
];

/// Packages of which there must be one version: what is mended in one must be mended everywhere.
const ONE_VERSION: &[&str] = &["ring", "rustls", "rustls-webpki", "subtle", "tokio-rustls"];

/// The only place that packages come from.
const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The packages that the programs and the libraries are built from, each as `name version` with its licence.
fn packages() -> BTreeSet<(String, String, String)> {
    let tree = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["tree", "--workspace", "--all-features", "--locked"])
        .args([
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}|{l}",
        ])
        .output()
        .expect("cargo runs");
    let error = String::from_utf8_lossy(&tree.stderr);
    assert!(tree.status.success(), "{error}");
    let text = String::from_utf8(tree.stdout).expect("cargo writes UTF-8");
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (package, licence) = line.split_once('|').expect("the format has one");
            let mut words = package.split_whitespace();
            let mut word = || words.next().unwrap_or_default().to_owned();
            let licence = licence.trim_end_matches("(*)").trim();
            (word(), word(), licence.to_owned())
        })
        .collect()
}

/// Returns whether an SPDX expression can be met by the licences that are allowed. A slash is an old way to write `OR`.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], " ");
    let all = expression.split(" AND ");
    let mut each = all.map(|choices| choices.split(" OR ").map(str::trim).collect::<Vec<_>>());
    each.all(|choices| choices.iter().any(|one| LICENCES.contains(one)))
}

#[test]
fn every_licence_is_one_that_users_can_take() {
    let all = packages();
    assert!(all.len() > 100, "only {} packages were found", all.len());
    let others: Vec<_> = all
        .iter()
        .filter(|(.., licence)| !is_allowed(licence))
        .collect();
    assert!(
        others.is_empty(),
        "not among the licences in this file: {others:?}"
    );
}

#[test]
fn an_expression_is_met_as_a_whole() {
    for allowed in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
    ] {
        assert!(is_allowed(allowed), "{allowed}");
    }
    for refused in ["", "GPL-3.0", "MIT AND GPL-3.0", "AGPL-3.0 OR GPL-3.0"] {
        assert!(!is_allowed(refused), "{refused}");
    }
}

#[test]
fn nothing_that_is_banned_is_in_the_tree_and_crypto_is_there_once() {
    let all = packages();
    for (banned, why) in BANNED {
        let is_there = all.iter().any(|(name, ..)| name == banned);
        assert!(!is_there, "`{banned}` is in the tree: {why}");
    }
    for single in ONE_VERSION {
        let versions = all.iter().filter(|(name, ..)| name == single);
        let versions: BTreeSet<_> = versions.map(|(_, version, _)| version).collect();
        assert_eq!(versions.len(), 1, "`{single}` is there in {versions:?}");
    }
}

#[test]
fn every_package_comes_from_one_registry() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("there is a lock file");
    let sources = lock
        .lines()
        .filter_map(|line| line.strip_prefix("source = "));
    let others: BTreeSet<_> = sources
        .filter(|source| source.trim_matches('"') != SOURCE)
        .collect();
    assert!(others.is_empty(), "{others:?}");
    let packages = lock.matches("[[package]]").count();
    let ours = fs::read_dir(root().join("crates"))
        .expect("a folder")
        .count();
    assert!(lock.matches(SOURCE).count() > packages - ours - 20);
}
