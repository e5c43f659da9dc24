//! Lets a person write other commands in place of a parked one, and loses nothing of what was written.

pub(crate) mod draft;
mod editor;
