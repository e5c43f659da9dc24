//! Checks that every reader sees what was stored yesterday as today's program has it.

mod accounts;
mod letters;
mod processes;
mod readers;
mod stage;
