//! One step: the changes of the model and the move of its checkpoint, in one transaction.

use seriatim_core::{
    Advance, Hold, ReactionError, ReadModel, ReadModelTables, Sequence, Step, StoreError,
    StoreErrorKind, StreamId, TableGone, Tenure, Timestamp, Verb, lease_end,
};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Connection, Error, Sqlite, SqliteConnection};

use super::fault::{self, ACTION};
use crate::letters::parked;
use crate::progress::checkpoint;
use crate::progress::update;
use crate::{SqliteStore, row};

/// After an error the connection is dropped, whatever its state. That rolls back everything that was not committed.
pub(super) async fn project<M: ReadModel<SqliteConnection>>(
    store: &SqliteStore,
    model: &M,
    tables: &ReadModelTables,
    step: Step<'_>,
) -> Result<Hold, ReactionError> {
    let mut turn = store.user_connection().get(store.writer()).await?;
    match transact(&mut turn.connection, model, tables, step).await {
        Ok(hold) => {
            turn.put_back();
            Ok(hold)
        }
        Err(ReactionError::Failed(failure)) => {
            drop(turn);
            require_tables(store, tables, step.tenure).await?;
            Err(ReactionError::Failed(failure))
        }
        Err(error) => {
            store.user_connection().note(&error);
            Err(error)
        }
    }
}

async fn transact<M: ReadModel<SqliteConnection>>(
    connection: &mut SqliteConnection,
    model: &M,
    tables: &ReadModelTables,
    step: Step<'_>,
) -> Result<Hold, ReactionError> {
    let begun = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = begun.map_err(fault::of_driver)?;
    // SQLite ends a transaction by itself after some errors. If user code ignores such an error, it is noticed because
    // the savepoint does not exist any more.
    let mut users = transaction.begin().await.map_err(fault::of_driver)?;
    let projected = model.project(&mut users, tables, step.events).await;
    projected.map_err(fault::of_user)?;
    users.commit().await.map_err(fault::of_driver)?;
    let moved = advance(&mut transaction, step).await;
    let hold = moved.map_err(fault::of_driver)?;
    let end = match hold {
        Hold::Held => transaction.commit().await,
        Hold::Lost => transaction.rollback().await,
    };
    end.map(|()| hold).map_err(fault::of_driver)
}

/// As the writing thread of the store does it.
async fn advance(connection: &mut SqliteConnection, step: Step<'_>) -> Result<Hold, Error> {
    let (tenure, lease) = (step.tenure, step.lease);
    let now = Timestamp::now();
    let until = lease_end(now, lease).as_micros();
    match step.advance {
        Advance::Checkpoint(to) => {
            let advance = under(update::advance_text(), tenure)
                .bind(until)
                .bind(row::position_column(to.position))
                .bind(now.as_micros())
                .bind(row::position_column(tenure.at.position))
                .bind(row::log_column(to).map(Vec::from))
                .bind(row::event_column(to).map(Vec::from));
            held(connection, advance).await
        }
        Advance::Parked { stream, from, to } => {
            let hold = under(update::renew_text(), tenure).bind(until);
            match held(connection, hold).await? {
                Hold::Lost => Ok(Hold::Lost),
                Hold::Held => {
                    let close = of_stream(parked::close_text(), tenure, stream, *from);
                    close
                        .bind(now.as_micros())
                        .execute(&mut *connection)
                        .await?;
                    let moved = advance_parked(tenure, stream, *from, *to);
                    held(connection, moved).await
                }
            }
        }
    }
}

fn advance_parked(
    tenure: &Tenure,
    stream: &StreamId,
    from: Sequence,
    to: Option<Sequence>,
) -> Statement {
    let text = match to {
        Some(_) => parked::advance_text(),
        None => parked::unpark_text(),
    };
    let statement = of_stream(text, tenure, stream, from);
    match to {
        Some(to) => statement.bind(to.0).bind(Verb::Resubmit.as_str()),
        None => statement,
    }
}

type Statement = Query<'static, Sqlite, SqliteArguments>;

/// The first four parameters are the work, the next two the stream, the seventh is where it is parked.
fn of_stream(text: String, tenure: &Tenure, stream: &StreamId, from: Sequence) -> Statement {
    of(text, tenure)
        .bind(stream.domain.as_str().to_owned())
        .bind(stream.root.as_bytes().to_vec())
        .bind(from.0)
}

/// The first four parameters are the work, the fifth is the tenure.
fn under(text: String, tenure: &Tenure) -> Statement {
    of(text, tenure).bind(tenure.id.as_bytes().to_vec())
}

fn of(text: String, tenure: &Tenure) -> Statement {
    let (component, partition, count, index) = checkpoint::key(&tenure.work);
    sqlx::query(AssertSqlSafe(text))
        .bind(component.to_owned())
        .bind(partition)
        .bind(count)
        .bind(index)
}

async fn held(connection: &mut SqliteConnection, statement: Statement) -> Result<Hold, Error> {
    let done = statement.execute(connection).await?;
    Ok(match done.rows_affected() {
        0 => Hold::Lost,
        _ => Hold::Held,
    })
}

/// The events are not the cause if tables are gone.
async fn require_tables(
    store: &SqliteStore,
    tables: &ReadModelTables,
    tenure: &Tenure,
) -> Result<(), StoreError> {
    let names: Vec<_> = tables.names().collect();
    let missing = move |connection: &rusqlite::Connection| {
        let find = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?";
        let mut find = connection.prepare_cached(find)?;
        for name in &names {
            if !find.exists([name])? {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    };
    let Some(table) = store.lists().read(ACTION, missing).await? else {
        return Ok(());
    };
    let component = tenure.work.component.clone();
    let gone = TableGone { component, table };
    Err(StoreError::new(ACTION, StoreErrorKind::Corrupt, gone))
}
