//! What was stored yesterday is seen by every reader as today's program has it.

mod accounts;
mod letters;
mod processes;
mod readers;
mod stage;
