//! Says whether others can read or change a file with a secret.

use std::fs::Metadata;

/// Returns whether anybody but the owner can read or change a file. The group may read a file that belongs to root, as
/// those are in which an orchestrator gives secrets to a program: their owner cannot be the program.
#[cfg(unix)]
pub(crate) fn is_exposed(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    const ROOT: u32 = 0;
    let others = match metadata.uid() == ROOT {
        true => 0o037,
        false => 0o077,
    };
    metadata.mode() & others != 0
}

/// Other systems have other rights, which are not looked at.
#[cfg(not(unix))]
pub(crate) fn is_exposed(_: &Metadata) -> bool {
    false
}
