//! A PgBouncer of a test's own, which hands out a few server connections by the transaction.

use std::env;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use uuid::Uuid;

use super::{Schema, server};

/// In front of the PostgreSQL that the tests are given; killed when it is dropped.
pub struct PgBouncer {
    folder: PathBuf,
    port: u16,
    process: Child,
}

impl PgBouncer {
    pub fn start() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = folder.join(format!("pgbouncer-{}", Uuid::now_v7().simple()));
        fs::create_dir_all(&folder).unwrap();
        // Another program may take the port first.
        loop {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            drop(listener);
            if let Some(process) = run(&folder, port) {
                return Self {
                    folder,
                    port,
                    process,
                };
            }
        }
    }

    /// For a store that works through it.
    pub fn url(&self, schema: &Schema) -> String {
        let port = self.port;
        format!(
            "postgres://anybody@127.0.0.1:{port}/pooled?pooler=transaction&schema={}",
            schema.name()
        )
    }

    /// Kills it, so that it can put nothing in order, and starts it again where it was.
    pub fn restart(&mut self) {
        self.kill();
        self.process = loop {
            if let Some(process) = run(&self.folder, self.port) {
                break process;
            }
        };
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Returns it when it listens, or nothing if it has ended instead.
fn run(folder: &Path, port: u16) -> Option<Child> {
    let (user, rest) = server()
        .split_once("://")
        .unwrap()
        .1
        .split_once('@')
        .map(own)
        .unwrap();
    let (user, password) = user.split_once(':').unwrap_or((&user, ""));
    let (address, database) = rest.split_once('/').unwrap();
    let (host, server_port) = address.split_once(':').unwrap();
    let database = database.split('?').next().unwrap();
    // Everybody is let in, with one user of the server. The fewer connections, the more clients share one.
    let settings = format!(
        "[databases]
pooled = host={host} port={server_port} dbname={database} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 1000
"
    );
    let file = folder.join("pgbouncer.ini");
    let mut options = fs::OpenOptions::new();
    options.create(true).write(true).truncate(true).mode(0o600);
    std::io::Write::write_all(&mut options.open(&file).unwrap(), settings.as_bytes()).unwrap();
    let mut command = Command::new(find());
    if is_root() {
        // It refuses to be root, and steps down by itself.
        command.args(["-u", "nobody"]);
    }
    let log = fs::File::create(folder.join("log")).unwrap();
    command
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    let mut process = command.spawn().unwrap();
    loop {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(process);
        }
        if process.try_wait().unwrap().is_some() {
            let log = fs::read_to_string(folder.join("log")).unwrap();
            assert!(log.contains("in use"), "PgBouncer does not start:\n{log}");
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn own((user, rest): (&str, &str)) -> (String, String) {
    (user.to_owned(), rest.to_owned())
}

fn find() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = folders
        .map(|folder| folder.join("pgbouncer"))
        .find(|program| program.is_file());
    found.expect(
        "these tests need PgBouncer: run `cargo xtask test`, which installs it where it can, or \
         `sudo apt-get install pgbouncer`, `sudo dnf install pgbouncer`, `brew install pgbouncer`",
    )
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
