//! Contains what a person must look at and decide.

pub(crate) mod dead_letter;
pub(crate) mod reaction_letter;
pub(crate) mod annotation;
pub(crate) mod annotating;
pub(crate) mod fault;
pub(crate) mod operator;
pub(crate) mod forecast;
pub(crate) mod desk;
pub(crate) mod edited;
pub(crate) mod job;
