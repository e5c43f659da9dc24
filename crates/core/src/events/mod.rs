//! Contains events, the streams they belong to, and their content.

pub(crate) mod stream;
pub(crate) mod sequence;
pub(crate) mod timestamp;
pub(crate) mod payload;
pub(crate) mod metadata;
pub(crate) mod event;
pub(crate) mod event_filter;
pub(crate) mod workflow;
pub(crate) mod message;
pub(crate) mod shape;
