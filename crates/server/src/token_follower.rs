//! Keeps the tokens of a server as they are in the store, whichever process changes them.

use std::time::Duration;

use seriatim_core::{Aggregate, Begin, Domain, EventFilter, SubscribeError};
use seriatim_runtime::{Feed, Subscription};
use seriatim_security::{IssuedToken, TokenDesk, TokenError, Tokens};

/// The time after which a store that does not answer is asked again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Knows all tokens from the beginning on, and follows the log for changes.
#[derive(Debug)]
pub(crate) struct TokenFollower {
    desk: TokenDesk,
    feed: Feed,
    tokens: Tokens,
    changes: Subscription,
}

/// The reason why the tokens cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Log(#[from] SubscribeError),
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl TokenFollower {
    /// Reads all tokens. Tries again until the store answers.
    pub(crate) async fn begin(desk: TokenDesk, feed: Feed, tokens: Tokens) -> Self {
        loop {
            match read_all(&desk, &feed, &tokens).await {
                Ok(changes) => {
                    return Self {
                        desk,
                        feed,
                        tokens,
                        changes,
                    };
                }
                Err(trouble) => wait("nothing is served until they are", &trouble).await,
            }
        }
    }

    /// Follows the log, and records which tokens are used. It never ends.
    pub(crate) async fn run(mut self) {
        let (desk, tokens) = (self.desk.clone(), self.tokens.clone());
        let uses = async {
            loop {
                for usage in tokens.uses().await {
                    if let Err(error) = desk.used(usage.id, usage.at).await {
                        let (token, error) = (usage.id.to_string(), error.to_string());
                        tracing::debug!(token, error, "a use of a token was not recorded");
                    }
                }
            }
        };
        let changes = async {
            loop {
                if let Err(trouble) = self.follow().await {
                    wait("those that are known stay valid", &trouble).await;
                    // The log may be another one by now, so all are read anew.
                    let (desk, feed) = (self.desk.clone(), self.feed.clone());
                    self = Self::begin(desk, feed, self.tokens.clone()).await;
                }
            }
        };
        tokio::join!(uses, changes);
    }

    async fn follow(&mut self) -> Result<(), Trouble> {
        loop {
            let batch = self.changes.next().await?;
            for event in batch.events() {
                if let Some(token) = self.desk.find(event.stream.root).await? {
                    self.tokens.learn(token);
                }
            }
        }
    }
}

/// Reads all tokens. Returns the changes from a moment on that lies before the first was read, so that none is missed.
async fn read_all(desk: &TokenDesk, feed: &Feed, tokens: &Tokens) -> Result<Subscription, Trouble> {
    let filter = EventFilter {
        domains: vec![Domain::of::<IssuedToken>()],
        ..EventFilter::default()
    };
    let changes = feed.subscribe(Begin::Now, filter).await?;
    tokens.replace(desk.known().await?);
    Ok(changes)
}

async fn wait(meanwhile: &str, trouble: &Trouble) {
    let (domain, error) = (IssuedToken::DOMAIN, trouble.to_string());
    tracing::error!(domain, error, "the tokens cannot be read; {meanwhile}");
    tokio::time::sleep(RETRY_AFTER).await;
}
