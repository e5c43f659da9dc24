//! Gives every row how long to measure, where to write, and a runtime.

use std::cell::RefCell;
use std::path::Path;

use clap::ValueEnum;
use seriatim_bench::Outcome;
use seriatim_bench::cost::{Commits, Cost};
use seriatim_bench::load::rate;
use seriatim_bench::postgres::{Schema, Server};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The store on which a row is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum On {
    Sqlite,
    Postgres,
    Memory,
}

impl On {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Memory => "memory",
        }
    }
}

/// The context that every row is given.
pub(crate) struct Context {
    /// The number of times that everything is measured.
    pub(crate) rounds: usize,
    quick: bool,
    folder: TempDir,
    server: Option<Server>,
    runtime: Runtime,
    commits: Commits,
    cost: RefCell<Option<Cost>>,
}

/// A database that nobody else uses.
pub(crate) struct Database<'a> {
    /// For [`Product::open`](seriatim_bench::product::Product::open).
    pub(crate) url: String,
    schema: Option<&'a Schema>,
}

impl Context {
    /// Writes SQLite's databases below `folder`, which must be on the disk that is meant.
    pub(crate) fn new(
        quick: bool,
        rounds: usize,
        folder: &Path,
        server: Option<Server>,
    ) -> Outcome<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            rounds,
            quick,
            folder: tempfile::tempdir_in(folder)?,
            server,
            runtime: Runtime::new()?,
            commits: Commits::install()?,
            cost: RefCell::default(),
        })
    }

    /// `full`, or a fifth of it if it is to be quick.
    pub(crate) fn scaled(&self, full: usize) -> usize {
        if self.quick { full / 5 } else { full }
    }

    /// The PostgreSQL that is measured, if one is.
    pub(crate) fn postgres_in_words(&self) -> Outcome<Option<String>> {
        let words = |server: &Server| self.block_on(server.in_words());
        self.server.as_ref().map(words).transpose()
    }

    /// A folder of its own for each measurement, gone with what is returned.
    pub(crate) fn fresh_folder(&self) -> Outcome<TempDir> {
        Ok(tempfile::tempdir_in(self.folder.path())?)
    }

    /// Gives `work` a database of its own, for one measurement.
    pub(crate) fn in_database<T>(
        &self,
        on: On,
        work: impl AsyncFnOnce(&Database<'_>) -> Outcome<T>,
    ) -> Outcome<T> {
        match on {
            On::Sqlite => {
                let folder = self.fresh_folder()?;
                let file = folder.path().join("product.db");
                let database = Database {
                    url: format!("sqlite://{}", file.display()),
                    schema: None,
                };
                self.block_on(work(&database))
            }
            On::Memory => self.block_on(work(&Database {
                url: "memory:".into(),
                schema: None,
            })),
            On::Postgres => self.in_schema(async |schema| {
                let database = Database {
                    url: schema.url(),
                    schema: Some(schema),
                };
                work(&database).await
            }),
        }
    }

    /// Gives `work` a schema of its own on PostgreSQL.
    pub(crate) fn in_schema<T>(&self, work: impl AsyncFnOnce(&Schema) -> Outcome<T>) -> Outcome<T> {
        self.block_on(self.server()?.with_schema(work))
    }

    /// The PostgreSQL that is measured.
    pub(crate) fn server(&self) -> Outcome<&Server> {
        let server = self.server.as_ref();
        server.ok_or_else(|| "a row on PostgreSQL was measured without one".into())
    }

    /// [`rate`], noting what each call cost.
    pub(crate) async fn rate<C, F>(&self, in_flight: usize, total: usize, call: C) -> Outcome<f64>
    where
        C: Fn(usize, usize) -> F + Clone + Send + 'static,
        F: Future<Output = Outcome<()>> + Send + 'static,
    {
        let begun = self.commits.begin();
        let figure = rate(in_flight, total, call).await?;
        let cost = begun.and_then(|begun| begun.end(total)).ok();
        self.cost.replace(cost);
        Ok(figure)
    }

    /// Takes what a call cost at the last [`Context::rate`], if the system tells.
    pub(crate) fn take_cost(&self) -> Option<Cost> {
        self.cost.take()
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

impl Database<'_> {
    /// Must be called between preparing and measuring, see [`Schema::settle`]; SQLite has nothing left to do then.
    pub(crate) async fn settle(&self) -> Outcome<()> {
        match self.schema {
            Some(schema) => schema.settle().await,
            None => Ok(()),
        }
    }
}
