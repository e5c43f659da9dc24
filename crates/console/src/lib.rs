//! A console in the browser: what waits for a person, and what the log and its components do.
//!
//! [`Console::router`] serves its pages. They are rendered here from template files and work without scripts: each action
//! is a form that posts and then shows the page anew. A script of a page keeps it up to date. `docs/console.md` says what each page is for.
//!
//! Visitors are the callers of the application: the same tokens and certificates, and the same rights. A token is kept
//! in a cookie of the browser. What a visitor may not do is neither offered nor done.

mod console;
mod visitor;
mod door;
mod origin;
mod refusal;
mod recorder;
mod show;
mod frame;
mod session;
mod assets;
mod changes;
mod pulse;
mod overview;
mod streams;
mod stream;
mod bulk;
mod components;
mod read_models;
mod read_model;
mod job;
mod operations;
mod letters;
mod letter;
mod sides;
mod fields;
mod why;
mod workflow;
mod outcome;
mod deciding;
mod notes;
mod editing;
mod fact;

pub use console::Console;
