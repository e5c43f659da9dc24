//! One file a row of the budget table (docs/performance.md), each comparing the product with its limit.

mod p4;
mod p7;
mod p8;
mod p9;
mod p10;
mod p11;
mod p16;
#[cfg(feature = "driver-comparison")]
mod drivers;

pub(crate) use p16::touch_and_print;

use crate::Outcome;
use crate::context::Context;
use crate::report::Row;

/// Measures one row, which may have several lines.
pub(crate) type Measure = fn(&Context) -> Outcome<Vec<Row>>;

/// All rows by name, in the order in which they are measured.
pub(crate) const ALL: &[(&str, Measure)] = &[
    ("P4", p4::measure),
    ("P7", p7::measure),
    ("P8", p8::measure),
    ("P9", p9::measure),
    ("P10", p10::measure),
    ("P11", p11::measure),
    ("P16", p16::measure),
    #[cfg(feature = "driver-comparison")]
    ("DRIVERS", drivers::measure),
];
