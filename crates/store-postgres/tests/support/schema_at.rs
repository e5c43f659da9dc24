//! Tables as an earlier program has left them.

use seriatim_store_sql::migrations;

use super::{Schema, execute, server};

/// Makes the tables of the first `count` migrations, and notes them in the ledger.
pub async fn schema_at(count: usize) -> Schema {
    let schema = Schema::new();
    let mut sql = format!(
        "CREATE SCHEMA {name}; SET search_path TO {name};
         CREATE TABLE seriatim_migrations (
             number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at bigint NOT NULL
         );",
        name = schema.name()
    );
    for script in migrations!("postgres").after(0).take(count) {
        let (number, name, checksum) = (script.number, script.name, script.checksum());
        sql.push_str(script.sql);
        sql.push_str(&format!(
            ";INSERT INTO seriatim_migrations VALUES ({number}, '{name}', '{checksum}', 0);"
        ));
    }
    execute(&server(), &sql).await.unwrap();
    schema
}
