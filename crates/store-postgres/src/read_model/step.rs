//! One step: the changes of the model and the move of its checkpoint, in one transaction.

use seriatim_core::{
    Hold, ReactionError, ReadModel, ReadModelTables, Step, StoreError, StoreErrorKind, TableGone,
    Tenure, Update,
};
use sqlx::{PgConnection, Row};

use super::fault::{self, ACTION};
use crate::PostgresStore;
use crate::opening::driver_error;

/// At READ COMMITTED a step sees everything that an earlier owner has committed, because the work was taken after that.
const CHARACTERISTICS: &str = "ISOLATION LEVEL READ COMMITTED READ WRITE";

/// After an error the connection is dropped, whatever its state: the server rolls back what was not committed.
pub(super) async fn project<M: ReadModel<PgConnection>>(
    store: &PostgresStore,
    model: &M,
    tables: &ReadModelTables,
    step: Step<'_>,
) -> Result<Hold, ReactionError> {
    let connections = store.user_connections();
    let mut connection = connections.get().await.map_err(fault::of_driver)?;
    match transact(store, &mut connection, model, tables, step).await {
        Ok(hold) => {
            connections.put_back(connection);
            Ok(hold)
        }
        Err(ReactionError::Failed(failure)) => {
            drop(connection);
            require_tables(store, tables, step.tenure).await?;
            Err(ReactionError::Failed(failure))
        }
        Err(error) => {
            // The idle ones may be lost too.
            connections.clear();
            Err(error)
        }
    }
}

/// The checkpoint comes last, because other processes that renew the lease or take the work over wait for its row.
async fn transact<M: ReadModel<PgConnection>>(
    store: &PostgresStore,
    connection: &mut PgConnection,
    model: &M,
    tables: &ReadModelTables,
    step: Step<'_>,
) -> Result<Hold, ReactionError> {
    let connections = store.user_connections();
    let begun = connections.begin(connection, CHARACTERISTICS).await;
    let mut transaction = begun.map_err(fault::of_driver)?;
    let projected = model.project(&mut transaction, tables, step.events).await;
    projected.map_err(fault::of_user)?;
    let update = Update::Advance(step.advance.clone());
    let advance = store.update_query(step.tenure, &update, step.lease, false);
    let moved = connections.within(advance.fetch_all(&mut *transaction));
    let (end, hold) = match moved.await.map_err(fault::of_driver)?.is_empty() {
        false => (connections.within(transaction.commit()).await, Hold::Held),
        true => (connections.within(transaction.rollback()).await, Hold::Lost),
    };
    end.map(|()| hold).map_err(fault::of_driver)
}

/// The events are not the cause if tables are gone.
async fn require_tables(
    store: &PostgresStore,
    tables: &ReadModelTables,
    tenure: &Tenure,
) -> Result<(), StoreError> {
    let names: Vec<_> = tables.names().collect();
    let missing = || {
        sqlx::query("SELECT name FROM unnest($1) AS name WHERE to_regclass(name) IS NULL")
            .bind(names.clone())
    };
    let rows = store.connections().fetch(ACTION, missing).await?;
    let Some(row) = rows.first() else {
        return Ok(());
    };
    let table = row.try_get(0);
    let table = table.map_err(|error| driver_error::store_error(ACTION, error))?;
    let component = tenure.work.component.clone();
    let gone = TableGone { component, table };
    Err(StoreError::new(ACTION, StoreErrorKind::Corrupt, gone))
}
