//! A clock that jumps, as the tables of a store see it.

use std::fmt::Write;

/// The times of each table that the store itself compares with its clock or writes down by it.
const TIMES: [(&str, &[&str]); 4] = [
    ("seriatim_log_head", &["recorded_at"]),
    ("seriatim_events", &["recorded_at"]),
    (
        "seriatim_checkpoints",
        &["leased_until", "asked_until", "moved_at"],
    ),
    (
        "seriatim_timers",
        &["due", "rings_at", "counts_from", "touched_at"],
    ),
];

/// SQL after which a storage stands as if its clock had jumped by so many seconds: all that is stored lies so much
/// further back, or ahead if the clock has jumped back. `prefix` is what comes before the name of a table.
pub fn jump(prefix: &str, seconds: i64) -> String {
    let by = seconds * 1_000_000;
    let mut sql = String::new();
    for (table, columns) in TIMES {
        let changes: Vec<_> = columns
            .iter()
            .map(|column| format!("{column} = {column} - ({by})"))
            .collect();
        writeln!(sql, "UPDATE {prefix}{table} SET {};", changes.join(", "))
            .expect("a string takes everything");
    }
    sql
}
