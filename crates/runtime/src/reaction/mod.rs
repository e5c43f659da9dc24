//! Feeds components with the log and keeps their checkpoints. Each piece of work has one owner at a time.
//!
//! ```text
//! stand by ──called: take──► work: next batch ─► handle, checkpoint moved ─► next batch ...
//!    ▲                        │          └─ failed: again, alone, after a pause ─ too often: park, skip or pause
//!    └── tenure lost ─────────┤          └─ meanwhile: parked streams that a person wants to be tried
//!    └── called: let go ──────┘
//! ```

mod back_off;
mod dispatch;
mod done;
mod operator;
mod letters;
mod parking;
mod exactly_once;
mod fair;
mod log;
mod host_process;
mod piece;
mod policy;
mod projector;
mod queues;
mod read_models;
mod rota;
mod runner;
mod saga;
mod scope;
mod status;
mod step;
mod trail;
mod working;

pub use back_off::BackOff;
pub(crate) use dispatch::{BESIDE, Dispatcher, Refused, answer, worse};
pub use exactly_once::ExactlyOnce;
pub(crate) use parking::for_people;
pub use policy::{FailurePolicy, Then};
pub use projector::{AtLeastOnce, Projector};
pub use runner::{Enrolled, ReactionSettings, Reactions};
pub use saga::SagaReaction;
pub use scope::Widened;
pub use status::{Failure, PieceState, PieceStatus};
