//! An account of its own for a test, which may make no tables and has the rights that it is given.

use seriatim_store_postgres::{OpenError, PostgresStore};

use super::{Schema, at_the_end, execute, server};

/// The account of a program, on tables that are up to date. It is gone at the end.
pub struct Account {
    pub name: String,
    pub schema: Schema,
}

impl Account {
    /// One without any right.
    pub async fn new(schema: Schema) -> Self {
        let name = schema.name().replace("exam", "user");
        let create = format!("CREATE ROLE {name} LOGIN PASSWORD 'only-a-test'");
        execute(&server(), &create).await.unwrap();
        Self { name, schema }
    }

    /// One with the rights that opening the store asks for, and no others.
    pub async fn with_what_it_needs() -> Self {
        let account = Self::new(Schema::new()).await;
        PostgresStore::migrate(&account.schema.url()).await.unwrap();
        account.may("SELECT").await;
        let refused = PostgresStore::open(&account.url()).await;
        let grants = grants(&refused.expect_err("it cannot write"));
        execute(&server(), &grants).await.unwrap();
        account
    }

    /// Grants rights on all tables.
    pub async fn may(&self, rights: &str) {
        let (schema, name) = (self.schema.name(), &self.name);
        let grants = format!(
            "GRANT USAGE ON SCHEMA {schema} TO {name};
             GRANT {rights} ON ALL TABLES IN SCHEMA {schema} TO {name}"
        );
        execute(&server(), &grants).await.unwrap();
    }

    pub fn url(&self) -> String {
        let url = self.schema.url();
        let (_, rest) = url.split_once('@').unwrap();
        format!("postgres://{}:only-a-test@{rest}", self.name)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let name = &self.name;
        at_the_end(&server(), format!("DROP OWNED BY {name}; DROP ROLE {name}"));
    }
}

/// The rights that docs/operating.md says that a program needs.
pub const DOCUMENTED: &str = "SELECT, INSERT, UPDATE, DELETE";

/// The statements that the message tells to run.
pub fn grants(refused: &OpenError) -> String {
    let is_it = matches!(refused, OpenError::NoRightToWrite { .. });
    assert!(is_it && !refused.is_transient(), "{refused}");
    let said = refused.to_string();
    let (_, grants) = said.split_once("run: ").expect("it says what to do");
    grants.to_owned()
}
