//! Sends the messages through an application, and reads their numbers back from its streams and its log.

use std::num::NonZero;

use seriatim::prelude::*;
use seriatim::{LogPartition, Position, open_store};

use super::script::{LINES, Line, PEOPLE, Talk};
use crate::conversation::{Conversation, ConversationCommand, ConversationEvent};
use crate::users::inbox_root;

/// Where a message of the script is in a stream and in a log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The message, as an index of [`LINES`].
    pub(super) line: usize,
    pub(super) sequence: Sequence,
    pub(super) partition: LogPartition,
    pub(super) position: Position,
}

/// Which stream a message is appended to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Streams {
    /// The sender's own.
    OfUsers,
    OfConversations,
}

impl Streams {
    /// Returns the streams: the root of each, and the command that begins it.
    fn all(self) -> Vec<(Uuid, ConversationCommand)> {
        match self {
            Self::OfUsers => PEOPLE.map(|user| (own(user), start_own(user))).into(),
            Self::OfConversations => Talk::ALL.map(|talk| (talk.root(), talk.start())).into(),
        }
    }

    fn of(self, line: &Line) -> Uuid {
        match self {
            Self::OfUsers => own(line.by),
            Self::OfConversations => line.talk.root(),
        }
    }
}

/// Sends all messages, one after another, to an application on the empty store that `url` names. Returns where each is,
/// in the order of sending.
pub(super) async fn places(url: &str, streams: Streams) -> Result<Vec<Place>, AnyError> {
    let store = open_store(url).await?;
    let partitions = store.partitions();
    let app = App::on(store).aggregate::<Conversation>().start().await?;
    for (root, start) in streams.all() {
        app.of::<Conversation>(root).send(start).await?;
    }
    for (at, line) in LINES.iter().enumerate() {
        let post = ConversationCommand::Post {
            by: line.by.into(),
            message: at.to_string(),
            text: line.text.into(),
            client_time: String::new(),
        };
        app.of::<Conversation>(streams.of(line)).send(post).await?;
    }
    let mut places = Vec::new();
    for (root, _) in streams.all() {
        let events = app.of::<Conversation>(root);
        for recorded in events.events(Sequence::FIRST, 1000).await? {
            places.extend(place(&recorded, partitions)?);
        }
    }
    places.sort_by_key(|place| place.line);
    app.shutdown().await?;
    Ok(places)
}

/// Returns where a message is; `None` for another event.
fn place(recorded: &RecordedEvent, partitions: NonZero<u16>) -> Result<Option<Place>, AnyError> {
    let Some(ConversationEvent::Posted { message, .. }) =
        recorded.of::<Conversation>().transpose()?
    else {
        return Ok(None);
    };
    Ok(Some(Place {
        line: message.parse()?,
        sequence: recorded.sequence,
        partition: LogPartition::of(&recorded.stream, partitions),
        position: recorded.position,
    }))
}

/// The root of the stream of all that a user sends.
fn own(user: &str) -> Uuid {
    inbox_root(user)
}

fn start_own(user: &str) -> ConversationCommand {
    ConversationCommand::StartGroup {
        by: user.into(),
        name: format!("what {user} sends"),
        members: Vec::new(),
    }
}
