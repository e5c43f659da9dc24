//! What the wire says and what `core` says, each made of the other.
//!
//! From `core` to the wire everything converts. The other way a message may be malformed: the error is
//! [`Invalid`], which names every field that is wrong. The fields of a book are named from the book on, as `core`
//! does in [`Limits`](seriatim_core::Limits): `cover.root`, `pages[3].command`.

mod invalid;
mod identity;
mod payload;
mod time;
mod expectation;
mod command;
mod effect;
mod fact;
mod event;
mod conflict;
mod outcome;
mod state;
mod simulation;
mod desk;
mod command_letter;
mod reaction_letter;
mod operator;
mod read_model;
mod stream_summary;
mod subscription;
mod waiting;

pub(crate) use desk::list_request;
pub use desk::{discarding, letter_filter, resubmission};
pub use event::{event_book, recorded_event, recorded_events};
pub use identity::{cover, domain, stream, uuid};
pub use invalid::Invalid;
pub use operator::component;
pub use outcome::{hand_back_response, receipt, record_response, submit_response};
pub use payload::{JSON_PAYLOAD, TYPE_URL_PREFIX, any, json_any, payload};
pub use read_model::{compare_tables, read_model_version};
pub use simulation::{simulate_request, simulation_request};
pub use state::{at_of_state, state_at};
pub use subscription::{begin, subscribe_request, subscribed_event, subscription_of};
pub(crate) use subscription::{bookmark, cursor, subscribed};
pub use waiting::{not_handled, wait_for};
