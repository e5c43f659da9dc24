//! SIGHUP, in a program of its own, because all configurations of a process hear it.
#![cfg(unix)]

use std::fs;
use std::process::{self, Command};
use std::time::Duration;

use seriatim_security::{Access, Config, ConfigFile, Policy};

#[tokio::test]
async fn a_hangup_puts_the_file_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("seriatim.toml");
    fs::write(
        &file,
        "[authentication]\ntokens = true\n[roles.clerk]\nread = [\"*\"]\n",
    )
    .unwrap();
    let config = Config::read_with(&file, []).unwrap();
    let access = Access::of(&config);
    let _watched = ConfigFile::watch(&config, &access, Vec::new()).unwrap();
    // The file is as it was when it was read last, so only the signal is a reason to read it.
    tokio::time::sleep(Duration::from_secs(3)).await;
    access.replace(Policy::default());
    let told = async {
        while access.policy().unwrap().roles.is_empty() {
            let id = process::id().to_string();
            let sent = Command::new("kill").args(["-HUP", &id]).status();
            assert!(sent.unwrap().success());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(120), told).await;
    in_time.expect("the signal was not heard");
}
