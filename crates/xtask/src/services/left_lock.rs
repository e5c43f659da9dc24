//! The lock file of a server that was killed.
//!
//! A killed process is listed until somebody collects it. Where the first process of a container collects nobody, that is
//! for ever, and PostgreSQL takes its lock file as held: it only asks whether the process is listed.

use std::fs;
use std::path::Path;

/// Removes the lock file if its server is dead: its process has ended, and no other holds its shared memory.
///
/// That is PostgreSQL's own rule, but for processes that have ended and are still listed. Does nothing on a system that
/// has no `/proc`.
pub(crate) fn remove(lock_file: &Path) {
    let Ok(lock) = fs::read_to_string(lock_file) else {
        return;
    };
    let memory = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    if is_left(&lock, has_ended, &memory) {
        // Whoever starts the server will say if this did not work.
        let _ = fs::remove_file(lock_file);
    }
}

/// The lock file's first line is the process, its seventh the key and the identifier of its shared memory.
fn is_left(lock: &str, has_ended: impl Fn(u32) -> bool, memory: &str) -> bool {
    let mut lines = lock.lines();
    let process = lines.next().and_then(|line| line.trim().parse().ok());
    let segment = lines.nth(5).and_then(|line| line.split_whitespace().nth(1));
    match (process, segment) {
        (Some(process), Some(segment)) => {
            has_ended(process) && attached(segment, memory) == Some(0)
        }
        _ => false,
    }
}

/// Returns how many processes hold a segment, in the words of `/proc/sysvipc/shm`: `key shmid perms size cpid lpid
/// nattch ...`.
fn attached(segment: &str, memory: &str) -> Option<u32> {
    let row = memory
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|row| row.get(1) == Some(&segment))?;
    row.get(6)?.parse().ok()
}

/// It is listed and no more than that: `pid (name) Z ...`, where the name may hold anything.
pub(super) fn has_ended(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest);
    after_name.is_some_and(|rest| rest.starts_with('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str =
        "881\n/data\n1795259870\n46323\n/sockets\n127.0.0.1\n 10240023    229376\nready   \n";

    fn memory(attached: u32) -> String {
        format!(
            "       key      shmid perms                  size  cpid  lpid nattch   uid\n\
             \x20  7186508     163846   600                    56 13611 13617      3   101\n\
             \x20 10240023     229376   600                    56   881  9260      {attached}   101\n"
        )
    }

    #[test]
    fn the_lock_of_a_dead_server_is_left() {
        assert!(is_left(LOCK, |process| process == 881, &memory(0)));
    }

    #[test]
    fn the_lock_of_a_server_that_runs_or_was_collected_is_not() {
        assert!(!is_left(LOCK, |_| false, &memory(0)));
    }

    #[test]
    fn a_server_whose_children_live_holds_its_lock() {
        assert!(!is_left(LOCK, |_| true, &memory(1)));
    }

    #[test]
    fn what_cannot_be_told_is_held() {
        assert!(!is_left(LOCK, |_| true, ""));
        assert!(!is_left("881\n/data\n", |_| true, &memory(0)));
        assert!(!is_left("", |_| true, &memory(0)));
    }

    #[test]
    fn a_process_that_runs_has_not_ended() {
        assert!(!has_ended(std::process::id()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_nobody_collected_has_ended() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        while !has_ended(child.id()) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!has_ended(child.id()), "it is not listed any more");
    }
}
