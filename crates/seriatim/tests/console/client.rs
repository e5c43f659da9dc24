//! A client that says exactly what it is told to say, one request a connection.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    pub(crate) host: String,
    /// The lines that it sends with every request.
    lines: Vec<String>,
    /// The origin of its posts; none if it is empty.
    pub(crate) origin: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Returns the value of a header, if it is there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value)
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        self.body.contains(text)
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            host: address.to_string(),
            lines: Vec::new(),
            origin: format!("http://{address}"),
        }
    }

    pub(crate) fn with_token(self, token: &str) -> Self {
        self.with_line(&format!("Cookie: seriatim_console={token}"))
    }

    pub(crate) fn with_line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\n"), "").await
    }

    /// Posts the fields of a form.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let fields = fields.iter();
        let body: Vec<_> = fields
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        self.post_text(path, &body.join("&")).await
    }

    pub(crate) async fn post_text(&self, path: &str, body: &str) -> Answer {
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            body.len()
        );
        if !self.origin.is_empty() {
            head += &format!("Origin: {}\r\n", self.origin);
        }
        self.ask(&head, body).await
    }

    async fn ask(&self, head: &str, body: &str) -> Answer {
        let lines: String = self
            .lines
            .iter()
            .map(|line| format!("{line}\r\n"))
            .collect();
        let host = &self.host;
        let request = format!("{head}Host: {host}\r\nConnection: close\r\n{lines}\r\n{body}");
        let answered = async {
            let mut line = TcpStream::connect(self.address).await.unwrap();
            line.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            line.read_to_end(&mut answer).await.unwrap();
            String::from_utf8(answer).unwrap()
        };
        let answer = timeout(PATIENCE, answered).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head[9..12].parse().unwrap(),
            head: head.replace("\r\n", "\n"),
            body: body.to_owned(),
        }
    }
}

fn encoded(text: &str) -> String {
    let bytes = text.bytes();
    bytes.map(|byte| format!("%{byte:02X}")).collect()
}
