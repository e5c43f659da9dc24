//! The statements about components that a person has paused, for one schema.

use std::sync::Arc;

use seriatim_core::Component;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;

use crate::progress::checkpoint_sql::of_component;
use crate::row;

type Statement = Query<'static, Postgres, PgArguments>;

pub(crate) struct Texts {
    set: Arc<str>,
    lift: Arc<str>,
    find: Arc<str>,
}

impl Texts {
    pub(crate) fn of(schema: &str) -> Self {
        let table = format!("{schema}.seriatim_pauses");
        // The row is returned as it was when the statement began.
        let set = format!(
            "WITH before AS (SELECT why FROM {table} WHERE component = $1), noted AS (
                 INSERT INTO {table} (component, why) VALUES ($1, $2)
                 ON CONFLICT (component) DO UPDATE SET why = excluded.why
             ) SELECT why FROM before"
        );
        Self {
            set: set.into(),
            lift: format!("DELETE FROM {table} WHERE component = $1 RETURNING why").into(),
            find: format!("SELECT why FROM {table} WHERE component = $1").into(),
        }
    }

    /// Returns a row if it was paused before. If it is run twice, the second run may see the effect of the first.
    pub(crate) fn set(&self, component: &Component, why: Option<&str>) -> Statement {
        match why {
            Some(why) => of_component(&self.set, component).bind(row::people_column(why)),
            None => of_component(&self.lift, component),
        }
    }

    pub(crate) fn find(&self, component: &Component) -> Statement {
        of_component(&self.find, component)
    }
}
