//! Who does which work at a moment: what a process needs to know to find its fair part of it.

use std::sync::Arc;

use uuid::Uuid;

use crate::Work;

/// A process, as the others know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Tells it apart from all others, also from those with its name and from itself before a restart.
    pub id: Uuid,
    /// What people call it.
    pub name: Arc<str>,
    /// What others on its host can tell by whether it still runs; `None` if nothing can be told.
    pub process: Option<Arc<str>>,
}

impl Owner {
    /// One that is not any other.
    pub fn new(name: &str) -> Self {
        Self {
            id: Uuid::now_v7(),
            name: name.into(),
            process: None,
        }
    }
}

/// Who does a piece of work, and who would like to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Which work.
    pub work: Work,
    /// Who has it; `None` if it was released, or if the lease ran out.
    pub owner: Option<Owner>,
    /// Which process has asked for it and may still count on it.
    pub asked_by: Option<Uuid>,
    /// Whether its owner does nothing for it.
    pub is_paused: bool,
}
