//! The conversation that the page shows: Ann and Bob have begun it.

use chat::{Conversation, ConversationCommand, direct_root};
use seriatim::{AnyError, App, SubmitError};

pub(crate) const ANN: &str = "ann";
pub(crate) const BOB: &str = "bob";

/// What they have said, each with its id and the time of its sender's clock.
const SAID: [(&str, &str, &str, &str); 3] = [
    ("welcome-1", ANN, "how was your day", "2026-12-01T16:19:55Z"),
    ("welcome-2", BOB, "pretty good", "2026-12-01T16:19:58Z"),
    ("welcome-3", ANN, "hey", "2026-12-01T16:20:00Z"),
];

/// Begins the conversation. Each gateway does so: it is begun once.
pub(crate) async fn begin(app: &App) -> Result<(), AnyError> {
    let conversation = app.of::<Conversation>(direct_root(ANN, BOB));
    let start = ConversationCommand::Start {
        by: ANN.into(),
        with: BOB.into(),
    };
    conversation.send(start).actor(ANN).await?;
    for (id, by, text, client_time) in SAID {
        let post = ConversationCommand::Post {
            by: by.into(),
            message: id.into(),
            text: text.into(),
            client_time: client_time.into(),
        };
        match conversation.send(post).external_id(id).actor(by).await {
            // A message with these words is there, from an earlier version of them.
            Ok(_) | Err(SubmitError::ExternalIdReused { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
