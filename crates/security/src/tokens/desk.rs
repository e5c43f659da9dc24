//! Makes, lists and revokes tokens.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use seriatim_core::codec::encode_command;
use seriatim_core::{
    CommandGateway, CommandRequest, DecodeError, Domain, EncodeError, EventStore, Metadata,
    NewToken, RecordedEvent, Sequence, StoreError, StreamId, SubmitError, Timestamp, TokenRecord,
};
use uuid::Uuid;

use super::issued::{IssuedToken, TokenCommand, TokenEvent};
use super::known::KnownToken;
use crate::{InvalidName, Token, TokenDigest, check_principal_name};

/// The number of events of a token that are read at once.
const PAGE: usize = 1000;
/// The most roles of one token, and the most bytes of the name of one.
const MOST_ROLES: usize = 64;
const MOST_ROLE_BYTES: usize = 200;

/// The tokens of a store, for those who administer them. Cheap to clone.
#[derive(Clone)]
pub struct TokenDesk {
    gateway: Arc<dyn CommandGateway>,
    store: Arc<dyn EventStore>,
}

impl fmt::Debug for TokenDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = &self.store;
        f.debug_struct("TokenDesk").field("store", store).finish()
    }
}

impl TokenDesk {
    /// Makes a desk. The gateway must be that of a coordinator which has [`IssuedToken`], on this store.
    pub fn new(gateway: Arc<dyn CommandGateway>, store: Arc<dyn EventStore>) -> Self {
        Self { gateway, store }
    }

    /// Makes a token. Returns it once it is durable; nobody can see it again. `actor` is who makes it.
    pub async fn create(&self, new: NewToken, actor: Option<String>) -> Result<Token, TokenError> {
        check(&new)?;
        let token = Token::generate()?;
        let command = TokenCommand::Create {
            digest: token.digest().to_hex(),
            name: new.name,
            roles: new.roles,
            expires: new.expires,
        };
        self.send(token.id(), &command, actor).await?;
        Ok(token)
    }

    /// Revokes a token, for ever. Servers that are on the same store learn of it a moment later. If the token is revoked
    /// already, nothing happens. Fails if there is no such token.
    pub async fn revoke(&self, id: Uuid, actor: Option<String>) -> Result<(), TokenError> {
        let revoked = self.send(id, &TokenCommand::Revoke, actor).await;
        revoked.map_err(|error| match error {
            // Nothing else is rejected.
            TokenError::Submit(SubmitError::Rejected(_)) => TokenError::Unknown { id },
            error => error,
        })
    }

    /// Records that a token was used, at most once a day.
    pub async fn used(&self, id: Uuid, at: Timestamp) -> Result<(), TokenError> {
        self.send(id, &TokenCommand::Use { at }, None).await
    }

    /// Returns at most `limit` tokens in the order of their ids, expired and revoked ones included, after the id
    /// `after`.
    pub async fn list(
        &self,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<TokenRecord>, TokenError> {
        let all = self.read_all(after, limit).await?;
        Ok(all.into_iter().map(|(record, _)| record).collect())
    }

    /// Returns all tokens as a server needs to know them.
    pub async fn known(&self) -> Result<Vec<KnownToken>, TokenError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.read_all(after, PAGE).await?;
            let Some((last, _)) = page.last() else {
                return Ok(all);
            };
            after = Some(last.id);
            all.extend(page.into_iter().map(known));
        }
    }

    /// Returns one token as a server needs to know it; `None` if there is none with this id.
    pub async fn find(&self, id: Uuid) -> Result<Option<KnownToken>, TokenError> {
        Ok(self.read(id).await?.map(known))
    }

    async fn send(
        &self,
        id: Uuid,
        command: &TokenCommand,
        actor: Option<String>,
    ) -> Result<(), TokenError> {
        let payload = encode_command(command)?;
        let request = CommandRequest {
            metadata: Metadata {
                actor,
                ..Metadata::default()
            },
            ..CommandRequest::new(stream(id), payload)
        };
        self.gateway.submit(request).await?;
        Ok(())
    }

    async fn read_all(
        &self,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<(TokenRecord, TokenDigest)>, TokenError> {
        let (domain, after) = (Domain::of::<IssuedToken>(), after.map(stream));
        let streams = self.store.streams(Some(&domain), after.as_ref(), limit);
        let mut all = Vec::new();
        for found in streams.await? {
            all.extend(self.read(found.stream.root).await?);
        }
        Ok(all)
    }

    async fn read(&self, id: Uuid) -> Result<Option<(TokenRecord, TokenDigest)>, TokenError> {
        let (stream, mut token) = (stream(id), None);
        let mut from = Sequence(0);
        loop {
            let page = self.store.read_stream(&stream, from, PAGE).await?;
            for event in &page {
                let damaged = |source| TokenError::Damaged { id, source };
                evolve(&mut token, event).map_err(damaged)?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE => from = Sequence(last.sequence.0 + 1),
                _ => return Ok(token),
            }
        }
    }
}

fn check(new: &NewToken) -> Result<(), TokenError> {
    check_principal_name(&new.name)?;
    let is_right = |role: &String| {
        (1..=MOST_ROLE_BYTES).contains(&role.len()) && !role.chars().any(char::is_control)
    };
    match new.roles.len() <= MOST_ROLES && new.roles.iter().all(is_right) {
        true => Ok(()),
        false => Err(TokenError::Roles),
    }
}

fn known((record, digest): (TokenRecord, TokenDigest)) -> KnownToken {
    KnownToken {
        id: record.id,
        digest,
        name: record.name,
        roles: record.roles,
        expires: record.expires.map(to_system_time),
        revoked: record.revoked.is_some(),
        last_used: record.last_used,
    }
}

fn stream(id: Uuid) -> StreamId {
    StreamId::new(Domain::of::<IssuedToken>(), id)
}

fn to_system_time(time: Timestamp) -> SystemTime {
    UNIX_EPOCH + time.since(Timestamp::EPOCH)
}

/// Applies an event to what is shown of a token.
fn evolve(
    token: &mut Option<(TokenRecord, TokenDigest)>,
    event: &RecordedEvent,
) -> Result<(), DecodeError> {
    let Some(happened) = event.of::<IssuedToken>().transpose()? else {
        return Ok(());
    };
    let actor = event.metadata.actor.clone();
    match (happened, token) {
        (
            TokenEvent::Created {
                digest,
                name,
                roles,
                expires,
            },
            token,
        ) => {
            let unreadable = || DecodeError::Unreadable {
                why: "its digest is not one".into(),
            };
            let digest = TokenDigest::from_hex(&digest).ok_or_else(unreadable)?;
            let record = TokenRecord {
                id: event.stream.root,
                name,
                roles,
                created: event.recorded_at,
                created_by: actor,
                expires,
                last_used: None,
                revoked: None,
                revoked_by: None,
            };
            *token = Some((record, digest));
        }
        (TokenEvent::Revoked, Some((record, _))) => {
            record.revoked = Some(event.recorded_at);
            record.revoked_by = actor;
        }
        (TokenEvent::Used { at }, Some((record, _))) => record.last_used = Some(at),
        (TokenEvent::Revoked | TokenEvent::Used { .. }, None) => {}
    }
    Ok(())
}

/// The reason why a token was not made, shown or revoked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// No principal may have the name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The roles are too many, or one of them cannot be the name of a role.
    #[error(
        "a token has at most {MOST_ROLES} roles, each with a name of 1 to {MOST_ROLE_BYTES} bytes without control characters"
    )]
    Roles,
    /// There is no such token.
    #[error("there is no token {id}; list the tokens to see their ids")]
    Unknown {
        /// The id that was asked for.
        id: Uuid,
    },
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// It could not be written.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// It could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// What is stored of it cannot be read.
    #[error("the events of the token {id} cannot be read: {source}")]
    Damaged {
        /// The token.
        id: Uuid,
        /// The reason.
        source: DecodeError,
    },
}
