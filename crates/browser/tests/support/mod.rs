//! A web server of a test's own.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves pages on the loopback for as long as the runtime of the test runs.
///
/// `page` has the HTML of each path; without one the answer is 404.
pub(crate) async fn serve(page: fn(&str) -> Option<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, page));
        }
    });
    format!("http://{address}")
}

/// One request a connection. A browser also opens connections that it does not use.
async fn answer(mut stream: TcpStream, page: fn(&str) -> Option<String>) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match page(path) {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", String::new()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// A page that has an icon, so that the browser does not ask for one.
pub(crate) fn html(body: &str) -> String {
    format!("<!doctype html><html lang=en><title>Test</title><link rel=icon href='data:,'>{body}")
}
