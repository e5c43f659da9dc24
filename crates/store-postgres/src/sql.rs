//! The statements about letters, checkpoints and what belongs to them, for one schema.

use std::sync::Arc;

use crate::letters::{annotation, parked_sql};
use crate::progress::assignment;
use crate::progress::beginning_sql;
use crate::progress::checkpoint_sql;
use crate::progress::pause_sql;

/// Made only once; a connection prepares each when it first uses it.
pub(crate) struct Texts {
    pub(crate) schema: String,
    pub(crate) letter: Arc<str>,
    pub(crate) letters: Arc<str>,
    pub(crate) revise_letter: Arc<str>,
    pub(crate) checkpoints: checkpoint_sql::Texts,
    pub(crate) beginnings: beginning_sql::Texts,
    pub(crate) assignments: assignment::Texts,
    pub(crate) parked: parked_sql::Texts,
    pub(crate) pauses: pause_sql::Texts,
    pub(crate) annotations: annotation::Texts,
}

impl Texts {
    pub(crate) fn of(schema: &str) -> Self {
        Self {
            schema: schema.into(),
            letter: format!("SELECT body FROM {schema}.seriatim_dead_letters WHERE id = $1").into(),
            letters: format!("SELECT body FROM {schema}.seriatim_dead_letters").into(),
            revise_letter: format!(
                "UPDATE {schema}.seriatim_dead_letters SET status = $3, body = $4, revision = $2, fault = $5
                 WHERE id = $1 AND (revision = $2 - 1 OR (revision = $2 AND body = $4)) RETURNING 1"
            )
            .into(),
            checkpoints: checkpoint_sql::Texts::of(schema),
            beginnings: beginning_sql::Texts::of(schema),
            assignments: assignment::Texts::of(schema),
            parked: parked_sql::Texts::of(schema),
            pauses: pause_sql::Texts::of(schema),
            annotations: annotation::Texts::of(schema),
        }
    }
}
