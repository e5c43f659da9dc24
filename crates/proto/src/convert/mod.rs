//! Converts between the messages of the wire and the types of `core`.
//!
//! Every value of `core` can be converted to the wire. In the other direction a message may be malformed. The error is
//! [`Invalid`], which names every faulty field. The fields of a book are named from the book on, as `core` does in
//! [`Limits`](seriatim_core::Limits): `cover.root`, `pages[3].command`.

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
mod changes;
mod simulation;
mod desk;
mod annotation;
mod job;
mod forecast;
mod command_letter;
mod reaction_letter;
mod operator;
mod read_model;
mod stream_summary;
mod subscription;
mod token;
mod operation;
mod waiting;
mod workflow;

pub(crate) use annotation::faults_request;
pub use annotation::{assigning, fault_filter, noting};
pub use changes::changes_query;
pub(crate) use changes::{changes, changes_request};
pub(crate) use desk::{decider, list_request};
pub use desk::{
    discarding, editing, letter_filter, recording, resubmission, without_event_content,
    without_payload,
};
pub use event::{event_book, recorded_event, recorded_events};
pub use forecast::forecast_filter;
pub(crate) use forecast::forecast_request;
pub use identity::{cover, domain, stream, uuid};
pub use invalid::Invalid;
pub use job::{new_job, result_place};
pub use operator::component;
pub use outcome::{Echo, hand_back_response, receipt, record_response, submit_response};
pub(crate) use payload::without_content;
pub use payload::{JSON_PAYLOAD, TYPE_URL_PREFIX, any, json_any, payload};
pub use read_model::{compare_tables, read_model_version};
pub use simulation::{simulate_request, simulation_request};
pub use state::{at_of_state, state_at};
pub use subscription::{begin, subscribe_request, subscribed_event, subscription_of};
pub(crate) use subscription::{bookmark, cursor, subscribed};
pub(crate) use time::length;
pub use token::new_token;
pub use waiting::{not_handled, optional_wait_for};
pub(crate) use workflow::{workflow, workflow_request};
pub use workflow::{workflow_answer, workflow_asked};
