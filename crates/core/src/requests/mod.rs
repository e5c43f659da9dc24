//! Contains commands and facts as they are sent, and the answers to them.

pub(crate) mod command;
pub(crate) mod limits;
pub(crate) mod content_hash;
pub(crate) mod receipt;
pub(crate) mod submit_error;
pub(crate) mod conflict;
pub(crate) mod effect;
pub(crate) mod claim_key;
pub(crate) mod gateway;
pub(crate) mod view;
pub(crate) mod changes;
pub(crate) mod waiting;
