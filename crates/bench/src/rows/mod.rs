//! One file a row of the budget table (docs/performance.md), each comparing the product with its limit.

mod ours;
mod p9;
mod p10;
mod p12;
mod p13;
mod p15;
pub(crate) mod p16;
mod p18;
mod postgres;
mod checksum;
mod cost;
mod fair;
mod letters;
pub(crate) mod live;
mod read_back;
mod sqlite;
mod stale;
mod tls;

use seriatim_bench::Outcome;
use seriatim_bench::row::Row;

use crate::context::{Context, On};

/// A row of the table on one store.
pub(crate) struct Benchmark {
    pub(crate) name: &'static str,
    pub(crate) on: On,
    /// Gives one line or several.
    pub(crate) measure: fn(&Context, On) -> Outcome<Vec<Row>>,
    /// `true` if it is measured when nobody names it.
    pub(crate) by_default: bool,
}

impl Benchmark {
    const fn of(
        name: &'static str,
        on: On,
        measure: fn(&Context, On) -> Outcome<Vec<Row>>,
    ) -> Self {
        Self {
            name,
            on,
            measure,
            by_default: true,
        }
    }

    /// Measures it only if somebody names it, because it takes many minutes.
    const fn only_by_name(self) -> Self {
        Self {
            by_default: false,
            ..self
        }
    }
}

/// In the order in which they are measured.
pub(crate) const ALL: &[Benchmark] = &[
    Benchmark::of("P1", On::Postgres, postgres::p1::measure),
    Benchmark::of("P2", On::Postgres, postgres::p2::measure),
    Benchmark::of("P3", On::Postgres, postgres::p3::measure),
    Benchmark::of("P4", On::Postgres, postgres::p4::measure),
    Benchmark::of("P4", On::Sqlite, sqlite::p4::measure),
    Benchmark::of("P5", On::Postgres, postgres::p5::measure),
    Benchmark::of("P6", On::Postgres, postgres::p6::measure),
    Benchmark::of("P7", On::Sqlite, sqlite::p7::measure),
    Benchmark::of("P8", On::Sqlite, sqlite::p8::measure),
    Benchmark::of("P9", On::Postgres, p9::measure),
    Benchmark::of("P9", On::Sqlite, p9::measure),
    Benchmark::of("P10", On::Postgres, p10::measure),
    Benchmark::of("P10", On::Sqlite, p10::measure),
    Benchmark::of("P11", On::Postgres, postgres::p11::measure),
    Benchmark::of("P11", On::Sqlite, sqlite::p11::measure),
    Benchmark::of("P12", On::Postgres, p12::measure),
    Benchmark::of("P12", On::Sqlite, p12::measure),
    Benchmark::of("P13", On::Postgres, p13::measure),
    Benchmark::of("P13", On::Sqlite, p13::measure),
    Benchmark::of("P14", On::Postgres, postgres::p14::measure),
    Benchmark::of("P15", On::Postgres, p15::measure),
    Benchmark::of("P15", On::Sqlite, p15::measure),
    Benchmark::of("P16", On::Postgres, p16::measure),
    Benchmark::of("P16", On::Sqlite, p16::measure),
    Benchmark::of("P18", On::Postgres, p18::measure),
    Benchmark::of("P18", On::Sqlite, p18::measure),
    Benchmark::of("READ_BACK", On::Sqlite, read_back::measure),
    Benchmark::of("CHECKSUM", On::Sqlite, checksum::measure),
    Benchmark::of("STALE", On::Sqlite, stale::measure),
    Benchmark::of("STALE", On::Postgres, stale::measure),
    Benchmark::of("LETTERS", On::Sqlite, letters::measure),
    Benchmark::of("LETTERS", On::Postgres, letters::measure),
    Benchmark::of("FAIR", On::Sqlite, fair::measure),
    Benchmark::of("FAIR", On::Postgres, fair::measure),
    Benchmark::of("TLS", On::Memory, tls::measure),
    Benchmark::of("TLS", On::Sqlite, tls::measure),
    Benchmark::of("LIVE", On::Sqlite, live::measure),
    Benchmark::of("LIVE", On::Postgres, live::measure),
    Benchmark::of("COST", On::Memory, cost::measure),
    Benchmark::of("COST", On::Sqlite, cost::measure),
    Benchmark::of("COST", On::Postgres, cost::measure),
    Benchmark::of("P17", On::Postgres, postgres::growth::measure).only_by_name(),
    Benchmark::of("LAYOUT", On::Postgres, postgres::layout::measure).only_by_name(),
    #[cfg(feature = "driver-comparison")]
    Benchmark::of("DRIVERS", On::Sqlite, sqlite::drivers::measure),
];

/// Returns the names that a row can be called by.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = ALL.iter().map(|row| row.name).collect();
    names.dedup();
    names
}
