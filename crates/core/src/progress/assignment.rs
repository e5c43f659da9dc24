//! Says which process does which work at the moment. A process finds its fair part of the work by it.

use std::sync::Arc;

use uuid::Uuid;

use crate::Work;

/// A process, as other processes know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its identity. It differs for every process, even if two have the same name, and after a restart.
    pub id: Uuid,
    /// Its name for people.
    pub name: Arc<str>,
    /// The text by which other processes on its host can see whether it still runs; `None` if they cannot.
    pub process: Option<Arc<str>>,
}

impl Owner {
    /// Makes an owner with a new identity.
    pub fn new(name: &str) -> Self {
        Self {
            id: Uuid::now_v7(),
            name: name.into(),
            process: None,
        }
    }
}

/// The owner of a piece of work, and the process that asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The piece of work.
    pub work: Work,
    /// The process that has it; `None` if it was released or the lease ran out.
    pub owner: Option<Owner>,
    /// The process that asked for it and whose request is still in force.
    pub asked_by: Option<Uuid>,
    /// True if its owner has paused it.
    pub is_paused: bool,
}
