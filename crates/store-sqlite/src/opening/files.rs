//! Checks whether the files of the store are still those that it has open.
//!
//! SQLite does not notice if somebody deletes, replaces or cuts off its files: it goes on with the files that it has
//! open, and all that it commits is lost when it closes them. So the writer checks the files before each transaction,
//! which costs two calls of `stat`. If a file is deleted or replaced during a transaction, the check before the next one
//! finds it. If the log is cut off while a transaction writes behind the cut, nobody finds it: the log is as long as before.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Error};

use crate::opening::connection;

/// The sizes of the header before the pages in a write-ahead log, and of the header before each page.
const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// The file of the database and the write-ahead log beside it, as they were after the last transaction.
#[derive(Debug)]
pub(crate) struct Files {
    database: (PathBuf, Option<File>),
    log: (PathBuf, Option<File>),
}

#[derive(Clone, Copy, Debug)]
struct File {
    id: (u64, u64),
    size: u64,
}

/// The result of a look at a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    AsBefore,
    /// A log that another process has copied into the database becomes shorter.
    Shorter,
    /// The file was deleted or replaced.
    Gone,
}

impl Files {
    pub(crate) fn of(database: &Path) -> Self {
        let mut log = database.as_os_str().to_owned();
        log.push("-wal");
        let mut files = Self {
            database: (database.into(), None),
            log: (log.into(), None),
        };
        files.remember();
        files
    }

    /// Must be called after each transaction. A file that is in doubt by then stays so for the next check.
    pub(crate) fn remember(&mut self) {
        for file in [&mut self.database, &mut self.log] {
            if look(file) == Look::AsBefore {
                file.1 = File::at(&file.0);
            }
        }
    }

    /// Must be called when a doubt was cleared up, and when this process has emptied the log.
    pub(crate) fn accept(&mut self) {
        for file in [&mut self.database, &mut self.log] {
            if look(file) != Look::Gone {
                file.1 = File::at(&file.0);
            }
        }
    }

    /// Returns whether there is no doubt about the files.
    pub(crate) fn are_as_before(&self) -> bool {
        look(&self.database) == Look::AsBefore && look(&self.log) == Look::AsBefore
    }

    /// Called if there is doubt. Returns what is wrong with the files, if anything. Must be called outside of
    /// transactions.
    pub(crate) fn examine(&self, connection: &Connection) -> Result<Option<String>, Error> {
        let (database, log) = (look(&self.database), look(&self.log));
        let gone = "was deleted or replaced while it was open";
        if database == Look::Gone {
            return Ok(Some(format!("it {gone}")));
        }
        if log == Look::Gone {
            return Ok(Some(format!("its write-ahead log {gone}")));
        }
        if log == Look::Shorter && !self.log_is_whole(connection)? {
            let cut = "its write-ahead log was cut off while it was open";
            return Ok(Some(cut.into()));
        }
        if database == Look::Shorter {
            // SQLite would take it for a new database, and delete the log.
            if File::at(&self.database.0).is_none_or(|file| file.size == 0) {
                return Ok(Some("it was emptied while it was open".into()));
            }
            let check = |connection: Connection| {
                let pragma = "PRAGMA quick_check(1)";
                connection.query_row(pragma, [], |row| row.get::<_, String>(0))
            };
            // Another connection: this one remembers pages that are not there any more.
            let checked = connection::open_reader(&self.database.0).and_then(check)?;
            if checked != "ok" {
                return Ok(Some(format!(
                    "it was cut off while it was open ({checked})"
                )));
            }
        }
        Ok(None)
    }

    /// Returns whether the log has all the pages that SQLite expects in it. Another process may empty the log
    /// meanwhile, but not between two checks that both find it too short.
    fn log_is_whole(&self, connection: &Connection) -> Result<bool, Error> {
        let page: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        for _ in 0..3 {
            let noop = "PRAGMA wal_checkpoint(NOOP)";
            let pages: i64 = connection.query_row(noop, [], |row| row.get("log"))?;
            let pages = u64::try_from(pages).unwrap_or(0);
            let needed = match pages {
                0 => 0,
                pages => LOG_HEADER + pages * (FRAME_HEADER + u64::from(page)),
            };
            if File::at(&self.log.0).is_some_and(|log| log.size >= needed) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl File {
    /// The file is checked by its name: opening and closing it would drop the locks that SQLite has on it.
    fn at(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let id = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino())
        };
        // Elsewhere nobody can delete or replace a file that is open.
        #[cfg(not(unix))]
        let id = (0, 0);
        Some(Self {
            id,
            size: metadata.len(),
        })
    }
}

fn look((path, before): &(PathBuf, Option<File>)) -> Look {
    match (before, File::at(path)) {
        (None, _) => Look::AsBefore,
        (Some(before), Some(now)) if now.id == before.id => match now.size < before.size {
            true => Look::Shorter,
            false => Look::AsBefore,
        },
        (Some(_), _) => Look::Gone,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_doubt_stays_until_it_is_cleared_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        fs::write(&path, [1; 100]).unwrap();
        let mut files = Files::of(&path);
        fs::write(&path, [1; 50]).unwrap();
        files.remember();
        assert!(!files.are_as_before());
        files.accept();
        assert!(files.are_as_before());
        fs::remove_file(&path).unwrap();
        files.accept();
        files.remember();
        assert!(!files.are_as_before());
    }
}
