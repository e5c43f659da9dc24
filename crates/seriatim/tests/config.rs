//! An application that is configured by a file.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use seriatim::core::NewToken;
use seriatim::prelude::*;
use seriatim::security::Config;
use seriatim::{App, StartAppError, open_store, token_desk};
use seriatim_testkit::until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Noted {
    Noted,
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
enum Note {
    Note,
}

#[derive(Default, Clone, PartialEq, Serialize, Deserialize)]
struct Book;

impl Aggregate for Book {
    const DOMAIN: &'static str = "book";
    type Command = Note;
    type Event = Noted;
    type Rejection = Never;

    fn decide(&self, _: &Note) -> Result<Vec<Noted>, Never> {
        Ok(vec![Noted::Noted])
    }

    fn evolve(&mut self, _: &Noted) {}
}

const OPEN: &str = "[server]\nlisten = \"127.0.0.1:0\"\n";

fn with_roles(domain: &str) -> String {
    format!("{OPEN}[authentication]\ntokens = true\n[roles.clerk]\nread = [\"{domain}\"]\n")
}

struct File {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl File {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = Self {
            path: folder.path().join("seriatim.toml"),
            _folder: folder,
        };
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        fs::write(&self.path, text).unwrap();
    }

    async fn start(&self) -> Result<App, StartAppError> {
        let config = Config::read(&self.path).unwrap();
        let app = App::open("memory:").await.unwrap();
        app.aggregate::<Book>().config(config).start().await
    }
}

#[tokio::test]
async fn an_application_listens_where_its_configuration_says() {
    let app = File::new(OPEN).start().await.unwrap();
    assert!(app.address().unwrap().ip().is_loopback() && app.metrics_address().is_none());
    app.shutdown().await.unwrap();
    // What the builder sets wins.
    let config = "[server]\nlisten = \"no-such-host.invalid:1\""
        .parse()
        .unwrap();
    let app = App::open("memory:")
        .await
        .unwrap()
        .config(config)
        .listen("127.0.0.1:0");
    app.start().await.unwrap().shutdown().await.unwrap();
}

#[tokio::test]
async fn a_grant_for_a_domain_that_the_application_does_not_have_is_refused_at_start() {
    let refused = File::new(&with_roles("bok")).start().await.unwrap_err();
    assert!(matches!(&refused, StartAppError::Grants(_)), "{refused}");
    assert!(refused.to_string().contains("`bok`"), "{refused}");
}

#[tokio::test]
async fn a_running_application_reads_its_configuration_again() {
    let file = File::new(&with_roles("book"));
    let app = file.start().await.unwrap();
    assert!(app.reload_config().await);
    for wrong in [with_roles("bok"), OPEN.into(), String::new(), "[".into()] {
        file.write(&wrong);
        assert!(!app.reload_config().await, "{wrong}");
    }
    file.write(&with_roles("*"));
    assert!(app.reload_config().await);
    app.shutdown().await.unwrap();
}

/// Returns the status line of an answer to a caller that shows a token.
async fn scrape(app: &App, token: &str) -> String {
    let address = app.metrics_address().unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn an_application_that_serves_only_metrics_learns_of_tokens() {
    let config = "[server]\nmetrics = \"127.0.0.1:0\"\n[authentication]\ntokens = true\n[roles.scraper]\nobserve = true\n";
    let store = open_store("memory:").await.unwrap();
    let desk = token_desk(&store);
    let create = async |name: &str| {
        let new = NewToken {
            name: name.into(),
            roles: vec!["scraper".into()],
            expires: None,
        };
        desk.create(new, None).await.unwrap()
    };
    let before = create("before").await;
    let app = App::on(Arc::clone(&store)).config(config.parse().unwrap());
    let app = app.start().await.unwrap();
    let after = create("after").await;
    for token in [&before, &after] {
        until("the token is known", async || {
            scrape(&app, &token.reveal()).await == "HTTP/1.1 200 OK"
        })
        .await;
    }
    desk.revoke(before.id(), None).await.unwrap();
    until("the token is known to be revoked", async || {
        scrape(&app, &before.reveal()).await == "HTTP/1.1 401 Unauthorized"
    })
    .await;
    assert_eq!(scrape(&app, &after.reveal()).await, "HTTP/1.1 200 OK");
    app.shutdown().await.unwrap();
}
