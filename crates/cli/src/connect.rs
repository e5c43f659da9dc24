//! Connects to the server that the options name.

use std::str;

use seriatim_proto::security::tls::{Identity, Pem, read_secret};
use seriatim_proto::{Client, ConnectError, ConnectOptions};

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::values::Token;

pub(crate) async fn connect(global: &Global) -> Result<Client, Failure> {
    let connected = Client::connect(&global.server, options(global)?).await;
    connected.map_err(|error| failure(&error))
}

fn options(global: &Global) -> Result<ConnectOptions, Failure> {
    let shown = &global.shown;
    let mut options = ConnectOptions::new(global.timeout);
    if let Some(ca) = &shown.ca {
        options = options.ca(Pem::File(ca.clone()));
    }
    match (&shown.cert, &shown.key) {
        (Some(cert), Some(key)) => options = options.identity(Identity::files(cert, key)),
        (None, None) => {}
        _ => {
            let missing = "a client certificate and its key belong together";
            return Err(Failure::new(Exit::Usage, missing).with_next("give both --cert and --key"));
        }
    }
    if let Some(token) = &shown.token {
        let token = read(token)?;
        let with_token = options.token(&token);
        options = with_token.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    }
    if shown.token_in_clear {
        options = options.token_in_clear();
    }
    Ok(options)
}

fn read(token: &Token) -> Result<String, Failure> {
    let file = match token {
        Token::Text(text) => return Ok(text.clone()),
        Token::File(file) => file,
    };
    let bytes = read_secret(file);
    let bytes = bytes.map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
    let text = str::from_utf8(&bytes).map_err(|_| {
        let name = file.display();
        Failure::new(Exit::Usage, format!("`{name}` is no text, so no token"))
    });
    text.map(ToOwned::to_owned)
}

/// An error about the options or about TLS says itself what to do.
fn failure(error: &ConnectError) -> Failure {
    let failure = |exit| Failure::new(exit, error.to_string());
    match (error.is_of_options(), error.tls_problem()) {
        (true, _) => failure(Exit::Usage),
        (false, Some(_)) => failure(Exit::Unavailable),
        (false, None) => failure(Exit::Unavailable)
            .with_next("start it, or say where it listens with --server or SERIATIM_SERVER"),
    }
}
