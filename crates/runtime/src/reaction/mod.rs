//! Feeds components with the log and keeps their place: one owner at a time for each piece of work.
//!
//! ```text
//! stand by ──take──► work: next batch ─► handle, checkpoint moved ─► next batch ...
//!    ▲                 │          └─ failed: again, alone, after a pause ─ too often: paused
//!    └── tenure lost ──┘
//! ```

mod back_off;
mod dispatch;
mod piece;
mod projector;
mod runner;
mod saga;
mod status;
mod step;

pub use back_off::BackOff;
pub use projector::{AtLeastOnce, Projector};
pub use runner::{Enrolled, ReactionSettings, Reactions};
pub use saga::SagaReaction;
pub use status::{Failure, PieceState, PieceStatus};
