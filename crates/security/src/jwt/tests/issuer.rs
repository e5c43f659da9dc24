//! A provider of identities on a real socket, with or without TLS, that counts who asks and answers as it is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::JwksSource;

/// How it answers.
#[derive(Clone)]
pub(super) enum Answer {
    Status(&'static str, String),
    /// This many bytes, without an end in sight.
    Endless(usize),
    Silent,
}

#[derive(Clone)]
pub(super) struct Issuer {
    address: std::net::SocketAddr,
    is_tls: bool,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    pub(super) async fn start(answer: Answer) -> Self {
        Self::start_with(answer, None).await
    }

    pub(super) async fn start_with(answer: Answer, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self {
            address: listener.local_addr().unwrap(),
            is_tls: tls.is_some(),
            answer: Arc::new(Mutex::new(answer)),
            asked: Arc::default(),
        };
        let serving = issuer.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (serving, tls) = (serving.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serving.serve(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serving.serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
        issuer
    }

    pub(super) fn source(&self) -> JwksSource {
        let scheme = if self.is_tls { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}/keys?of=bank", self.address.port());
        JwksSource::Url(url.parse().unwrap())
    }

    pub(super) fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).await.unwrap();
        let request = String::from_utf8_lossy(&request[..read]).into_owned();
        assert!(
            request.starts_with("GET /keys?of=bank HTTP/1.1\r\n"),
            "{request}"
        );
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer.lock().unwrap().clone();
        match answer {
            Answer::Status(status, body) => {
                let head = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nlocation: /other\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(body.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
            Answer::Endless(bytes) => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                for _ in 0..bytes / 65536 {
                    if stream.write_all(&[b' '; 65536]).await.is_err() {
                        return;
                    }
                }
            }
            Answer::Silent => {
                let _ = stream.read(&mut [0; 1]).await;
            }
        }
    }
}
