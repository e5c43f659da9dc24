//! `tokens create`, `list`, `revoke`: over a server, or on a store itself.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use seriatim::security::{TokenDesk, TokenError};
use seriatim_core::{NewToken, Store, SubmitError, Timestamp, TokenRecord};
use seriatim_proto::Client;
use uuid::Uuid;

use super::connect;
use super::reactions::refused;
use crate::args::{CreateToken, Global, Tokens, TokensVerb};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::new_file;
use crate::output::{Output, tokens as show};

/// The number of tokens that are read from a store at once.
const PAGE: usize = 100;

pub(crate) async fn run(wanted: Tokens, global: &Global, output: &Output) -> Result<Exit, Failure> {
    let desk = match &wanted.store {
        Some(url) => Desk::on(url).await?,
        None => Desk::Server(connect(global).await?),
    };
    let actor = global.actor.as_deref();
    match wanted.verb {
        TokensVerb::Create(token) => create(token, actor, &desk, output).await,
        TokensVerb::List => list(&desk, output).await,
        TokensVerb::Revoke { id } => {
            desk.revoke(id, actor).await?;
            output.answer(&show::revoked_json(id), &show::revoked(id))?;
            Ok(Exit::Ok)
        }
    }
}

async fn create(
    wanted: CreateToken,
    actor: Option<&str>,
    desk: &Desk,
    output: &Output,
) -> Result<Exit, Failure> {
    let new = NewToken {
        name: wanted.name,
        roles: wanted.roles,
        expires: wanted.expires.map(|time| Timestamp::now().later_by(time)),
    };
    // The file comes first: a token that cannot be written would be lost.
    let file = match &wanted.output {
        Some(path) => Some((
            path,
            new_file::create(path, true).map_err(|error| unwritable(path, &error))?,
        )),
        None => None,
    };
    let created = desk.create(&new, actor).await;
    let (id, token) = match (created, &file) {
        (Ok(created), _) => created,
        (Err(failure), Some((path, _))) => {
            // It is empty.
            let _ = fs::remove_file(path);
            return Err(failure);
        }
        (Err(failure), None) => return Err(failure),
    };
    if let Some((path, mut file)) = file {
        let written = writeln!(file, "{token}");
        written.map_err(|error| unwritable(path, &error))?;
        output.hint(&format!("it is in {}", path.display()));
    } else {
        output.answer(
            &show::created_json(id, &token, &new),
            &show::created(&token),
        )?;
    }
    output.hint(&format!("this is the token {id} of `{}`", new.name));
    output.hint(
        "it is not shown again; keep it secret, for example in a file that only its owner reads",
    );
    if new.roles.is_empty() {
        output.hint("it has no roles; it gives what the configuration gives to that name");
    }
    Ok(Exit::Ok)
}

async fn list(desk: &Desk, output: &Output) -> Result<Exit, Failure> {
    let tokens = desk.list().await?;
    output.lines(&tokens, show::token_json, show::tokens)?;
    if tokens.is_empty() {
        output.hint("there are no tokens; make one with `seriatim tokens create`");
    }
    Ok(Exit::Ok)
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let name = path.display();
    Failure::new(
        Exit::Invalid,
        format!("`{name}` cannot be written: {error}"),
    )
    .with_next("name a file that does not exist yet, in a folder that you can write to")
}

/// Where the tokens are administered.
enum Desk {
    Server(Client),
    Store(Arc<dyn Store>, TokenDesk),
}

impl Desk {
    async fn on(url: &str) -> Result<Self, Failure> {
        let store = seriatim::open_store(url).await;
        let store = store.map_err(|error| Failure::of_open(&error))?;
        let desk = seriatim::token_desk(&store);
        Ok(Self::Store(store, desk))
    }

    async fn create(&self, new: &NewToken, actor: Option<&str>) -> Result<(Uuid, String), Failure> {
        match self {
            Self::Server(client) => client.create_token(new, actor).await.map_err(refused),
            Self::Store(store, desk) => {
                let created = desk.create(new.clone(), actor.map(str::to_owned)).await;
                let token = created.map_err(|error| failed(&error))?;
                flush(store).await;
                Ok((token.id(), token.reveal()))
            }
        }
    }

    async fn list(&self) -> Result<Vec<TokenRecord>, Failure> {
        let mut tokens = Vec::new();
        match self {
            Self::Server(client) => {
                let mut page = None;
                loop {
                    let (more, next) = client.tokens(page).await.map_err(refused)?;
                    tokens.extend(more);
                    page = next;
                    if page.is_none() {
                        return Ok(tokens);
                    }
                }
            }
            Self::Store(_, desk) => loop {
                let after = tokens.last().map(|token: &TokenRecord| token.id);
                let more = desk
                    .list(after, PAGE)
                    .await
                    .map_err(|error| failed(&error))?;
                if more.is_empty() {
                    return Ok(tokens);
                }
                tokens.extend(more);
            },
        }
    }

    async fn revoke(&self, id: Uuid, actor: Option<&str>) -> Result<(), Failure> {
        match self {
            Self::Server(client) => client.revoke_token(id, actor).await.map_err(refused),
            Self::Store(store, desk) => {
                let revoked = desk.revoke(id, actor.map(str::to_owned)).await;
                revoked.map_err(|error| failed(&error))?;
                flush(store).await;
                Ok(())
            }
        }
    }
}

/// Leaves a plain copy of an SQLite file complete. What was written is durable in any case.
async fn flush(store: &Arc<dyn Store>) {
    let _ = store.flush().await;
}

fn failed(error: &TokenError) -> Failure {
    let exit = match error {
        TokenError::Name(_) | TokenError::Roles | TokenError::Submit(SubmitError::Invalid(_)) => {
            Exit::Invalid
        }
        TokenError::Unknown { .. } => Exit::NotFound,
        TokenError::Submit(SubmitError::Unavailable { .. } | SubmitError::Overloaded { .. }) => {
            Exit::Unavailable
        }
        TokenError::Store(error) if error.kind.is_transient() => Exit::Unavailable,
        TokenError::Damaged { .. } => Exit::Damaged,
        _ => Exit::Unexpected,
    };
    Failure::new(exit, error.to_string())
}
