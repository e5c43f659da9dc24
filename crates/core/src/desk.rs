//! The one place where a person looks at letters of all kinds, and decides about them.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{
    DeadLetter, LetterFilter, OperatorError, QueryError, ReactionLetter, RecordedEvent, ThreeWay,
};

/// Letters of one kind, and what can be done about them.
#[async_trait]
pub trait Drawer: Send + Sync + Debug + 'static {
    /// Its letters that pass the filter, in its order, at most `limit`.
    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, OperatorError>;

    /// A letter with all that belongs to it; `None` if it is not one of its own.
    async fn open(&self, id: Uuid) -> Result<Option<OpenLetter>, OperatorError>;

    /// Does what was decided about a letter, or notes that it is to be done, and gives the letter as it is then; `None` if
    /// it is not one of its own. Of several who decide about one letter at the same time, one is heard.
    async fn decide(&self, decision: &Decision) -> Result<Option<DeadLetter>, OperatorError>;
}

/// What a person decides about a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// About which letter.
    pub letter: Uuid,
    /// What is to be done.
    pub verb: Verb,
    /// Who decides.
    pub actor: Option<String>,
    /// Why; nothing is discarded without a reason.
    pub reason: Option<String>,
}

/// What can be done about a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// A command is decided on whatever is current; an event is handled again, and then those that wait behind it.
    Resubmit,
    /// It is given up for good; what waits behind an event is handled.
    Discard,
}

impl Verb {
    /// Its name in stores and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resubmit => "resubmit",
            Self::Discard => "discard",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Resubmit, Self::Discard]
            .into_iter()
            .find(|verb| verb.as_str() == name)
    }
}

/// A letter with all that belongs to it, as things stand now.
#[derive(Clone, Debug, PartialEq)]
pub enum OpenLetter {
    /// A command that was parked, from three sides.
    Command(Box<ThreeWay>),
    /// An event that a component gave up.
    Reaction(Box<GivenUp>),
}

/// An event that a component gave up, with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// The letter.
    pub letter: ReactionLetter,
    /// The event; `None` if the log has it no more.
    pub event: Option<RecordedEvent>,
    /// How many events wait behind it; of very many, as many as were counted.
    pub followers: u64,
    /// Whether there may be more of them.
    pub more_followers: bool,
}

/// All letters, of whatever kind.
#[derive(Clone, Debug)]
pub struct Desk {
    drawers: Vec<Arc<dyn Drawer>>,
}

impl Desk {
    /// One with these drawers. No letter may be in two of them.
    pub fn new(drawers: Vec<Arc<dyn Drawer>>) -> Self {
        Self { drawers }
    }

    /// The letters that pass the filter, in its order, at most `limit`.
    pub async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, OperatorError> {
        let mut found = Vec::new();
        for drawer in &self.drawers {
            found.extend(drawer.letters(filter, limit).await?);
        }
        filter.sort(&mut found, DeadLetter::id, limit);
        Ok(found)
    }

    /// A letter with all that belongs to it.
    pub async fn open(&self, id: Uuid) -> Result<OpenLetter, OperatorError> {
        for drawer in &self.drawers {
            if let Some(letter) = drawer.open(id).await? {
                return Ok(letter);
            }
        }
        Err(unknown(id))
    }

    /// Does what was decided about a letter, and gives it as it is then. A command was tried by then: it is closed, or has
    /// one attempt more. About an event it is only noted what is wanted, and the process that works for the component
    /// does it within a third of its lease.
    pub async fn decide(&self, decision: &Decision) -> Result<DeadLetter, OperatorError> {
        let decision = Decision {
            actor: decision.actor.as_deref().and_then(clean),
            reason: decision.reason.as_deref().and_then(clean),
            ..*decision
        };
        if decision.verb == Verb::Discard && decision.reason.is_none() {
            return Err(OperatorError::NoReason);
        }
        for drawer in &self.drawers {
            if let Some(letter) = drawer.decide(&decision).await? {
                return Ok(letter);
            }
        }
        Err(unknown(decision.letter))
    }
}

fn unknown(id: Uuid) -> OperatorError {
    QueryError::UnknownLetter { id }.into()
}

/// As every store can keep it; `None` if nothing is said.
fn clean(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.replace('\0', "\u{fffd}"))
}
