//! Contains what benchmarks of Seriatim are written with: the aggregate, the product, the load, measuring in turn, the
//! report.
//!
//! The program beside it measures the product against the limits of what it stands on; other programs can measure it
//! against other things by the same means.

pub mod cost;
pub mod domain;
pub mod fill;
pub mod load;
pub mod machine;
pub mod measure;
pub mod postgres;
pub mod product;
pub mod raw_postgres;
pub mod report;
pub mod row;

/// The result of a measurement, or the reason why it could not be made.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
