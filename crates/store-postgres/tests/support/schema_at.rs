//! Tables as an earlier program has left them.

use sha2::{Digest, Sha256};

use super::{Schema, execute, server};

/// Makes the tables of the first `count` migrations, and notes them in the ledger.
pub async fn schema_at(count: usize) -> Schema {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/postgres");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let schema = Schema::new();
    let mut sql = format!(
        "CREATE SCHEMA {name}; SET search_path TO {name};
         CREATE TABLE seriatim_migrations (
             number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at bigint NOT NULL
         );",
        name = schema.name()
    );
    for file in files.iter().take(count) {
        let script = std::fs::read_to_string(file).unwrap();
        let (number, name) = file
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .split_once('_')
            .unwrap();
        let digest = Sha256::digest(&script);
        let checksum: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        sql.push_str(&script);
        sql.push_str(&format!(
            ";INSERT INTO seriatim_migrations VALUES ({number}, '{name}', '{checksum}', 0);"
        ));
    }
    execute(&server(), &sql).await.unwrap();
    schema
}
