//! Checks that there is room for what is about to be written, as far as that can be known.

use std::path::Path;
use std::process::Command;

use seriatim_bench::Outcome;
use seriatim_bench::postgres::Server;

/// The bytes that an event takes in its table, the indexes and the write-ahead log, estimated generously.
const BYTES_PER_EVENT: u64 = 1_000;
/// The bytes that the write-ahead log takes besides.
const BYTES: u64 = 5_000_000_000;

/// Says what is needed, and fails if the server's files are on this machine and there is too little.
pub(crate) async fn check(server: &Server, events: usize) -> Outcome<()> {
    let needed = BYTES + BYTES_PER_EVENT * u64::try_from(events)?;
    let free = free(Path::new(&server.setting("data_directory").await?));
    let gigabytes = |bytes: u64| bytes as f64 / 1e9;
    match free {
        Some(free) if free < needed => Err(format!(
            "{:.0} GB are needed on the server's disk and {:.0} GB are free; make room, or measure with --quick",
            gigabytes(needed),
            gigabytes(free)
        )
        .into()),
        Some(_) => Ok(()),
        None => {
            eprintln!(
                " the server's disk should have {:.0} GB free",
                gigabytes(needed)
            );
            Ok(())
        }
    }
}

/// Returns how many bytes are free in the file system that a folder of this machine is in.
fn free(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kibibytes: u64 = text
        .lines()
        .nth(1)?
        .split_whitespace()
        .nth(3)?
        .parse()
        .ok()?;
    Some(kibibytes * 1024)
}
