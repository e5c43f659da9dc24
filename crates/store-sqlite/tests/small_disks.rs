//! A disk that is full, and one that may not be written: small file systems in memory, mounted for the test.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use seriatim_core::{Append, AppendError, EventStore, Payload, StoreErrorKind};
use seriatim_store_sqlite::{OpenError, SqliteStore};
use seriatim_testkit::conformance::{self, Handle, assert_log_is_sound, event, new_stream};
use tempfile::TempDir;

/// A file system of its own; unmounted at the end.
struct Disk(TempDir);

impl Disk {
    /// `None`, with the reason printed, where this user may not mount anything.
    fn new(kibibytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={kibibytes}k");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(folder)),
            other => {
                println!("skipped: a file system cannot be mounted here ({other:?})");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn make_read_only(&self) {
        let remounted = Command::new("mount")
            .args(["-o", "remount,ro"])
            .arg(self.path())
            .status();
        assert!(remounted.unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: the threads of a store may still be closing its file.
        let unmounted = Command::new("umount")
            .arg("--lazy")
            .arg(self.path())
            .status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

fn append(bytes: usize) -> Vec<Append> {
    let noted = event(Payload::protobuf("note.v1.Noted", vec![7; bytes]));
    vec![conformance::append(&new_stream(), None, [noted])]
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_works_again_when_there_is_space() {
    let Some(disk) = Disk::new(4096) else { return };
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![0; 2 * 1024 * 1024]).unwrap();
    let file = disk.path().join("store.db");
    let store = SqliteStore::open_file(&file).await.unwrap();
    let mut written = 0;
    let error = loop {
        match store.append(append(20_000)).await {
            Ok(_) => written += 1,
            Err(AppendError::NotWritten(error)) => break error,
            Err(AppendError::Unknown(error)) => panic!("it is known: {error}"),
        }
    };
    assert_eq!(error.kind, StoreErrorKind::Full, "{error}");
    assert!(written > 5, "there was some space");
    let again = store.append(append(100_000)).await;
    assert!(
        matches!(again, Err(AppendError::NotWritten(_))),
        "{again:?}"
    );
    let handle: Handle = Arc::new(store.clone());
    assert_eq!(assert_log_is_sound(&handle).await.len(), written);

    fs::remove_file(&ballast).unwrap();
    store.append(append(100_000)).await.unwrap();
    assert_eq!(assert_log_is_sound(&handle).await.len(), written + 1);
    let other: Handle = Arc::new(SqliteStore::open_file(&file).await.unwrap());
    assert_eq!(assert_log_is_sound(&other).await.len(), written + 1);
}

#[tokio::test]
async fn a_store_cannot_be_made_on_a_full_disk() {
    let Some(disk) = Disk::new(64) else { return };
    let ballast = fs::write(disk.path().join("ballast"), vec![0; 64 * 1024]);
    ballast.unwrap();
    let error = SqliteStore::open_file(&disk.path().join("store.db")).await;
    let error = error.unwrap_err();
    assert!(matches!(error, OpenError::Full { .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_that_may_not_be_written_is_refused() {
    let Some(disk) = Disk::new(4096) else { return };
    let file = disk.path().join("store.db");
    {
        let store = SqliteStore::open_file(&file).await.unwrap();
        store.append(append(100)).await.unwrap();
    }
    // The threads close it a moment after the last handle is gone, and then no log is beside it.
    let log = file.with_extension("db-wal");
    for _ in 0..10_000 {
        if !log.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    disk.make_read_only();
    let error = SqliteStore::open_file(&file).await.unwrap_err();
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
    let new = SqliteStore::open_file(&disk.path().join("new.db")).await;
    let error = new.unwrap_err();
    assert!(matches!(error, OpenError::Unavailable { .. }), "{error:?}");
    assert!(error.to_string().contains("rights on its folder"));
}
