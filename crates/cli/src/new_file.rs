//! Makes files that do not exist yet.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a file, which only its owner may read if it is secret. Fails if it exists.
pub(crate) fn create(path: &Path, is_secret: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if is_secret { 0o600 } else { 0o644 });
    }
    #[cfg(not(unix))]
    let _ = is_secret;
    options.open(path)
}
