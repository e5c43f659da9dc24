//! Looks at the files that a configuration names.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::fault::Wrong;
use super::reader::{Faults, Found};
use crate::exposure::is_exposed;

/// Returns the path of a file relative to the folder of the configuration. Notes a fault if it cannot be read.
pub(super) fn file(found: &Found<String>, faults: &Faults, folder: &Path) -> PathBuf {
    let path = folder.join(&found.value);
    if let Err(source) = open(&path) {
        let path = path.clone();
        faults.add(&found.place, &found.key, Wrong::File { path, source });
    }
    path
}

/// The same for a file that others must not read.
pub(super) fn secret(found: &Found<String>, faults: &Faults, folder: &Path) -> PathBuf {
    let path = folder.join(&found.value);
    let wrong = match open(&path) {
        Err(source) => Some(Wrong::File {
            path: path.clone(),
            source,
        }),
        Ok(metadata) if is_exposed(&metadata) => Some(Wrong::OpenToOthers { path: path.clone() }),
        Ok(_) => None,
    };
    if let Some(wrong) = wrong {
        faults.add(&found.place, &found.key, wrong);
    }
    path
}

fn open(path: &Path) -> io::Result<Metadata> {
    let metadata = fs::File::open(path)?.metadata()?;
    match metadata.is_dir() {
        true => Err(io::ErrorKind::IsADirectory.into()),
        false => Ok(metadata),
    }
}
