//! Contains read models in SQL, and their versions.

pub(crate) mod read_model;
pub(crate) mod read_model_version;
pub(crate) mod read_model_progress;
pub(crate) mod comparison;
pub(crate) mod read_model_store;
pub(crate) mod version_rules;
