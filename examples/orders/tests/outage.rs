//! A database that is away for a while: the terminal says so, and says when it is over.
#![cfg(feature = "postgres")]

mod support;

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use support::Lines;

/// Between the program and its database; it can be cut.
struct Line {
    address: SocketAddr,
    is_cut: Arc<AtomicBool>,
    ends: Arc<Mutex<Vec<TcpStream>>>,
}

impl Line {
    fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let line = Self {
            address: listener.local_addr().unwrap(),
            is_cut: Arc::default(),
            ends: Arc::default(),
        };
        let (is_cut, ends) = (Arc::clone(&line.is_cut), Arc::clone(&line.ends));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
                ends.lock().unwrap().push(client.try_clone().unwrap());
                if is_cut.load(Ordering::SeqCst) {
                    let _ = client.shutdown(Shutdown::Both);
                }
                pass(client.try_clone().unwrap(), server.try_clone().unwrap());
                pass(server, client);
            }
        });
        line
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        for end in self.ends.lock().unwrap().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// Ends with the test.
struct Orders(Child);

impl Drop for Orders {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_outage_of_the_database_is_said_and_so_is_its_end() {
    let url = std::env::var("SERIATIM_TEST_POSTGRES").expect(
        "name a PostgreSQL in SERIATIM_TEST_POSTGRES; `cargo xtask services up` starts one and prints its URL",
    );
    let (user, rest) = url.rsplit_once('@').expect("an account and a server");
    let (server, database) = rest.split_once('/').expect("a server and a database");
    let line = Line::to(server.to_owned());
    let address = line.address;
    let schema = format!("outage_{}", std::process::id());
    let store = format!("{user}@{address}/{database}?schema={schema}");
    let folder = tempfile::tempdir().unwrap();
    let orders = Command::new(env!("CARGO_BIN_EXE_orders"))
        .args(["--store", &store, "--listen", "127.0.0.1:0", "--no-story"])
        .current_dir(folder.path())
        .env_remove("RUST_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut orders = Orders(orders);
    let told = Lines::of(orders.0.stdout.take().unwrap());
    let said = Lines::of(orders.0.stderr.take().unwrap());
    told.until("Ctrl-C ends the service.");
    line.cut();
    said.until("not serving");
    // The order list has its place in a file of its own, which can be written meanwhile. That is no end of the outage.
    thread::sleep(Duration::from_secs(4));
    let meanwhile: Vec<_> = said.so_far();
    let ends = |line: &&String| line.contains("again");
    assert_eq!(meanwhile.iter().find(ends), None);
    line.mend();
    said.until("serving again");
    let id = orders.0.id().to_string();
    let told_to_end = Command::new("kill").args(["-TERM", &id]).status();
    assert!(told_to_end.unwrap().success());
    told.until("everything that was admitted is finished");
    assert!(orders.0.wait().unwrap().success());
}
