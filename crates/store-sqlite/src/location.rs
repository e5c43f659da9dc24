//! Where a database is: URLs and paths.

use std::path::{Path, PathBuf};

use crate::OpenError;

/// The path that a URL (`sqlite://bank.db`, `sqlite:///var/lib/bank.db`, `sqlite:bank.db`) or a plain path names.
pub(crate) fn path(location: &str) -> Result<PathBuf, OpenError> {
    let url = location.strip_prefix("sqlite:");
    let path = url.map_or(location, |rest| rest.strip_prefix("//").unwrap_or(rest));
    if path.is_empty() {
        return Err(OpenError::NoPath {
            location: location.into(),
        });
    }
    if path == ":memory:" {
        return Err(OpenError::InMemory);
    }
    if url.is_some() && path.contains('?') {
        return Err(OpenError::Options {
            location: location.into(),
        });
    }
    Ok(path.into())
}

/// Absolute, so that the driver never takes a path for a URL of its own; checked as far as that gives a better
/// message than the driver's.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, OpenError> {
    let path = std::path::absolute(path).map_err(|_| OpenError::NoPath {
        location: path.display().to_string(),
    })?;
    if path.is_dir() {
        return Err(OpenError::Folder { path });
    }
    match path.parent() {
        Some(folder) if !folder.is_dir() => Err(OpenError::NoSuchFolder {
            folder: folder.into(),
            path,
        }),
        _ => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_plain_paths_name_a_file() {
        for (location, expected) in [
            ("sqlite://bank.db", "bank.db"),
            ("sqlite://data/bank.db", "data/bank.db"),
            ("sqlite:///var/bank.db", "/var/bank.db"),
            ("sqlite:bank.db", "bank.db"),
            ("sqlite:/var/bank.db", "/var/bank.db"),
            ("bank.db", "bank.db"),
            ("./what?.db", "./what?.db"),
        ] {
            assert_eq!(path(location).unwrap(), Path::new(expected), "{location}");
        }
    }

    #[test]
    fn what_names_no_file_is_refused_with_the_next_step() {
        for location in ["sqlite::memory:", "sqlite://:memory:", ":memory:"] {
            let error = path(location).unwrap_err();
            assert!(matches!(error, OpenError::InMemory), "{location}");
            assert!(error.to_string().contains("`memory:`"));
        }
        for location in ["", "sqlite:", "sqlite://"] {
            let error = path(location).unwrap_err();
            assert!(matches!(error, OpenError::NoPath { .. }), "{location}");
        }
        let error = path("sqlite://bank.db?mode=ro").unwrap_err();
        assert!(matches!(error, OpenError::Options { .. }));
    }
}
