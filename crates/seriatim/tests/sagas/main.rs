//! Sagas of an application: what they ask for takes effect once, and what is rejected comes back.

mod again;
mod effects;
mod loops;
mod processes;
mod shop;
mod stage;
mod trouble;
