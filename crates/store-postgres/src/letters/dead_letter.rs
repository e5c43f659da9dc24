//! The seam of the letters.

use std::fmt::Write;

use async_trait::async_trait;
use seriatim_core::{
    Assignee, CommandLetter, DeadLetterStore, FaultGroup, LetterFilter, LetterKind, StoreError,
};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Error, Postgres, Row};
use uuid::Uuid;

use crate::letters::fault;
use crate::opening::driver_error;
use crate::{PostgresStore, row};

#[async_trait]
impl DeadLetterStore for PostgresStore {
    async fn letter(&self, id: Uuid) -> Result<Option<CommandLetter>, StoreError> {
        let action = "read a dead letter";
        let query = || sqlx::query(AssertSqlSafe(self.texts().letter.clone())).bind(id);
        let rows = self.connections().fetch(action, query).await?;
        let found = rows.first().map(letter).transpose();
        found.map_err(|error| driver_error::store_error(action, error))
    }

    async fn letters(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<CommandLetter>, StoreError> {
        let action = "list the dead letters";
        if !filter.wants(LetterKind::Command) {
            return Ok(Vec::new());
        }
        let texts = self.texts();
        let query = || list((&texts.schema, &texts.letters), "id", filter, limit);
        let rows = self.connections().fetch(action, query).await?;
        let found: Result<_, _> = rows.iter().map(letter).collect();
        found.map_err(|error| driver_error::store_error(action, error))
    }

    async fn fault_groups(
        &self,
        filter: &LetterFilter,
        limit: usize,
    ) -> Result<Vec<FaultGroup>, StoreError> {
        let action = "count the faults of dead letters";
        if !filter.wants(LetterKind::Command) {
            return Ok(Vec::new());
        }
        let table = (self.texts().schema.as_str(), "seriatim_dead_letters");
        let columns = ("NULL::text", "id");
        let query = || fault::groups(table, columns, "status = 'parked'", filter, limit);
        let rows = self.connections().fetch(action, query).await?;
        let found: Result<_, _> = rows.iter().map(fault::group).collect();
        found.map_err(|error| driver_error::store_error(action, error))
    }

    /// May be run twice: it finds its own revision.
    async fn revise(&self, letter: &CommandLetter) -> Result<bool, StoreError> {
        let action = "revise a dead letter";
        let body = serde_json::to_string(letter)
            .map_err(|error| driver_error::store_error(action, Error::Encode(error.into())))?;
        let attempts = i32::try_from(letter.attempts.len()).unwrap_or(i32::MAX);
        let query = || {
            sqlx::query(AssertSqlSafe(self.texts().revise_letter.clone()))
                .bind(letter.id)
                .bind(attempts)
                .bind(letter.status.as_str())
                .bind(body.clone())
                .bind(letter.fault())
        };
        let rows = self.connections().fetch(action, query).await?;
        Ok(!rows.is_empty())
    }
}

/// Lists the letters of a selection whose identity is in the column `id`, without the rows that have none. Only the
/// columns that the filter names are compared, so that an index can be used.
pub(crate) fn list(
    (schema, select): (&str, &str),
    id: &str,
    filter: &LetterFilter,
    limit: usize,
) -> Query<'static, Postgres, PgArguments> {
    let (is_after, order) = match filter.latest_first {
        true => ("<", "DESC"),
        false => (">", "ASC"),
    };
    let conditions = Conditions::of(schema, id, filter);
    let mut place = conditions.next_place;
    let mut sql = format!("{select} WHERE {}", conditions.sql);
    let mut ask = |text: &str, is_asked: bool| {
        if is_asked {
            write!(sql, " AND {text} ${place}").expect("a string takes everything");
            place += 1;
        }
    };
    ask("status =", filter.status.is_some());
    ask(&format!("{id} {is_after}"), filter.after.is_some());
    let sql = format!("{sql} ORDER BY {id} {order} LIMIT ${place}");
    let mut query = conditions.bind(sqlx::query(AssertSqlSafe(sql)), filter);
    if let Some(status) = filter.status {
        query = query.bind(status.as_str());
    }
    if let Some(after) = filter.after {
        query = query.bind(after);
    }
    query.bind(row::limit_column(limit))
}

/// What a filter asks for but for the status and the place in the list.
pub(crate) struct Conditions {
    pub(crate) sql: String,
    /// The number of the first parameter after those that it binds.
    pub(crate) next_place: usize,
}

impl Conditions {
    pub(crate) fn of(schema: &str, id: &str, filter: &LetterFilter) -> Self {
        let of_stream = filter.stream.is_some();
        let assigned = format!(
            "SELECT letter FROM {schema}.seriatim_letter_annotations WHERE assignee IS NOT NULL"
        );
        let person = matches!(filter.assignee, Some(Assignee::Person(_)));
        let asked = [
            ("component = $", filter.component.is_some()),
            ("domain = $", filter.domain.is_some()),
            ("domain = $", of_stream),
            ("root = $", of_stream),
            ("fault = $", filter.fault.is_some()),
            (&format!("{id} IN ({assigned} AND assignee = $"), person),
        ];
        let (mut sql, mut place) = (format!("{id} IS NOT NULL"), 1);
        for (text, _) in asked.into_iter().filter(|(_, is_asked)| *is_asked) {
            write!(sql, " AND {text}{place}").expect("a string takes everything");
            place += 1;
        }
        match filter.assignee {
            Some(Assignee::Person(_)) => sql.push(')'),
            Some(Assignee::Nobody) => {
                write!(sql, " AND {id} NOT IN ({assigned})").expect("a string takes everything");
            }
            None => {}
        }
        Self {
            sql,
            next_place: place,
        }
    }

    pub(crate) fn bind(
        &self,
        mut query: Query<'static, Postgres, PgArguments>,
        filter: &LetterFilter,
    ) -> Query<'static, Postgres, PgArguments> {
        if let Some(component) = &filter.component {
            query = query.bind(component.as_str().to_owned());
        }
        if let Some(domain) = &filter.domain {
            query = query.bind(domain.as_str().to_owned());
        }
        if let Some(stream) = &filter.stream {
            query = query
                .bind(stream.domain.as_str().to_owned())
                .bind(stream.root);
        }
        if let Some(fault) = &filter.fault {
            query = query.bind(fault.clone());
        }
        if let Some(Assignee::Person(name)) = &filter.assignee {
            query = query.bind(row::people_column(name));
        }
        query
    }
}

fn letter(row: &PgRow) -> Result<CommandLetter, Error> {
    serde_json::from_str(row.try_get(0)?).map_err(row::unreadable)
}

#[cfg(test)]
mod tests {
    use seriatim_testkit::conformance::filters_by_index;
    use sqlx::{Connection, PgConnection};

    use super::*;

    const FILL: &str = "
        INSERT INTO seriatim_dead_letters (id, domain, root, status, body, fault)
        SELECT gen_random_uuid(), (array['one', 'two', 'three'])[n % 3 + 1], gen_random_uuid(),
            (array['parked', 'resolved'])[n % 5 % 2 + 1], '', (array['no paper', 'no ink', 'no light'])[n % 7 % 3 + 1]
        FROM generate_series(1, 20000) AS n;
        INSERT INTO seriatim_parked (component, partition, share_count, share_index, domain, root, sequence, tries, since,
            failure, attempts, letter, fault)
        SELECT (array['printer', 'emails'])[n % 2 + 1], 0, 1, 0, (array['one', 'two', 'three'])[n % 3 + 1], gen_random_uuid(),
            0, 1, 0, '', '[]', gen_random_uuid(), (array['no paper', 'no ink', 'no light'])[n % 7 % 3 + 1]
        FROM generate_series(1, 20000) AS n;
        INSERT INTO seriatim_closed_letters (component, partition, share_count, share_index, domain, root, sequence, tries,
            since, failure, attempts, letter, status, closed_at)
        SELECT (array['printer', 'emails'])[n % 2 + 1], 0, 1, 0, (array['one', 'two', 'three'])[n % 3 + 1], gen_random_uuid(),
            0, 1, 0, '', '[]', gen_random_uuid(), (array['resolved', 'discarded'])[n % 5 % 2 + 1], 0
        FROM generate_series(1, 20000) AS n;
        ANALYZE seriatim_dead_letters, seriatim_parked, seriatim_closed_letters";

    /// A page costs what it holds.
    #[tokio::test]
    async fn a_page_is_looked_up_in_the_index() {
        let server = std::env::var("SERIATIM_TEST_POSTGRES").expect(
            "name a PostgreSQL in SERIATIM_TEST_POSTGRES; `cargo xtask services up` starts one and prints its URL",
        );
        let schema = format!("letters_{}", Uuid::now_v7().simple());
        let sign = if server.contains('?') { '&' } else { '?' };
        let store = PostgresStore::open(&format!("{server}{sign}schema={schema}"))
            .await
            .unwrap();
        let run = async |sql: &str| {
            let mut connection = PgConnection::connect(&server).await.unwrap();
            let sql = AssertSqlSafe(store.connections().schema().text(sql));
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        };
        run(FILL).await;
        let check = async |select: &str, id: &str, filter: &LetterFilter| {
            let explain = format!("EXPLAIN {select}");
            let schema = &store.texts().schema;
            let explain = || list((schema, &explain), id, filter, 50);
            let plan = store.connections().fetch("explain", explain).await.unwrap();
            let lines = plan.iter().map(|row| row.get::<String, _>(0));
            let plan = lines.collect::<Vec<_>>().join("\n");
            for all_are_read in ["Seq Scan", "Sort  (", "Filter:"] {
                assert!(!plan.contains(all_are_read), "{filter:?}\n{plan}");
            }
        };
        for filter in filters_by_index(LetterKind::Command) {
            check(&store.texts().letters, "id", &filter).await;
        }
        for filter in filters_by_index(LetterKind::Reaction) {
            let select = store.texts().parked.select(&filter);
            check(&select, "letter", &filter).await;
        }
        run(&format!("DROP SCHEMA {schema} CASCADE")).await;
    }
}
