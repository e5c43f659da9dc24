//! Reads URLs and paths, which say where a database is.

use std::path::{Path, PathBuf};

use crate::OpenError;

/// A file, and the options for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) path: PathBuf,
    /// `true` if events get a checksum.
    pub(crate) checksums: bool,
}

impl Location {
    /// Reads a URL (`sqlite://bank.db`, `sqlite:///var/lib/bank.db?checksums=off`, `sqlite:bank.db`) or a plain path.
    pub(crate) fn of(location: &str) -> Result<Self, OpenError> {
        let Some(url) = location.strip_prefix("sqlite:") else {
            return Self::of_url(location, location, "");
        };
        let url = url.strip_prefix("//").unwrap_or(url);
        let (path, options) = url.split_once('?').unwrap_or((url, ""));
        Self::of_url(location, path, options)
    }

    pub(crate) fn of_path(path: &Path) -> Self {
        Self {
            path: path.into(),
            checksums: true,
        }
    }

    fn of_url(location: &str, path: &str, options: &str) -> Result<Self, OpenError> {
        if path.is_empty() {
            return Err(OpenError::NoPath {
                location: location.into(),
            });
        }
        if path == ":memory:" {
            return Err(OpenError::InMemory);
        }
        let mut found = Self::of_path(Path::new(path));
        for option in options.split('&').filter(|option| !option.is_empty()) {
            found.checksums = match option {
                "checksums=on" => true,
                "checksums=off" => false,
                _ => {
                    return Err(OpenError::UnknownOption {
                        option: option.into(),
                    });
                }
            };
        }
        Ok(found)
    }
}

/// Makes the path absolute, so that the driver never takes it for a URL. It is checked where this gives a better
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
            let found = Location::of(location).unwrap();
            assert_eq!(found, Location::of_path(Path::new(expected)), "{location}");
        }
    }

    #[test]
    fn what_names_no_file_is_refused_with_the_next_step() {
        for location in ["sqlite::memory:", "sqlite://:memory:", ":memory:"] {
            let error = Location::of(location).unwrap_err();
            assert!(matches!(error, OpenError::InMemory), "{location}");
            assert!(error.to_string().contains("`memory:`"));
        }
        for location in ["", "sqlite:", "sqlite://"] {
            let error = Location::of(location).unwrap_err();
            assert!(matches!(error, OpenError::NoPath { .. }), "{location}");
        }
        for option in [
            "mode=ro",
            "checksums",
            "checksums=maybe",
            "checksums=on&x=y",
        ] {
            let error = Location::of(&format!("sqlite://bank.db?{option}")).unwrap_err();
            assert!(matches!(error, OpenError::UnknownOption { .. }), "{option}");
        }
    }

    #[test]
    fn checksums_can_be_left_out() {
        let off = Location::of("sqlite://bank.db?checksums=off").unwrap();
        assert_eq!(
            (off.path.as_path(), off.checksums),
            (Path::new("bank.db"), false)
        );
        assert!(
            Location::of("sqlite://bank.db?checksums=on")
                .unwrap()
                .checksums
        );
    }
}
