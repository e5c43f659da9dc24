//! What every row is given: how long to measure, where to write, and a runtime.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::Outcome;

/// What every row is given.
pub(crate) struct Context {
    /// Whether a rough answer soon is better than a good one.
    pub(crate) quick: bool,
    /// How often everything is measured.
    pub(crate) rounds: usize,
    folder: TempDir,
    runtime: Runtime,
}

impl Context {
    /// Writes its databases below `folder`, which must be on the disk that is meant.
    pub(crate) fn new(quick: bool, rounds: usize, folder: &Path) -> Outcome<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            quick,
            rounds,
            folder: tempfile::tempdir_in(folder)?,
            runtime: Runtime::new()?,
        })
    }

    /// `full`, or a fifth of it if it is to be quick.
    pub(crate) fn scaled(&self, full: usize) -> usize {
        if self.quick { full / 5 } else { full }
    }

    /// A folder of its own for each measurement, gone with what is returned.
    pub(crate) fn fresh_folder(&self) -> Outcome<TempDir> {
        Ok(tempfile::tempdir_in(self.folder.path())?)
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

/// So many new roots, in ascending order as version 7 gives them.
pub(crate) fn new_roots(count: usize) -> Arc<[Uuid]> {
    (0..count).map(|_| Uuid::now_v7()).collect()
}
