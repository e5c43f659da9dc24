//! The databases of a run: one filled once for each contender, and copies of it, one for each round.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::Outcome;
use crate::contender::Library;
use crate::database::{Database, Server};
use crate::streams::Streams;

/// The streams in a filled database.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content {
    /// The streams that commands are sent to.
    pub(crate) tens: Streams,
    /// The streams that are only loaded.
    pub(crate) hundreds: Streams,
    pub(crate) thousands: Streams,
}

impl Content {
    pub(crate) fn new(quick: bool) -> Self {
        let scale = if quick { 5 } else { 1 };
        let streams = |length, count: u64| Streams {
            length,
            count: count / scale,
        };
        Self {
            tens: streams(10, 100_000),
            hundreds: streams(100, 1_000),
            thousands: streams(1_000, 100),
        }
    }

    /// Streams of so many events.
    pub(crate) fn of_length(self, length: u32) -> Option<Streams> {
        [self.tens, self.hundreds, self.thousands]
            .into_iter()
            .find(|streams| streams.length == length)
    }
}

/// All databases that exist now.
pub(crate) struct Ground {
    pub(crate) server: Server,
    pub(crate) content: Content,
    filled: BTreeMap<&'static str, Database>,
    copies: BTreeMap<&'static str, Database>,
}

impl Ground {
    pub(crate) fn new(server: Server, content: Content) -> Self {
        Self {
            server,
            content,
            filled: BTreeMap::new(),
            copies: BTreeMap::new(),
        }
    }

    /// An empty database, to be given back.
    pub(crate) async fn empty(&mut self) -> Outcome<Database> {
        self.server.create("peers_empty").await
    }

    /// Fills a database for a contender, by way of one command that shows what its rows look like.
    pub(crate) async fn fill(&mut self, library: &dyn Library) -> Outcome<()> {
        let database = self
            .server
            .create(&database_name("filled", library))
            .await?;
        let contender = library.open(&database, 1).await?;
        contender.begin(0, Uuid::now_v7()).await?;
        contender.close().await?;
        drop(contender);
        let Content {
            tens,
            hundreds,
            thousands,
        } = self.content;
        for streams in [tens, hundreds, thousands] {
            library.fill(&database, streams).await?;
        }
        database.settle().await?;
        self.filled.insert(library.name(), database);
        Ok(())
    }

    /// A filled database as it was at first, for a round.
    pub(crate) async fn renew(&mut self, library: &dyn Library) -> Outcome<()> {
        let Some(filled) = self.filled.get(library.name()) else {
            return Ok(());
        };
        let name = database_name("copy", library);
        let copy = self.server.clone(&name, filled).await?;
        self.copies.insert(library.name(), copy);
        Ok(())
    }

    /// The contender's filled database of this round.
    pub(crate) fn filled(&self, library: &dyn Library) -> Outcome<Database> {
        let copy = self.copies.get(library.name()).cloned();
        copy.ok_or_else(|| format!("the database of {} could not be filled", library.name()).into())
    }
}

fn database_name(what: &str, library: &dyn Library) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = library.name().to_lowercase().chars().map(plain).collect();
    format!("peers_{what}_{name}")
}
